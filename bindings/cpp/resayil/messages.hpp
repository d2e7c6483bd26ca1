// Texts for people that an application brings.
#ifndef RESAYIL_MESSAGES_HPP
#define RESAYIL_MESSAGES_HPP

#include "result.hpp"

namespace resayil {

/// The texts for people of one language, some of them an application's own. Any thread may use it.
class Messages {
public:
    /// The built-in texts of a language, changed by data; resayil_messages_new has its format.
    static Result<Messages> create(const char *language, std::string_view data = {}) noexcept {
        resayil_messages *messages = nullptr;
        resayil_error *error = nullptr;
        resayil_status status =
            resayil_messages_new(language, data.data(), data.size(), &messages, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return Messages(messages);
    }

    /// A sentence that is safe to show to a user.
    std::string user_message(const ErrorView &error) const {
        resayil_string *text = nullptr;
        resayil_messages_user_message(handle_.get(), error.get(), &text);
        return detail::take(text);
    }
    /// What to do about it, one step an entry.
    std::vector<std::string> advice(const ErrorView &error) const {
        std::vector<std::string> steps;
        for (std::size_t at = 0;; at++) {
            resayil_string *text = nullptr;
            resayil_messages_advice(handle_.get(), error.get(), at, &text);
            if (text == nullptr) {
                return steps;
            }
            steps.push_back(detail::take(text));
        }
    }
    /// The error record with these texts.
    std::string to_json(const ErrorView &error) const {
        resayil_string *json = nullptr;
        resayil_messages_to_json(handle_.get(), error.get(), &json);
        return detail::take(json);
    }

private:
    explicit Messages(resayil_messages *messages) noexcept : handle_(messages) {}
    detail::Handle<resayil_messages, resayil_messages_free> handle_;
};

} // namespace resayil

#endif
