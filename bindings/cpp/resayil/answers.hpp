// What is asked of an API, and what it answers.
#ifndef RESAYIL_ANSWERS_HPP
#define RESAYIL_ANSWERS_HPP

#include "options.hpp"

#include <iterator>

namespace resayil {

/// A request for a chat completion, for programs that have no JSON of their own.
class ChatRequest {
public:
    /// Begins a request to this model.
    explicit ChatRequest(const char *model) noexcept {
        resayil_chat_request *request = nullptr;
        status_ = resayil_chat_request_new(model, &request);
        handle_.reset(request);
    }
    /// Adds what the system says.
    ChatRequest &system(std::string_view content) noexcept { return message("system", content); }
    /// Adds what the user says.
    ChatRequest &user(std::string_view content) noexcept { return message("user", content); }
    /// Adds what the model said before.
    ChatRequest &assistant(std::string_view content) noexcept { return message("assistant", content); }

    /// Sets any field, such as `temperature`, to a value that is written as JSON.
    Result<void> set(const char *name, std::string_view json) noexcept {
        resayil_error *error = nullptr;
        resayil_status status =
            resayil_chat_request_set(handle_.get(), name, json.data(), json.size(), &error);
        return detail::settled(status, error);
    }
    /// The request as JSON, as Client::chat takes it. An error if a message is not UTF-8.
    Result<std::string> to_json() const {
        resayil_string *json = nullptr;
        resayil_status status = status_;
        if (status == RESAYIL_STATUS_OK) {
            status = resayil_chat_request_to_json(handle_.get(), &json);
        }
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status);
        }
        return detail::take(json);
    }

private:
    ChatRequest &message(const char *role, std::string_view content) noexcept {
        resayil_status status =
            resayil_chat_request_message(handle_.get(), role, content.data(), content.size());
        status_ = status_ == RESAYIL_STATUS_OK ? status : status_;
        return *this;
    }
    resayil_status status_ = RESAYIL_STATUS_OK;
    detail::Handle<resayil_chat_request, resayil_chat_request_free> handle_;
};

/// What an answer cost, in tokens.
struct Usage {
    /// Tokens of the prompt.
    std::uint64_t prompt_tokens;
    /// Tokens of the answer.
    std::uint64_t completion_tokens;
    /// Both.
    std::uint64_t total_tokens;
};

/// A whole answer.
class Completion {
public:
    /// Takes an answer that C gave away.
    explicit Completion(resayil_completion *completion) noexcept : handle_(completion) {}

    /// The text of the first choice; empty if the model only calls tools.
    std::string_view content() const noexcept {
        return detail::view(resayil_completion_content(handle_.get()));
    }
    /// Why the model stopped: `stop`, `length` and others.
    std::optional<std::string_view> finish_reason() const noexcept {
        return detail::some(resayil_completion_finish_reason(handle_.get()));
    }
    /// The model that answered.
    std::optional<std::string_view> model() const noexcept {
        return detail::some(resayil_completion_model(handle_.get()));
    }
    /// The provider's id of the request.
    std::optional<std::string_view> request_id() const noexcept {
        return detail::some(resayil_completion_request_id(handle_.get()));
    }
    /// What it cost, if the answer says so.
    std::optional<Usage> usage() const noexcept {
        Usage usage{};
        bool known = resayil_completion_usage(handle_.get(), &usage.prompt_tokens,
                                              &usage.completion_tokens, &usage.total_tokens);
        return known ? std::optional<Usage>(usage) : std::nullopt;
    }
    /// The whole answer as it came.
    std::string_view json() const noexcept {
        return detail::view(resayil_completion_json(handle_.get()));
    }
    /// How many requests were sent for it.
    std::uint32_t attempts() const noexcept { return resayil_completion_attempts(handle_.get()); }
    /// Which target of the client's fallback answered, counted from 0; nothing for the first one asked.
    std::optional<std::size_t> fallback() const noexcept {
        std::size_t index = 0;
        bool served = resayil_completion_fallback(handle_.get(), &index);
        return served ? std::optional<std::size_t>(index) : std::nullopt;
    }

private:
    detail::Handle<resayil_completion, resayil_completion_free> handle_;
};

/// One event of an answer that comes piece by piece; valid until the next one is asked for.
struct ChatEvent {
    /// The text that it adds to the answer; often empty.
    std::string_view text;
    /// Its JSON.
    std::string_view data;
};

/// An answer that comes piece by piece. Destroying it closes the connection. One thread at a time.
///
/// It is a range of the events that are still to come, each a Result: `for (auto &&event : stream)`. An
/// error is the last of them.
class ChatStream {
public:
    /// Takes a stream that C gave away; `observer` is what its callbacks need.
    explicit ChatStream(resayil_chat_stream *stream, std::shared_ptr<const Observer> observer) noexcept
        : observer_(std::move(observer)), handle_(stream) {}

