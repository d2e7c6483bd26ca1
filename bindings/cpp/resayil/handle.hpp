// What all handles share.
#ifndef RESAYIL_HANDLE_HPP
#define RESAYIL_HANDLE_HPP

#include <resayil.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace resayil {

/// A time in seconds, as C has it.
using Seconds = std::chrono::duration<double>;

/// The wall clock, in seconds since 1970.
inline double unix_now() noexcept {
    return Seconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The clock by which clients measure time, in seconds; it never goes back.
inline double monotonic_now() noexcept { return resayil_monotonic_seconds(); }

namespace detail {

template <class T, void (*Free)(T *)> struct Deleter {
    void operator()(T *handle) const noexcept { Free(handle); }
};

/// An owned handle of C.
template <class T, void (*Free)(T *)> using Handle = std::unique_ptr<T, Deleter<T, Free>>;

using String = Handle<resayil_string, resayil_string_free>;

/// A text that is always there.
inline std::string_view view(resayil_str text) noexcept {
    return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.len);
}

/// A text that may be absent.
inline std::optional<std::string_view> some(resayil_str text) noexcept {
    if (text.data == nullptr) {
        return std::nullopt;
    }
    return std::string_view(text.data, text.len);
}

/// Bytes that may be absent.
inline std::optional<std::string_view> some(resayil_bytes bytes) noexcept {
    if (bytes.data == nullptr) {
        return std::nullopt;
    }
    return std::string_view(reinterpret_cast<const char *>(bytes.data), bytes.len);
}

inline const std::uint8_t *bytes(std::string_view text) noexcept {
    return reinterpret_cast<const std::uint8_t *>(text.data());
}

/// A text that C gave away.
inline std::string take(resayil_string *text) {
    String owner(text);
    return std::string(resayil_string_data(text) == nullptr ? "" : resayil_string_data(text),
                       resayil_string_len(text));
}

/// The same, for a text that may be absent.
inline std::optional<std::string> take_some(resayil_string *text) {
    if (text == nullptr) {
        return std::nullopt;
    }
    return take(text);
}

} // namespace detail
} // namespace resayil

#endif
