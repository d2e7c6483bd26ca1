// The whole course of a call, for programs with an event loop and HTTP of their own.
#ifndef RESAYIL_OPERATION_HPP
#define RESAYIL_OPERATION_HPP

#include "fallback.hpp"
#include "service.hpp"

#include <vector>

namespace resayil {

/// What an operation does next.
struct Step {
    /// What to do.
    enum class Action : std::uint32_t {
        /// Ask again at `until` or as soon as the waker is called; only then where there is no time.
        wait = RESAYIL_STEP_WAIT,
        /// Send the request, then tell what came of it.
        send = RESAYIL_STEP_SEND,
        /// The operation has succeeded.
        done = RESAYIL_STEP_DONE,
        /// The operation has failed: see Operation::take_error.
        failed = RESAYIL_STEP_FAILED,
    };

    /// What to do; it decides which of the others mean anything.
    Action action;
    /// To wait: when to ask again at the latest, on the clock of the operation.
    std::optional<double> until;
    /// To wait: for what: `quota`, `concurrency`, `budget` or `backoff`.
    std::string_view reason;
    /// To send: which request of the operation it is, from 1.
    std::uint32_t attempt;
    /// To send: the fallback's target; none for the request's own.
    std::optional<std::size_t> target;
    /// To send: when the request has to be given up, on the clock of the operation.
    std::optional<double> ends_at;
    /// To send: whether it must not go out on a kept connection.
    bool needs_fresh_connection;
};

/// How far a request got that had no answer.
enum class Reached : std::uint32_t {
    nothing = RESAYIL_REACHED_NOTHING,
    stale_connection = RESAYIL_REACHED_STALE_CONNECTION,
    server = RESAYIL_REACHED_SERVER,
};

/// One operation over any number of attempts, as a state machine: see `resayil_operation`. What is told
/// out of order is refused, and changes nothing. One thread at a time.
class Operation {
public:
    /// Takes an operation that C gave away.
    explicit Operation(resayil_operation *operation) noexcept : handle_(operation) {}

    /// Asks what to do now. `waker` is called with `user` when it is worth asking again before the time:
    /// see `resayil_waker_callback`.
    Result<Step> poll(double now = monotonic_now(), resayil_waker_callback waker = nullptr,
                      void *user = nullptr) noexcept {
        resayil_step step;
        resayil_status status = resayil_operation_poll(handle_.get(), now, waker, user, &step);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        Step result{};
        result.action = static_cast<Step::Action>(step.action);
        if (step.has_until) {
            result.until = step.until_seconds;
        }
        if (step.has_ends_at) {
            result.ends_at = step.ends_at_seconds;
        }
        if (step.target >= 0) {
            result.target = static_cast<std::size_t>(step.target);
        }
        result.reason = detail::view(step.reason);
        result.attempt = step.attempt;
        result.needs_fresh_connection = step.needs_fresh_connection;
        return result;
    }

    /// The head of the answer came; the headers are copied. Takes Headers or a HeaderBlock.
    template <class List>
    Result<void> on_headers(std::uint32_t status, const List &headers, double unix_time = unix_now(),
                            double now = monotonic_now()) noexcept {
        return detail::settled(resayil_operation_on_headers(handle_.get(), status, headers.data(),
                                                            headers.size(), unix_time, now));
    }
    /// The body of the answer came. True for a success: then tell on_success(), or on_error().
    Result<bool> on_body(std::string_view body, double unix_time = unix_now(),
                         double now = monotonic_now()) noexcept {
        bool is_success = false;
        resayil_status status = resayil_operation_on_body(handle_.get(), detail::bytes(body), body.size(),
                                                          unix_time, now, &is_success);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return is_success;
    }
    /// The whole answer is there and good.
    Result<void> on_success(double now = monotonic_now()) noexcept {
        return detail::settled(resayil_operation_on_success(handle_.get(), now));
    }
    /// The answer broke off after its head, or is of no use.
    Result<void> on_error(const ErrorView &error, double now = monotonic_now()) noexcept {
        return detail::settled(resayil_operation_on_error(handle_.get(), error.get(), now));
    }
    /// No answer came to the request, which got so far.
    Result<void> on_failure(const ErrorView &error, Reached reached, double now = monotonic_now()) noexcept {
        return detail::settled(resayil_operation_on_failure(
            handle_.get(), error.get(), static_cast<std::uint32_t>(reached), now));
    }
    /// The operation fails with this error, whatever the policy; after the head of an answer.
    Result<void> give_up(const ErrorView &error, double now = monotonic_now()) noexcept {
        return detail::settled(resayil_operation_give_up(handle_.get(), error.get(), now));
    }
    /// The caller does not want the answer any more.
    Result<void> cancel(double now = monotonic_now()) noexcept {
        return detail::settled(resayil_operation_cancel(handle_.get(), now));
    }

