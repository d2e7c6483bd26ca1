// Why a call failed.
#ifndef RESAYIL_ERROR_HPP
#define RESAYIL_ERROR_HPP

#include "handle.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace resayil {

/// What went wrong. A newer library may give numbers that are not named here.
enum class Kind : std::uint32_t {
    unknown = RESAYIL_KIND_UNKNOWN,
    bad_request = RESAYIL_KIND_BAD_REQUEST,
    validation = RESAYIL_KIND_VALIDATION,
    not_found = RESAYIL_KIND_NOT_FOUND,
    conflict = RESAYIL_KIND_CONFLICT,
    payload_too_large = RESAYIL_KIND_PAYLOAD_TOO_LARGE,
    context_length = RESAYIL_KIND_CONTEXT_LENGTH,
    content_filter = RESAYIL_KIND_CONTENT_FILTER,
    authentication = RESAYIL_KIND_AUTHENTICATION,
    permission = RESAYIL_KIND_PERMISSION,
    payment_required = RESAYIL_KIND_PAYMENT_REQUIRED,
    quota_exhausted = RESAYIL_KIND_QUOTA_EXHAUSTED,
    rate_limit = RESAYIL_KIND_RATE_LIMIT,
    overloaded = RESAYIL_KIND_OVERLOADED,
    server = RESAYIL_KIND_SERVER,
    timeout = RESAYIL_KIND_TIMEOUT,
    network = RESAYIL_KIND_NETWORK,
    protocol = RESAYIL_KIND_PROTOCOL,
    cancelled = RESAYIL_KIND_CANCELLED,
    deadline = RESAYIL_KIND_DEADLINE,
    configuration = RESAYIL_KIND_CONFIGURATION,
};

/// How grave it is.
enum class Severity : std::uint32_t {
    info = RESAYIL_SEVERITY_INFO,
    warning = RESAYIL_SEVERITY_WARNING,
    error = RESAYIL_SEVERITY_ERROR,
    critical = RESAYIL_SEVERITY_CRITICAL,
};

/// The name of a kind, such as `rate_limit`; empty for a number that the library does not know.
inline std::string_view name(Kind kind) noexcept {
    return detail::view(resayil_kind_name(static_cast<std::uint32_t>(kind)));
}

/// An invalid field of the request.
struct FieldError {
    /// The path of the field: `messages.0.role`.
    std::string_view field;
    /// What is wrong with it, in the provider's language.
    std::vector<std::string_view> messages;
};

/// What the headers of an answer say of a rate limit.
struct RateLimit {
    /// Requests, or tokens, that a window admits.
    std::optional<std::uint64_t> limit;
    /// How many of them are left.
    std::optional<std::uint64_t> remaining;
    /// How long until the window ends.
    std::optional<Seconds> reset_after;
};

/// Why a call failed; read-only, so that several threads may read it at once.
class ErrorView {
public:
    /// A view of an error of C, which has to live as long.
    explicit ErrorView(const resayil_error *error) noexcept : error_(error) {}

    /// The error of C, which stays where it is.
    const resayil_error *get() const noexcept { return error_; }

