// What the server still admits, and who may use it next.
#ifndef RESAYIL_QUOTA_HPP
#define RESAYIL_QUOTA_HPP

#include "classify.hpp"

namespace resayil {

/// What a quota knows, to be shown.
struct QuotaState {
    /// Requests that a window admits, if that is known.
    std::optional<std::uint32_t> limit;
    /// How many more this window admits.
    std::optional<std::uint32_t> remaining;
    /// How long until the window ends, or a refusal is over.
    std::optional<Seconds> reset_after;
    /// How many senders wait.
    std::uint64_t waiting;
    /// How many requests were admitted.
    std::uint64_t admitted;
    /// How many of them the server refused.
    std::uint64_t refused;
};

namespace detail {

inline QuotaState quota_state(const resayil_quota_state &state) noexcept {
    QuotaState result{};
    if (state.has_limit) {
        result.limit = state.limit;
        result.remaining = state.remaining;
    }
    if (state.has_reset) {
        result.reset_after = Seconds(state.reset_after_seconds);
    }
    result.waiting = state.waiting;
    result.admitted = state.admitted;
    result.refused = state.refused;
    return result;
}

} // namespace detail

/// A sender's place in the line, then its admission. Destroying it leaves the line.
class Ticket {
public:
    /// Takes a ticket that C gave away.
    explicit Ticket(resayil_ticket *ticket) noexcept : handle_(ticket) {}

    /// Zero: send now. Otherwise ask again after this time.
    Result<Seconds> poll(double now = monotonic_now()) noexcept {
        double wait = 0;
        resayil_status status = resayil_ticket_poll(handle_.get(), now, &wait);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return Seconds(wait);
    }
    /// The same, and leaves a callback for the case that the turn comes earlier: see
    /// `resayil_waker_callback`. The time is what to hold against a deadline; ask again at poll_at().
    Result<Seconds> poll_with(resayil_waker_callback waker, void *user,
                              double now = monotonic_now()) noexcept {
        double wait = 0;
        resayil_status status = resayil_ticket_poll_with(handle_.get(), now, waker, user, &wait);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return Seconds(wait);
    }
    /// When to ask again if the callback was not called, on the clock of the quota.
    std::optional<double> poll_at() const noexcept {
        double seconds = 0;
        bool known = resayil_ticket_poll_at(handle_.get(), &seconds);
        return known ? std::optional<double>(seconds) : std::nullopt;
    }
    /// Tells what the answer says of the quota; without an answer, just destroy the ticket.
    Result<void> settle(std::uint32_t status, const Headers &headers, const std::optional<Error> &error,
                        double unix_time = unix_now(), double now = monotonic_now()) noexcept {
        return detail::settled(resayil_ticket_settle(handle_.get(), status, headers.data(),
                                                     headers.size(), error ? error->get() : nullptr,
                                                     unix_time, now));
    }

private:
    detail::Handle<resayil_ticket, resayil_ticket_free> handle_;
};

class Options;

/// The quota of one key, shared by all senders in this process. Any thread may use it.
class Quota {
public:
    /// `limit` 0 is unknown; `window` is aligned to the server's clock, zero for none.
    static Result<Quota> create(std::uint32_t limit = 0, Seconds window = Seconds(60),
                                double unix_time = unix_now(), double now = monotonic_now()) noexcept {
        resayil_quota *quota = nullptr;
        resayil_error *error = nullptr;
        resayil_status status =
            resayil_quota_new(limit, window.count(), unix_time, now, &quota, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return Quota(quota);
    }

    /// A quota that all processes of this host share which name this group, limit and window; by a file in
    /// this folder, or in one for temporary files if it is empty. Its clock is monotonic_now().
    static Result<Quota> shared(const std::string &group, std::uint32_t limit = 0,
                                Seconds window = Seconds(60), const std::string &folder = {}) noexcept {
        resayil_quota *quota = nullptr;
        resayil_error *error = nullptr;
        resayil_status status =
            resayil_quota_new_shared(group.c_str(), folder.empty() ? nullptr : folder.c_str(), limit,
                                     window.count(), &quota, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return Quota(quota);
    }

    /// Takes a place in the line by the priority, the tenant and the cost of these options.
    Result<Ticket> enter(const Options &options) noexcept;
    /// Takes a place at the end of the line.
    Result<Ticket> enter() noexcept {
        resayil_ticket *ticket = nullptr;
        resayil_status status = resayil_quota_enter(handle_.get(), &ticket);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return Ticket(ticket);
    }
    /// What it knows at this time.
    Result<QuotaState> state(double now = monotonic_now()) const noexcept {
        resayil_quota_state state;
        resayil_status status = resayil_quota_get_state(handle_.get(), now, &state);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return detail::quota_state(state);
    }
    /// The handle that is behind it.
    const resayil_quota *get() const noexcept { return handle_.get(); }

private:
    explicit Quota(resayil_quota *quota) noexcept : handle_(quota) {}
    detail::Handle<resayil_quota, resayil_quota_free> handle_;
};

} // namespace resayil

#endif
