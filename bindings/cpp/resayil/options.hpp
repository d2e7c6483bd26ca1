// What a client and its calls may be told.
#ifndef RESAYIL_OPTIONS_HPP
#define RESAYIL_OPTIONS_HPP

#include "policy.hpp"
#include "quota.hpp"

#include <functional>

namespace resayil {

/// Ends calls from outside. Any thread may use it, also while a call runs.
class CancelToken {
public:
    CancelToken() noexcept {
        resayil_cancel *cancel = nullptr;
        resayil_cancel_new(&cancel);
        handle_.reset(cancel);
    }
    /// Ends at once all calls that have this token, and those that get it later.
    void cancel() const noexcept { resayil_cancel_cancel(handle_.get()); }
    /// Whether cancel() was called.
    bool is_cancelled() const noexcept { return resayil_cancel_is_cancelled(handle_.get()); }
    /// The handle that is behind it.
    const resayil_cancel *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<resayil_cancel, resayil_cancel_free> handle_;
};

/// A successful answer as it came; valid as long as what it was made of.
class ResponseView {
public:
    /// Looks at an answer of C's.
    explicit ResponseView(const resayil_response *response) noexcept : response_(response) {}

    /// The HTTP status.
    std::uint32_t status() const noexcept { return resayil_response_status(response_); }
    /// The body, after decompression.
    std::string_view body() const noexcept {
        return detail::some(resayil_response_body(response_)).value_or(std::string_view());
    }
    /// The text of the first choice, if this is a chat completion; empty if the model only calls tools.
    std::optional<std::string_view> content() const noexcept {
        return detail::some(resayil_response_content(response_));
    }
    /// The first header of this name, in any case.
    std::optional<std::string_view> header(const char *name) const noexcept {
        return detail::some(resayil_response_header(response_, name));
    }
    /// The provider's id of the request.
    std::optional<std::string_view> request_id() const noexcept {
        return detail::some(resayil_response_request_id(response_));
    }
    /// How many requests were sent for it.
    std::uint32_t attempts() const noexcept { return resayil_response_attempts(response_); }
    /// Which target of the client's fallback answered, counted from 0; nothing for the first one asked.
    std::optional<std::size_t> fallback() const noexcept {
        std::size_t index = 0;
        bool served = resayil_response_fallback(response_, &index);
        return served ? std::optional<std::size_t>(index) : std::nullopt;
    }

protected:
    /// What is looked at; null for nothing.
    const resayil_response *response_;
};

/// Says of an answer that came well whether to treat it as a failure all the same.
using ResultPredicate = std::function<bool(const ResponseView &)>;

namespace detail {

/// Calls the predicate that `user` points to.
inline bool rejects(const resayil_response *response, void *user) noexcept {
    return (*static_cast<const ResultPredicate *>(user))(ResponseView(response));
}

/// A predicate as C takes it.
inline void *user(const ResultPredicate *predicate) noexcept {
    return const_cast<void *>(static_cast<const void *>(predicate));
}

} // namespace detail

/// The options of one call; what is not set is as the client has it. A value that cannot be taken is
/// told by ok().
class Options {
public:
    Options() noexcept {
        resayil_options *options = nullptr;
        keep(resayil_options_new(&options));
        handle_.reset(options);
    }
    /// The time that the whole call may take.
    Options &deadline(Seconds deadline) noexcept {
        keep(resayil_options_deadline(handle_.get(), deadline.count()));
        return *this;
    }
    /// Ends the call as soon as the token is cancelled.
    Options &cancel(const CancelToken &token) noexcept {
        keep(resayil_options_cancel(handle_.get(), token.get()));
        return *this;
    }
    /// The header `Idempotency-Key` of all attempts: 1 to 255 visible ASCII characters.
    Options &idempotency_key(const char *key) noexcept {
        keep(resayil_options_idempotency_key(handle_.get(), key));
        return *this;
    }
    /// How urgent the call is where several wait for the quota: `high`, `normal` or `low`.
    Options &priority(const char *priority) noexcept {
        keep(resayil_options_priority(handle_.get(), priority));
        return *this;
    }
    /// On whose behalf the call is: while several wait, each is admitted by its weight, 1 to 1000.
    Options &tenant(const char *name, std::uint32_t weight = 1) noexcept {
        keep(resayil_options_tenant(handle_.get(), name, weight));
        return *this;
    }
    /// The tokens of the prompt, and the most that the answer may have; negative for unknown. By default
    /// they are estimated.
    Options &cost(std::int64_t input_tokens, std::int64_t output_tokens = -1) noexcept {
        keep(resayil_options_cost(handle_.get(), input_tokens, output_tokens));
        return *this;
    }
    /// How failures of this call are retried.
    Options &policy(const Policy &policy) noexcept {
        keep(resayil_options_policy(handle_.get(), policy.get()));
        return *this;
    }
    /// Retries an answer that came well, but that the predicate does not take; see
    /// resayil_options_retry_if_result. It must not throw, and the options have to live as long as
    /// the call.
    Options &retry_if_result(ResultPredicate predicate) {
        predicate_ = std::make_shared<const ResultPredicate>(std::move(predicate));
        keep(resayil_options_retry_if_result(handle_.get(), detail::rejects,
                                             detail::user(predicate_.get())));
        return *this;
    }
    /// Whether every value was taken.
    Result<void> ok() const noexcept { return detail::settled(status_); }
    /// The handle that is behind it.
    const resayil_options *get() const noexcept { return handle_.get(); }

private:
    void keep(resayil_status status) noexcept {
        status_ = status_ == RESAYIL_STATUS_OK ? status : status_;
    }
    resayil_status status_ = RESAYIL_STATUS_OK;
    std::shared_ptr<const ResultPredicate> predicate_;
    detail::Handle<resayil_options, resayil_options_free> handle_;
};

inline Result<Ticket> Quota::enter(const Options &options) noexcept {
    resayil_ticket *ticket = nullptr;
    resayil_status status = resayil_quota_enter_with(handle_.get(), options.get(), &ticket);
    if (status != RESAYIL_STATUS_OK) {
        return detail::failure(status);
    }
    return Ticket(ticket);
}

inline Result<Budget> Budget::shared(const Quota &quota, double ratio, double reserve) noexcept {
    resayil_budget *budget = nullptr;
    resayil_error *error = nullptr;
    resayil_status status = resayil_budget_new_shared(ratio, reserve, quota.get(), &budget, &error);
    if (status != RESAYIL_STATUS_OK) {
        return detail::failure(status, error);
    }
    return Budget(budget);
}

/// One decision of a client, for a log: without key and prompt. Valid while the observer runs.
class Event {
public:
    /// Looks at an event of C's.
    explicit Event(const resayil_event *event) noexcept : event_(event) {}