    /// What kind of failure it is.
    Kind kind() const noexcept { return static_cast<Kind>(resayil_error_kind(error_)); }
    /// Its name, such as `rate_limit`.
    std::string_view kind_name() const noexcept { return detail::view(resayil_error_kind_name(error_)); }
    /// The HTTP status, if there was an answer.
    std::optional<std::uint32_t> status() const noexcept {
        std::uint32_t status = resayil_error_status(error_);
        return status == 0 ? std::nullopt : std::optional<std::uint32_t>(status);
    }
    /// How grave it is.
    Severity severity() const noexcept {
        return static_cast<Severity>(resayil_error_severity(error_));
    }
    /// Whether the same request may succeed later.
    bool is_retryable() const noexcept { return resayil_error_is_retryable(error_); }
    /// The provider's message, for the developer's eyes; for users there is user_message().
    std::optional<std::string_view> message() const noexcept {
        return detail::some(resayil_error_message(error_));
    }
    /// The provider's code.
    std::optional<std::string_view> code() const noexcept {
        return detail::some(resayil_error_code(error_));
    }
    /// The provider's type of error.
    std::optional<std::string_view> type() const noexcept {
        return detail::some(resayil_error_type(error_));
    }
    /// The parameter that is wrong.
    std::optional<std::string_view> param() const noexcept {
        return detail::some(resayil_error_param(error_));
    }
    /// The provider's id of the request.
    std::optional<std::string_view> request_id() const noexcept {
        return detail::some(resayil_error_request_id(error_));
    }
    /// Whose API answered.
    std::optional<std::string_view> provider() const noexcept {
        return detail::some(resayil_error_provider(error_));
    }
    /// The model that was asked for.
    std::optional<std::string_view> model() const noexcept {
        return detail::some(resayil_error_model(error_));
    }
    /// What a stream had delivered before it failed.
    std::optional<std::string_view> partial_text() const noexcept {
        return detail::some(resayil_error_partial_text(error_));
    }
    /// How long the server asks to wait, uncapped.
    std::optional<Seconds> retry_after() const noexcept {
        double seconds = 0;
        bool known = resayil_error_retry_after(error_, &seconds);
        return known ? std::optional<Seconds>(seconds) : std::nullopt;
    }
    /// Where the wait was found, such as `header` or `body`.
    std::optional<std::string_view> retry_after_source() const noexcept {
        return detail::some(resayil_error_retry_after_source(error_));
    }
    /// What the limit counts that refused the request, such as `requests` or `tokens`.
    std::optional<std::string_view> limit_scope() const noexcept {
        return detail::some(resayil_error_limit_scope(error_));
    }
    /// The length of the window in which that limit counts.
    std::optional<Seconds> limit_window() const noexcept {
        double seconds = 0;
        bool known = resayil_error_limit_window(error_, &seconds);
        return known ? std::optional<Seconds>(seconds) : std::nullopt;
    }
    /// When the server expects the next request, as the time since 1970 by its own clock, where it
    /// names a time and not a wait.
    std::optional<Seconds> retry_at() const noexcept {
        double seconds = 0;
        bool known = resayil_error_retry_at(error_, &seconds);
        return known ? std::optional<Seconds>(seconds) : std::nullopt;
    }
    /// What the headers say of a rate limit: that of requests, or of the `tokens`, `input_tokens` or
    /// `output_tokens`. Of another scope nothing is told.
    RateLimit rate_limit(const char *scope = nullptr) const noexcept {
        RateLimit told;
        resayil_rate_limit limit;
        if (resayil_error_get_rate_limit(error_, scope, &limit) != RESAYIL_STATUS_OK) {
            return told;
        }
        if (limit.has_limit) {
            told.limit = limit.limit;
        }
        if (limit.has_remaining) {
            told.remaining = limit.remaining;
        }
        if (limit.has_reset_after) {
            told.reset_after = Seconds(limit.reset_after_seconds);
        }
        return told;
    }
    /// The invalid fields of the request.
    std::vector<FieldError> field_errors() const {
        std::vector<FieldError> fields(resayil_error_field_count(error_));
        for (std::size_t at = 0; at < fields.size(); at++) {
            fields[at].field = detail::view(resayil_error_field_name(error_, at));
            std::size_t count = resayil_error_field_message_count(error_, at);
            for (std::size_t message = 0; message < count; message++) {
                fields[at].messages.push_back(
                    detail::view(resayil_error_field_message(error_, at, message)));
            }
        }
        return fields;
    }
    /// How many requests were sent.
    std::uint32_t attempts() const noexcept { return resayil_error_attempts(error_); }
    /// Whether retries are used up below, so that an outer layer must not multiply them.
    bool is_exhausted() const noexcept { return resayil_error_is_exhausted(error_); }
    /// Which rule ended the call, such as `max_attempts`.
    std::optional<std::string_view> stop_reason() const noexcept {
        return detail::some(resayil_error_stop_reason(error_));
    }
    /// What became of the request: `not_sent`, `perhaps_processed` or `answered`.
    std::string_view request_state() const noexcept { return detail::view(resayil_error_request_state(error_)); }
    /// Whether the server may have carried the request out.
    bool is_ambiguous() const noexcept { return resayil_error_is_ambiguous(error_); }
    /// Whether the answer was a success that the caller would not take.
    bool is_rejected() const noexcept { return resayil_error_is_rejected(error_); }
    /// Whether sending it again can do no harm.
    bool is_safe_to_replay() const noexcept { return resayil_error_is_safe_to_replay(error_); }
    /// The raw body, which may hold the prompt: do not print it.
    std::string_view body() const noexcept {
        return detail::some(resayil_error_body(error_)).value_or(std::string_view());
    }
    /// The first header of this name. Values may hold secrets: do not print them.
    std::optional<std::string_view> header(const char *name) const noexcept {
        return detail::some(resayil_error_header(error_, name));
    }
    /// One line for a log, without secrets.
    std::string_view summary() const noexcept { return detail::view(resayil_error_summary(error_)); }

