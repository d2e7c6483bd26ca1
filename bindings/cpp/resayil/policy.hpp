// Whether, when and why to try again.
#ifndef RESAYIL_POLICY_HPP
#define RESAYIL_POLICY_HPP

#include "result.hpp"

namespace resayil {

class Quota;

/// A stock of retries that calls share. Any thread may use it.
class Budget {
public:
    /// A budget that all processes share which share this quota.
    static Result<Budget> shared(const Quota &quota, double ratio = RESAYIL_BUDGET_RATIO,
                                 double reserve = RESAYIL_BUDGET_RESERVE) noexcept;
    /// `ratio` is how many retries a success earns, `reserve` how many there are at the most.
    static Result<Budget> create(double ratio = RESAYIL_BUDGET_RATIO,
                                 double reserve = RESAYIL_BUDGET_RESERVE) noexcept {
        resayil_budget *budget = nullptr;
        resayil_error *error = nullptr;
        resayil_status status = resayil_budget_new(ratio, reserve, &budget, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return Budget(budget);
    }

    /// How many retries are left.
    double remaining() const noexcept { return resayil_budget_remaining(handle_.get()); }
    /// The handle that is behind it.
    const resayil_budget *get() const noexcept { return handle_.get(); }

private:
    explicit Budget(resayil_budget *budget) noexcept : handle_(budget) {}
    detail::Handle<resayil_budget, resayil_budget_free> handle_;
};

/// What to do after a failed attempt.
struct Decision {
    /// Whether to send the same request again, after the delay.
    bool retry;
    /// How long to wait before.
    Seconds delay;
    /// Why: a static text such as `quota_window`, `backoff` or `max_attempts`.
    std::string_view reason;
};

/// One call: it is told each failure and answers what to do. One thread at a time.
class Call {
public:
    /// Takes a call that C gave away.
    explicit Call(resayil_call *call) noexcept : handle_(call) {}

    /// Draws the retries from a shared budget.
    Result<void> set_budget(const Budget &budget) noexcept {
        return detail::settled(resayil_call_set_budget(handle_.get(), budget.get()));
    }
    /// `now` is when the attempt failed, on the clock that the call was started with. A retry for the reason
    /// `budget` tries whether the service is back; it spends neither an attempt nor budget.
    Result<Decision> on_error(const ErrorView &error, double now = monotonic_now()) noexcept {
        resayil_decision decision;
        resayil_status status = resayil_call_on_error(handle_.get(), error.get(), now, &decision);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return Decision{decision.retry, Seconds(decision.delay_seconds),
                        detail::view(decision.reason)};
    }
    /// Begins the attempts anew, at another target: see FallbackCall.
    Result<void> restart() noexcept { return detail::settled(resayil_call_restart(handle_.get())); }
    /// Tells that the call succeeded, which fills the budget.
    Result<void> on_success() noexcept { return detail::settled(resayil_call_on_success(handle_.get())); }
    /// How many attempts have failed.
    std::uint32_t failures() const noexcept { return resayil_call_failures(handle_.get()); }
    /// How much time is left; nothing without a deadline.
    std::optional<Seconds> remaining(double now = monotonic_now()) const noexcept {
        double seconds = 0;
        bool limited = resayil_call_remaining(handle_.get(), now, &seconds);
        return limited ? std::optional<Seconds>(seconds) : std::nullopt;
    }

    /// The handle that is behind it.
    const resayil_call *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<resayil_call, resayil_call_free> handle_;
};

/// When to try again: immutable. Any thread may use it.
class Policy {
public:
    /// Takes a policy that C gave away.
    explicit Policy(resayil_policy *policy) noexcept : handle_(policy) {}

    /// The policy of a name: `default`, `none` (never again), `aggressive` (soon again and soon given
    /// up, for people who wait), `patient` (tries hardest, for jobs that nobody waits for) or `openai`.
    static Result<Policy> preset(const char *name = "default") noexcept {
        resayil_policy *policy = nullptr;
        resayil_status status = resayil_policy_new(name, &policy);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return Policy(policy);
    }

