// Header blocks as they went over the wire.
#ifndef RESAYIL_HEADERS_HPP
#define RESAYIL_HEADERS_HPP

#include "classify.hpp"

namespace resayil {

/// The headers of an answer, read from their text. Immutable; any thread may read it.
class HeaderBlock {
public:
    /// Reads a header block as libcurl, a proxy's log or a file has it. Any bytes can be read; the last of
    /// several blocks counts.
    static Result<HeaderBlock> parse(std::string_view text) noexcept {
        resayil_headers *headers = nullptr;
        resayil_status status = resayil_headers_parse(text.data(), text.size(), &headers);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return HeaderBlock(headers);
    }

    /// The HTTP status, if the block has one.
    std::optional<std::uint32_t> status() const noexcept {
        std::uint32_t status = resayil_headers_status(handle_.get());
        return status == 0 ? std::nullopt : std::optional<std::uint32_t>(status);
    }
    /// The value of the first header of this name, in any case.
    std::optional<std::string_view> get(const char *name) const noexcept {
        return detail::some(resayil_headers_get(handle_.get(), name));
    }
    /// As the C functions take them.
    const resayil_header *data() const noexcept { return resayil_headers_data(handle_.get()); }
    /// How many there are.
    std::size_t size() const noexcept { return resayil_headers_count(handle_.get()); }

    /// The same as a list, which borrows from the block.
    Headers headers() const {
        Headers list;
        for (std::size_t at = 0; at < size(); at++) {
            const resayil_header &header = data()[at];
            list.add({header.name, header.name_len}, {header.value, header.value_len});
        }
        return list;
    }

private:
    explicit HeaderBlock(resayil_headers *headers) noexcept : handle_(headers) {}
    detail::Handle<resayil_headers, resayil_headers_free> handle_;
};

} // namespace resayil

#endif
