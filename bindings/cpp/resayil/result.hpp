// A value, or the error that came in its place.
#ifndef RESAYIL_RESULT_HPP
#define RESAYIL_RESULT_HPP

#include "error.hpp"

#include <cstdlib>
#include <functional>
#include <type_traits>
#include <utility>
#include <variant>
#if __has_include(<version>)
#include <version>
#endif
#ifdef __cpp_lib_expected
#include <expected>
#endif

namespace resayil {

template <class T> class Result;

namespace detail {

template <class T> constexpr bool is_result = false;
template <class T> constexpr bool is_result<Result<T>> = true;

} // namespace detail

/// A value, or the error that came in its place. To ask for the one that is not there ends the
/// program, as a failed assertion does. Its functions are named as those of std::expected.
template <class T> class [[nodiscard]] Result {
public:
    /// What is there on success.
    using value_type = T;
    /// What is there otherwise.
    using error_type = Error;

    /// A success.
    Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
        : state_(std::in_place_index<0>, std::move(value)) {}
    /// A failure.
    Result(Error error) noexcept : state_(std::in_place_index<1>, std::move(error)) {}

    /// Whether there is a value.
    bool ok() const noexcept { return state_.index() == 0; }
    /// Whether there is a value.
    bool has_value() const noexcept { return ok(); }
    /// Whether there is a value.
    explicit operator bool() const noexcept { return ok(); }

    /// The value.
    T &value() & noexcept { return *must(std::get_if<0>(&state_)); }
    /// The value.
    const T &value() const & noexcept { return *must(std::get_if<0>(&state_)); }
    /// The value.
    T &&value() && noexcept { return std::move(*must(std::get_if<0>(&state_))); }
    /// The value.
    T &operator*() & noexcept { return value(); }
    /// The value.
    const T &operator*() const & noexcept { return value(); }
    /// The value.
    T &&operator*() && noexcept { return std::move(*this).value(); }
    /// The value.
    T *operator->() noexcept { return &value(); }
    /// The value.
    const T *operator->() const noexcept { return &value(); }

    /// What went wrong.
    const Error &error() const & noexcept { return *must(std::get_if<1>(&state_)); }
    /// What went wrong.
    Error &&error() && noexcept { return std::move(*must(std::get_if<1>(&state_))); }

    /// The value, or this one if there is none.
    template <class U> T value_or(U &&other) const & {
        return ok() ? **this : static_cast<T>(std::forward<U>(other));
    }
    /// The value, or this one if there is none.
    template <class U> T value_or(U &&other) && {
        return ok() ? *std::move(*this) : static_cast<T>(std::forward<U>(other));
    }

    /// Goes on with the value to another Result; an error stays what it is.
    template <class F> auto and_then(F &&next) && {
        using Next = std::invoke_result_t<F, T &&>;
        static_assert(detail::is_result<Next>, "what follows has to give a Result");
        return ok() ? std::invoke(std::forward<F>(next), *std::move(*this)) : Next(std::move(*this).error());
    }
    /// Makes another value of the value; an error stays what it is.
    template <class F> auto transform(F &&make) && {
        using Next = Result<std::decay_t<std::invoke_result_t<F, T &&>>>;
        return ok() ? Next(std::invoke(std::forward<F>(make), *std::move(*this))) : Next(std::move(*this).error());
    }
    /// Takes the error to another Result of the same type; a value stays what it is.
    template <class F> Result or_else(F &&mend) && {
        return ok() ? Result(*std::move(*this)) : Result(std::invoke(std::forward<F>(mend), std::move(*this).error()));
    }

#ifdef __cpp_lib_expected
    /// The same as C++23 has it.
    std::expected<T, Error> expected() && {
        if (!ok()) {
            return std::unexpected(std::move(*this).error());
        }
        return *std::move(*this);
    }
#endif

private:
    template <class P> static P *must(P *pointer) noexcept {
        if (pointer == nullptr) {
            std::abort();
        }
        return pointer;
    }

    std::variant<T, Error> state_;
};

/// Success, or an error.
template <> class [[nodiscard]] Result<void> : public Result<std::monostate> {
public:
    Result() noexcept : Result<std::monostate>(std::monostate()) {}
    /// A failure.
    Result(Error error) noexcept : Result<std::monostate>(std::move(error)) {}

    /// Goes on to another Result; an error stays what it is.
    template <class F> auto and_then(F &&next) && {
        using Next = std::invoke_result_t<F>;
        static_assert(detail::is_result<Next>, "what follows has to give a Result");
        return ok() ? std::invoke(std::forward<F>(next)) : Next(std::move(*this).error());
    }
};

namespace detail {

/// The error behind a status that is not OK; `error` is what C gave away, if it did.
inline Error failure(resayil_status status, resayil_error *error = nullptr) noexcept {
    if (error != nullptr) {
        return Error(error);
    }
    // What the caller could have avoided is a wrong option, all else is not known.
    Kind kind = status == RESAYIL_STATUS_PANIC ? Kind::unknown : Kind::configuration;
    return Error(kind, resayil_status_text(status));
}

inline Result<void> settled(resayil_status status, resayil_error *error = nullptr) noexcept {
    if (status == RESAYIL_STATUS_OK) {
        return {};
    }
    return failure(status, error);
}

} // namespace detail

inline Result<void> Error::set_status(std::uint32_t status) noexcept {
    return detail::settled(resayil_error_set_status(owner_.get(), status));
}
inline Result<void> Error::set_retry_after(Seconds wait) noexcept {
    return detail::settled(resayil_error_set_retry_after(owner_.get(), wait.count()));
}
inline Result<void> Error::set_stop_reason(const char *reason) noexcept {
    return detail::settled(resayil_error_set_stop_reason(owner_.get(), reason));
}

inline Result<void> Error::set_model(const char *model) noexcept {
    return detail::settled(resayil_error_set_model(owner_.get(), model));
}

} // namespace resayil

#endif