    /// Begins one call. `seed` decides the jitter.
    Result<Call> start(std::uint64_t seed, double now = monotonic_now()) const noexcept {
        resayil_call *call = nullptr;
        resayil_status status = resayil_policy_start(handle_.get(), now, seed, &call);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return Call(call);
    }
    /// How many requests may be sent for one call.
    std::uint32_t max_attempts() const noexcept { return resayil_policy_max_attempts(handle_.get()); }
    /// The handle that is behind it.
    const resayil_policy *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<resayil_policy, resayil_policy_free> handle_;
};

/// Makes a policy. A value that cannot be taken is told by build().
class PolicyBuilder {
public:
    PolicyBuilder() noexcept : PolicyBuilder(nullptr) {}
    /// Starts from the options of another policy.
    explicit PolicyBuilder(const Policy &from) noexcept : PolicyBuilder(from.get()) {}

    /// How many requests may be sent for one call.
    PolicyBuilder &max_attempts(std::uint32_t attempts) noexcept {
        resayil_policy_builder_max_attempts(handle_.get(), attempts);
        return *this;
    }
    /// How long the whole call may take.
    PolicyBuilder &deadline(Seconds deadline) noexcept {
        resayil_policy_builder_deadline(handle_.get(), deadline.count());
        return *this;
    }
    /// The first delay between attempts.
    PolicyBuilder &base_delay(Seconds delay) noexcept {
        resayil_policy_builder_base_delay(handle_.get(), delay.count());
        return *this;
    }
    /// By how much each delay is longer than the one before.
    PolicyBuilder &factor(double factor) noexcept {
        resayil_policy_builder_factor(handle_.get(), factor);
        return *this;
    }
    /// The longest delay.
    PolicyBuilder &max_delay(Seconds delay) noexcept {
        resayil_policy_builder_max_delay(handle_.get(), delay.count());
        return *this;
    }
    /// The longest wait that a server may ask for; a longer one ends the call.
    PolicyBuilder &max_hint(Seconds hint) noexcept {
        resayil_policy_builder_max_hint(handle_.get(), hint.count());
        return *this;
    }
    /// `equal`, `full`, `additive`, `decorrelated`, `quarter` or `none`.
    PolicyBuilder &jitter(const char *name) noexcept {
        resayil_policy_builder_jitter(handle_.get(), name);
        return *this;
    }
    /// How often a call may be refused for quota.
    PolicyBuilder &max_quota_waits(std::uint32_t refusals) noexcept {
        resayil_policy_builder_max_quota_waits(handle_.get(), refusals);
        return *this;
    }
    /// How long a call waits, in all, for a retry that its budget does not afford.
    PolicyBuilder &patience(Seconds patience) noexcept {
        resayil_policy_builder_patience(handle_.get(), patience.count());
        return *this;
    }
    /// Whether to retry what the server may have carried out.
    PolicyBuilder &retry_ambiguous(bool retry) noexcept {
        resayil_policy_builder_retry_ambiguous(handle_.get(), retry);
        return *this;
    }
    /// Whether to retry this kind, against the rules.
    PolicyBuilder &retry_kind(Kind kind, bool retry) noexcept {
        resayil_policy_builder_retry_kind(handle_.get(), static_cast<std::uint32_t>(kind), retry);
        return *this;
    }
    /// An error that names the option, if one is out of its range.
    Result<Policy> build() const noexcept {
        resayil_policy *policy = nullptr;
        resayil_error *error = nullptr;
        resayil_status status = resayil_policy_builder_build(handle_.get(), &policy, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return Policy(policy);
    }

private:
    explicit PolicyBuilder(const resayil_policy *from) noexcept {
        resayil_policy_builder *builder = nullptr;
        resayil_policy_builder_new(from, &builder);
        handle_.reset(builder);
    }
    detail::Handle<resayil_policy_builder, resayil_policy_builder_free> handle_;
};

} // namespace resayil

#endif