    /// The error of an operation that has failed, once.
    std::optional<Error> take_error() noexcept {
        resayil_error *error = nullptr;
        resayil_operation_take_error(handle_.get(), &error);
        return error == nullptr ? std::nullopt : std::optional<Error>(Error(error));
    }
    /// The `Idempotency-Key` to send; ask for each attempt.
    std::optional<std::string> idempotency_key() const {
        resayil_string *key = nullptr;
        resayil_operation_idempotency_key(handle_.get(), &key);
        return detail::take_some(key);
    }
    /// The model that the request is for.
    std::optional<std::string> model() const {
        resayil_string *model = nullptr;
        resayil_operation_model(handle_.get(), &model);
        return detail::take_some(model);
    }
    /// How many requests were sent so far.
    std::uint32_t attempts() const noexcept { return resayil_operation_attempts(handle_.get()); }
    /// Whether it has succeeded or failed.
    bool is_over() const noexcept { return resayil_operation_is_over(handle_.get()); }
    /// When the operation has to be over, on its clock.
    std::optional<double> deadline() const noexcept {
        double seconds = 0;
        bool limited = resayil_operation_deadline(handle_.get(), &seconds);
        return limited ? std::optional<double>(seconds) : std::nullopt;
    }
    /// The error for a request that took too long; of Kind::configuration for a time that is none.
    Error timeout_error(bool ambiguous, double now = monotonic_now()) const noexcept {
        resayil_error *error = nullptr;
        resayil_status status = resayil_operation_timeout_error(handle_.get(), ambiguous, now, &error);
        return status == RESAYIL_STATUS_OK ? Error(error) : detail::failure(status);
    }

private:
    detail::Handle<resayil_operation, resayil_operation_free> handle_;
};

/// The options of one operation, or of several.
class OperationOptions {
public:
    /// Requests to this service that are retried by this policy.
    OperationOptions(const Policy &policy, const Service &service) noexcept {
        resayil_operation_options *options = nullptr;
        resayil_operation_options_new(policy.get(), service.get(), &options);
        handle_.reset(options);
    }

    /// What takes the request over, and the services of its targets: null for the request's own.
    Result<void> set_fallback(const Fallback &fallback, std::initializer_list<const Service *> services = {}) {
        std::vector<const resayil_service *> list;
        for (const Service *service : services) {
            list.push_back(service == nullptr ? nullptr : service->get());
        }
        return detail::settled(
            resayil_operation_options_fallback(handle_.get(), fallback.get(), list.data(), list.size()));
    }
    /// Whether the request counts against the quota. Default: true.
    Result<void> set_metered(bool metered) noexcept {
        return detail::settled(resayil_operation_options_metered(handle_.get(), metered));
    }
    /// 1 to 255 visible ASCII characters, which start() checks.
    Result<void> set_idempotency_key(const char *key) noexcept {
        return detail::settled(resayil_operation_options_idempotency_key(handle_.get(), key));
    }
    /// How urgent the request is where several wait for the quota: `high`, `normal` or `low`.
    Result<void> set_priority(const char *priority) noexcept {
        return detail::settled(resayil_operation_options_priority(handle_.get(), priority));
    }
    /// On whose behalf the request is: while several wait, each is admitted by its weight, 1 to 1000.
    Result<void> set_tenant(const char *name, std::uint32_t weight = 1) noexcept {
        return detail::settled(resayil_operation_options_tenant(handle_.get(), name, weight));
    }
    /// The tokens of the prompt, and the most that the answer may have; negative for unknown.
    Result<void> set_cost(std::int64_t input_tokens, std::int64_t output_tokens = -1) noexcept {
        return detail::settled(
            resayil_operation_options_cost(handle_.get(), input_tokens, output_tokens));
    }
    /// The model that the request names, for the error.
    Result<void> set_model(const char *model) noexcept {
        return detail::settled(resayil_operation_options_model(handle_.get(), model));
    }
    /// How long one attempt may take.
    Result<void> set_attempt_timeout(Seconds timeout) noexcept {
        return detail::settled(resayil_operation_options_attempt_timeout(handle_.get(), timeout.count()));
    }
    /// Who is told of each decision: see `resayil_operation_options_observer`.
    Result<void> set_observer(resayil_event_callback callback, void *user) noexcept {
        return detail::settled(resayil_operation_options_observer(handle_.get(), callback, user));
    }

    /// Begins an operation. `seed` decides the jitter.
    Result<Operation> start(std::uint64_t seed, double now = monotonic_now()) const noexcept {
        resayil_operation *operation = nullptr;
        resayil_error *error = nullptr;
        resayil_status status =
            resayil_operation_options_start(handle_.get(), now, seed, &operation, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return Operation(operation);
    }

private:
    detail::Handle<resayil_operation_options, resayil_operation_options_free> handle_;
};

} // namespace resayil

#endif
