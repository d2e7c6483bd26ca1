// What all operations at one service share.
#ifndef RESAYIL_SERVICE_HPP
#define RESAYIL_SERVICE_HPP

#include "policy.hpp"
#include "quota.hpp"

namespace resayil {

/// A limiter as it stands.
using ConcurrencyState = resayil_concurrency_state;

/// Limits how many requests are in flight at once. Any thread may use it.
class ConcurrencyLimiter {
public:
    /// `max` is 1 to 100000; `adaptive` finds the limit by trying, up to `max`.
    static Result<ConcurrencyLimiter> create(std::uint32_t max, bool adaptive = false) noexcept {
        resayil_concurrency_limiter *limiter = nullptr;
        resayil_error *error = nullptr;
        resayil_status status = resayil_concurrency_limiter_new(max, adaptive, &limiter, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return ConcurrencyLimiter(limiter);
    }

    /// As it stands.
    Result<ConcurrencyState> state() const noexcept {
        ConcurrencyState state{};
        resayil_status status = resayil_concurrency_limiter_get_state(handle_.get(), &state);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return state;
    }
    /// The handle that is behind it.
    const resayil_concurrency_limiter *get() const noexcept { return handle_.get(); }

private:
    explicit ConcurrencyLimiter(resayil_concurrency_limiter *limiter) noexcept : handle_(limiter) {}
    detail::Handle<resayil_concurrency_limiter, resayil_concurrency_limiter_free> handle_;
};

/// What all operations at one service with one key share. One thread at a time may set; any may use it
/// then. What is set later holds for options that are made later.
class Service {
public:
    Service() noexcept {
        resayil_service *service = nullptr;
        resayil_service_new(&service);
        handle_.reset(service);
    }

    /// Whose API it is; nullptr recognises it by each answer.
    Result<void> set_provider(const char *provider) noexcept {
        return detail::settled(resayil_service_provider(handle_.get(), provider));
    }
    /// The retry budget that its operations draw from.
    Result<void> set_budget(const Budget &budget) noexcept {
        return detail::settled(resayil_service_budget(handle_.get(), budget.get()));
    }
    /// `now` is the time on the clock that the quota was made with.
    Result<void> set_quota(const Quota &quota, double now = monotonic_now()) noexcept {
        return detail::settled(resayil_service_quota(handle_.get(), quota.get(), now));
    }
    /// What limits how many of its requests are in flight.
    Result<void> set_concurrency_limiter(const ConcurrencyLimiter &limiter) noexcept {
        return detail::settled(resayil_service_concurrency_limiter(handle_.get(), limiter.get()));
    }
    /// The handle that is behind it.
    const resayil_service *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<resayil_service, resayil_service_free> handle_;
};

} // namespace resayil

#endif