    /// A sentence that is safe to show to a user; empty in a language that is not known.
    std::string_view user_message(const char *language = "en") const noexcept {
        return detail::view(resayil_error_user_message(error_, language));
    }
    /// What to do about it, one step an entry.
    std::vector<std::string_view> advice(const char *language = "en") const {
        std::vector<std::string_view> steps(resayil_error_advice_count(error_, language));
        for (std::size_t at = 0; at < steps.size(); at++) {
            steps[at] = detail::view(resayil_error_advice(error_, language, at));
        }
        return steps;
    }
    /// A page of the provider's about it.
    std::optional<std::string_view> help_url() const noexcept {
        return detail::some(resayil_error_help_url(error_));
    }
    /// The error record, the same from every language; empty in a language that is not known.
    std::string to_json(const char *language = "en") const {
        resayil_string *json = nullptr;
        resayil_error_to_json(error_, language, &json);
        return detail::take(json);
    }

protected:
    /// What is looked at; null for nothing.
    const resayil_error *error_;
};

template <class T> class Result;

/// An error that frees itself.
class Error : public ErrorView {
public:
    /// Takes an error that C gave away.
    explicit Error(resayil_error *error) noexcept : ErrorView(error), owner_(error) {}

    /// An error of your own, for a failure that no answer describes.
    Error(Kind kind, std::string_view message) noexcept : ErrorView(nullptr) {
        resayil_error *error = nullptr;
        resayil_error_new(static_cast<std::uint32_t>(kind), message.data(), message.size(), &error);
        owner_.reset(error);
        error_ = error;
    }

    /// Leaves the other one with nothing.
    Error(Error &&other) noexcept
        : ErrorView(std::exchange(other.error_, nullptr)), owner_(std::move(other.owner_)) {}
    /// Leaves the other one with nothing.
    Error &operator=(Error &&other) noexcept {
        error_ = std::exchange(other.error_, nullptr);
        owner_ = std::move(other.owner_);
        return *this;
    }

    /// A second error that says the same.
    Error clone() const noexcept {
        resayil_error *clone = nullptr;
        resayil_error_clone(error_, &clone);
        return Error(clone);
    }

    /// 100 to 999.
    Result<void> set_status(std::uint32_t status) noexcept;
    /// 0 or more.
    Result<void> set_retry_after(Seconds wait) noexcept;
    /// For the texts for people.
    Result<void> set_model(const char *model) noexcept;
    /// Which rule ended the call, by the name that a Decision gives.
    Result<void> set_stop_reason(const char *reason) noexcept;
    /// Says whether to retry it, against the rules.
    Error &set_retryable(bool retryable) noexcept {
        resayil_error_set_retryable(owner_.get(), retryable);
        return *this;
    }
    /// Sets how many requests were sent.
    Error &set_attempts(std::uint32_t attempts) noexcept {
        resayil_error_set_attempts(owner_.get(), attempts);
        return *this;
    }
    /// Says that its retries are used up.
    Error &set_exhausted(bool exhausted) noexcept {
        resayil_error_set_exhausted(owner_.get(), exhausted);
        return *this;
    }
    /// Whether the answer was a success that you do not take, such as an empty one.
    Error &set_rejected(bool rejected) noexcept {
        resayil_error_set_rejected(owner_.get(), rejected);
        return *this;
    }
    /// Whether the request may have been carried out: a time-out after it was sent.
    Error &set_ambiguous(bool ambiguous) noexcept {
        resayil_error_set_ambiguous(owner_.get(), ambiguous);
        return *this;
    }

private:
    detail::Handle<resayil_error, resayil_error_free> owner_;
};

} // namespace resayil

#endif
