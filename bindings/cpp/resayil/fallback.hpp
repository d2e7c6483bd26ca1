// Where to go with a request that its first target does not serve.
#ifndef RESAYIL_FALLBACK_HPP
#define RESAYIL_FALLBACK_HPP

#include <initializer_list>
#include <vector>

#include "policy.hpp"

namespace resayil {

/// One call's way through the targets of a fallback, for programs that have their own HTTP.
class FallbackCall {
public:
    /// Takes a way that C gave away.
    explicit FallbackCall(resayil_fallback_call *targets) noexcept : handle_(targets) {}

    /// To be asked after each Call::on_error, with the same error and time. Where it gives the number of
    /// a target, that decision is void: call.restart(), and send the request there at once.
    Result<std::optional<std::size_t>> next(const Call &call, const ErrorView &error,
                                            double now = monotonic_now()) noexcept {
        bool taken = false;
        std::size_t index = 0;
        resayil_status status =
            resayil_fallback_call_next(handle_.get(), call.get(), error.get(), now, &taken, &index);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return taken ? std::optional<std::size_t>(index) : std::nullopt;
    }

private:
    detail::Handle<resayil_fallback_call, resayil_fallback_call_free> handle_;
};

/// An ordered list of models and services that take over a request which the one before does not serve:
/// immutable. Any thread may use it. When the next one is taken is told at `resayil_fallback`.
class Fallback {
public:
    /// Takes a fallback that C gave away.
    explicit Fallback(resayil_fallback *fallback) noexcept : handle_(fallback) {}

    /// Begins one call, at the target that the request names itself.
    Result<FallbackCall> start() const noexcept {
        resayil_fallback_call *targets = nullptr;
        resayil_status status = resayil_fallback_start(handle_.get(), &targets);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return FallbackCall(targets);
    }
    /// The handle that is behind it.
    const resayil_fallback *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<resayil_fallback, resayil_fallback_free> handle_;
};

/// Makes a fallback. A value that cannot be taken is told by build().
class FallbackBuilder {
public:
    FallbackBuilder() noexcept {
        resayil_fallback_builder *builder = nullptr;
        resayil_fallback_builder_new(&builder);
        handle_.reset(builder);
    }

    /// Adds another model of the same service at the end.
    FallbackBuilder &model(const char *model) noexcept { return target(model, nullptr); }
    /// Adds a model, the address of a service, or both; null for what is as the request has it. A service
    /// of another origin has to have its own key.
    FallbackBuilder &target(const char *model, const char *base_url, const char *api_key = nullptr) noexcept {
        resayil_fallback_builder_target(handle_.get(), model, base_url, api_key);
        return *this;
    }
    /// Which kinds lead to the next target; `overloaded` and `not_found` by default.
    FallbackBuilder &on(std::initializer_list<Kind> kinds) {
        std::vector<std::uint32_t> numbers;
        for (Kind kind : kinds) {
            numbers.push_back(static_cast<std::uint32_t>(kind));
        }
        resayil_fallback_builder_on(handle_.get(), numbers.data(), numbers.size());
        return *this;
    }
    /// After how many attempts at an overloaded target the next one is asked, from 1.
    FallbackBuilder &overloaded_attempts(std::uint32_t attempts) noexcept {
        resayil_fallback_builder_overloaded_attempts(handle_.get(), attempts);
        return *this;
    }
    /// How long a wait is put up with before the next target is asked.
    FallbackBuilder &max_wait(Seconds wait) noexcept {
        resayil_fallback_builder_max_wait(handle_.get(), wait.count());
        return *this;
    }
    /// An error that names the option, if one is out of its range.
    Result<Fallback> build() const noexcept {
        resayil_fallback *fallback = nullptr;
        resayil_error *error = nullptr;
        resayil_status status = resayil_fallback_builder_build(handle_.get(), &fallback, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return Fallback(fallback);
    }

private:
    detail::Handle<resayil_fallback_builder, resayil_fallback_builder_free> handle_;
};

} // namespace resayil

#endif
