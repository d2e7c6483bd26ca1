// Reading an answer, for programs that have their own HTTP.
#ifndef RESAYIL_CLASSIFY_HPP
#define RESAYIL_CLASSIFY_HPP

#include "result.hpp"

#include <initializer_list>

namespace resayil {

/// The headers of an answer. What is added is borrowed, and has to live as long as the list.
class Headers {
public:
    Headers() = default;
    /// Copies names and values.
    Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> headers) {
        for (const auto &[name, value] : headers) {
            add(name, value);
        }
    }

    /// Adds one more; both are copied.
    void add(std::string_view name, std::string_view value) {
        headers_.push_back({name.data(), name.size(), value.data(), value.size()});
    }
    /// As the C functions take them.
    const resayil_header *data() const noexcept { return headers_.data(); }
    /// How many there are.
    std::size_t size() const noexcept { return headers_.size(); }

private:
    std::vector<resayil_header> headers_;
};

/// Reads an answer of an LLM API: the error that it stands for, or nothing for a success. `provider`
/// is a name such as `resayil`, or nullptr to recognise it. `now` is the wall clock.
inline Result<std::optional<Error>> classify(std::uint32_t status, const Headers &headers,
                                             std::string_view body, const char *provider = nullptr,
                                             double now = unix_now()) noexcept {
    resayil_error *error = nullptr;
    resayil_status ended = resayil_classify(status, headers.data(), headers.size(), detail::bytes(body),
                                            body.size(), provider, now, &error);
    if (ended != RESAYIL_STATUS_OK) {
        return detail::failure(ended);
    }
    if (error == nullptr) {
        return std::optional<Error>();
    }
    return std::optional<Error>(Error(error));
}

} // namespace resayil

#endif
