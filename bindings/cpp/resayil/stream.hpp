// Decoding a streamed answer, for programs that have their own HTTP.
#ifndef RESAYIL_STREAM_HPP
#define RESAYIL_STREAM_HPP

#include "classify.hpp"

namespace resayil {

/// How a stream ended.
enum class End : std::uint32_t {
    complete = RESAYIL_STREAM_COMPLETE,
    error = RESAYIL_STREAM_ERROR,
    truncated = RESAYIL_STREAM_TRUNCATED,
};

/// How a stream ended, and why if it is not complete.
struct StreamEnd {
    /// How it ended.
    End end;
    /// What went wrong, if it did not end well.
    std::optional<Error> error;
};

/// Reads a streamed answer as it arrives: server-sent events or NDJSON, split anywhere.
class StreamDecoder {
public:
    /// `provider` is a name such as `resayil`, or nullptr for any. The headers hold the request's id.
    static Result<StreamDecoder> create(const Headers &headers = {},
                                        const char *provider = nullptr) noexcept {
        resayil_stream *stream = nullptr;
        resayil_status status =
            resayil_stream_new(headers.data(), headers.size(), provider, &stream);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return StreamDecoder(stream);
    }

    /// Takes the next bytes. `on_event(text, data)` is given each event: the text that it adds to the
    /// answer, often empty, and its JSON, both borrowed for the time of the call. It must not throw.
    template <class F> Result<void> feed(std::string_view bytes, F &&on_event) noexcept {
        return detail::settled(resayil_stream_feed(handle_.get(), detail::bytes(bytes), bytes.size(),
                                                   tell<std::remove_reference_t<F>>,
                                                   user_pointer(on_event)));
    }

    /// Ends the stream; call it once. `now` is the wall clock.
    template <class F> Result<StreamEnd> finish(F &&on_event, double now = unix_now()) noexcept {
        resayil_error *error = nullptr;
        std::uint32_t end = RESAYIL_STREAM_TRUNCATED;
        resayil_status status =
            resayil_stream_finish(handle_.get(), now, tell<std::remove_reference_t<F>>,
                                  user_pointer(on_event), &end, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        StreamEnd result{static_cast<End>(end), std::nullopt};
        if (error != nullptr) {
            result.error.emplace(error);
        }
        return result;
    }

    /// Whether its end has come.
    bool is_finished() const noexcept { return resayil_stream_is_finished(handle_.get()); }
    /// Whether anything of an answer was delivered.
    bool has_delivered() const noexcept { return resayil_stream_has_delivered(handle_.get()); }
    /// The text so far, as far as it is kept.
    std::string partial_text() const {
        resayil_string *text = nullptr;
        resayil_stream_partial_text(handle_.get(), &text);
        return detail::take(text);
    }
    /// Why the model stopped, once it is known.
    std::optional<std::string> finish_reason() const {
        resayil_string *reason = nullptr;
        resayil_stream_finish_reason(handle_.get(), &reason);
        return detail::take_some(reason);
    }

private:
    explicit StreamDecoder(resayil_stream *stream) noexcept : handle_(stream) {}

    template <class F> static void *user_pointer(F &on_event) noexcept {
        return const_cast<void *>(static_cast<const void *>(std::addressof(on_event)));
    }
    template <class F>
    static void tell(const char *text, std::size_t text_len, const std::uint8_t *data,
                     std::size_t data_len, void *user) noexcept {
        (*static_cast<F *>(user))(
            std::string_view(text, text_len),
            std::string_view(reinterpret_cast<const char *>(data), data_len));
    }

    detail::Handle<resayil_stream, resayil_stream_free> handle_;
};

} // namespace resayil

#endif