    /// Waits for the next event; nothing after the last one. Nothing follows an error.
    Result<std::optional<ChatEvent>> next() noexcept {
        resayil_str text, data;
        resayil_error *error = nullptr;
        resayil_status status = resayil_chat_stream_next(handle_.get(), &text, &data, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        if (data.data == nullptr) {
            return std::optional<ChatEvent>();
        }
        return std::optional<ChatEvent>(ChatEvent{detail::view(text), detail::view(data)});
    }

    /// Where a stream stands; moving it forward waits for the next event.
    class iterator {
    public:
        /// It can be passed once.
        using iterator_category = std::input_iterator_tag;
        /// An event, or the error that ends the stream.
        using value_type = Result<ChatEvent>;
        /// As the standard library asks for.
        using difference_type = std::ptrdiff_t;
        /// As the standard library asks for.
        using pointer = Result<ChatEvent> *;
        /// As the standard library asks for.
        using reference = Result<ChatEvent> &;

        /// The end.
        iterator() = default;
        /// The event, or the error; it lasts until the iterator is moved forward.
        reference operator*() const noexcept { return *stream_->current_; }
        /// The same.
        pointer operator->() const noexcept { return &*stream_->current_; }
        /// Waits for the next event.
        iterator &operator++() noexcept {
            stream_ = stream_->advance() ? stream_ : nullptr;
            return *this;
        }
        /// Waits for the next event.
        void operator++(int) noexcept { ++*this; }
        /// Whether both are at the end, or on the same stream.
        friend bool operator==(iterator one, iterator other) noexcept { return one.stream_ == other.stream_; }
        /// The opposite.
        friend bool operator!=(iterator one, iterator other) noexcept { return !(one == other); }

    private:
        friend class ChatStream;
        explicit iterator(ChatStream *stream) noexcept : stream_(stream) {}
        ChatStream *stream_ = nullptr;
    };

    /// Waits for the next event. The stream may not be moved while an iterator is in use.
    iterator begin() noexcept { return iterator(advance() ? this : nullptr); }
    /// Behind the last event.
    iterator end() noexcept { return iterator(); }

    /// The text so far, as far as it is kept.
    std::string partial_text() const {
        resayil_string *text = nullptr;
        resayil_chat_stream_partial_text(handle_.get(), &text);
        return detail::take(text);
    }
    /// Why the model stopped, once it is known.
    std::optional<std::string> finish_reason() const {
        resayil_string *reason = nullptr;
        resayil_chat_stream_finish_reason(handle_.get(), &reason);
        return detail::take_some(reason);
    }
    /// The provider's id of the request.
    std::optional<std::string> request_id() const {
        resayil_string *id = nullptr;
        resayil_chat_stream_request_id(handle_.get(), &id);
        return detail::take_some(id);
    }
    /// How many requests were sent for it.
    std::uint32_t attempts() const noexcept { return resayil_chat_stream_attempts(handle_.get()); }
    /// Which target of the client's fallback answered, counted from 0; nothing for the first one asked.
    std::optional<std::size_t> fallback() const noexcept {
        std::size_t index = 0;
        bool served = resayil_chat_stream_fallback(handle_.get(), &index);
        return served ? std::optional<std::size_t>(index) : std::nullopt;
    }

private:
    /// Waits for the next event or error; says whether there is one.
    bool advance() noexcept {
        Result<std::optional<ChatEvent>> next = this->next();
        current_.reset();
        if (!next) {
            current_.emplace(std::move(next).error());
        } else if (*next) {
            current_.emplace(**next);
        }
        return current_.has_value();
    }

    // Before the stream, so that it lives longer.
    std::shared_ptr<const Observer> observer_;
    detail::Handle<resayil_chat_stream, resayil_chat_stream_free> handle_;
    std::optional<Result<ChatEvent>> current_;
};

/// A successful answer as it came.
class Response : public ResponseView {
public:
    /// Takes an answer that C gave away.
    explicit Response(resayil_response *response) noexcept : ResponseView(response), handle_(response) {}
    /// Leaves the other one with nothing.
    Response(Response &&other) noexcept
        : ResponseView(std::exchange(other.response_, nullptr)), handle_(std::move(other.handle_)) {}
    /// Leaves the other one with nothing.
    Response &operator=(Response &&other) noexcept {
        response_ = std::exchange(other.response_, nullptr);
        handle_ = std::move(other.handle_);
        return *this;
    }

private:
    detail::Handle<resayil_response, resayil_response_free> handle_;
};

/// A model that the key may use.
struct Model {
    /// What a request names it by.
    std::string id;
    /// Whose it is; empty if that is not told.
    std::string owned_by;
};

/// What LLM Resayil says of the account; texts are empty if they are not told.
struct Balance {
    /// The subscription, such as `pro`.
    std::string tier;
    /// Its state, such as `active`.
    std::string status;
    /// When it ends.
    std::string expires_at;
    /// Credits that are left.
    std::optional<double> credits;
};

} // namespace resayil

#endif