    /// `retry`, `stop`, `quota_wait` or `warning`.
    std::string_view action() const noexcept { return detail::view(resayil_event_action(event_)); }
    /// Why, such as `backoff` or `server_hint`.
    std::string_view reason() const noexcept { return detail::view(resayil_event_reason(event_)); }
    /// How many requests were sent for this call so far.
    std::uint32_t attempt() const noexcept { return resayil_event_attempt(event_); }
    /// How long the wait is.
    std::optional<Seconds> delay() const noexcept {
        double seconds = 0;
        bool known = resayil_event_delay(event_, &seconds);
        return known ? std::optional<Seconds>(seconds) : std::nullopt;
    }
    /// All of it in one line, for a log.
    std::string_view summary() const noexcept { return detail::view(resayil_event_summary(event_)); }
    /// The kind of the failure that led to the decision; unknown if there is none.
    Kind kind() const noexcept { return static_cast<Kind>(resayil_event_kind(event_)); }
    /// Its HTTP status, if there was an answer.
    std::optional<std::uint32_t> status() const noexcept {
        std::uint32_t status = resayil_event_status(event_);
        return status == 0 ? std::nullopt : std::optional<std::uint32_t>(status);
    }
    /// The provider's code of it.
    std::optional<std::string_view> code() const noexcept {
        return detail::some(resayil_event_code(event_));
    }
    /// The provider's id of the request.
    std::optional<std::string_view> request_id() const noexcept {
        return detail::some(resayil_event_request_id(event_));
    }
    /// The failure that led to the decision.
    std::optional<ErrorView> error() const noexcept {
        const resayil_error *error = resayil_event_error(event_);
        return error == nullptr ? std::nullopt : std::optional<ErrorView>(ErrorView(error));
    }

private:
    const resayil_event *event_;
};

/// Is told the decisions of a client.
using Observer = std::function<void(const Event &)>;

} // namespace resayil

#endif
