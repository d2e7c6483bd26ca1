// The whole client: HTTP, quota, retries.
#ifndef RESAYIL_CLIENT_HPP
#define RESAYIL_CLIENT_HPP

#include <string>

#include "answers.hpp"
#include "fallback.hpp"
#include "metrics.hpp"
#include "options.hpp"

namespace resayil {

/// A client of one API with one key. Any number of threads may call at once.
class Client {
public:
    /// Takes a client that C gave away; `observer` and `predicate` are what its callbacks need.
    explicit Client(resayil_client *client, std::shared_ptr<const Observer> observer = nullptr,
                    std::shared_ptr<const ResultPredicate> predicate = nullptr) noexcept
        : observer_(std::move(observer)), predicate_(std::move(predicate)), handle_(client) {}

    /// A client with all defaults, with its key from the environment variable RESAYIL_API_KEY.
    static Result<Client> from_env() noexcept;

    /// Asks for a chat completion and waits for the whole answer. `request` is JSON; see ChatRequest.
    Result<Completion> chat(std::string_view request, const Options &options = {}) const noexcept {
        if (Result<void> taken = options.ok(); !taken) {
            return std::move(taken).error();
        }
        resayil_completion *completion = nullptr;
        resayil_error *error = nullptr;
        resayil_status status = resayil_client_chat(handle_.get(), request.data(), request.size(),
                                                    options.get(), &completion, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return Completion(completion);
    }

    /// Asks for an answer that comes piece by piece. Returns when it begins.
    Result<ChatStream> chat_stream(std::string_view request, const Options &options = {}) const noexcept {
        if (Result<void> taken = options.ok(); !taken) {
            return std::move(taken).error();
        }
        resayil_chat_stream *stream = nullptr;
        resayil_error *error = nullptr;
        resayil_status status = resayil_client_chat_stream(
            handle_.get(), request.data(), request.size(), options.get(), &stream, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return ChatStream(stream, observer_);
    }

    /// Sends a JSON body to `{base}/{path}` and gives the answer as it came.
    Result<Response> post(const char *path, std::string_view body, const Options &options = {}) const noexcept {
        if (Result<void> taken = options.ok(); !taken) {
            return std::move(taken).error();
        }
        resayil_response *response = nullptr;
        resayil_error *error = nullptr;
        resayil_status status =
            resayil_client_post(handle_.get(), path, detail::bytes(body), body.size(),
                                options.get(), &response, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return Response(response);
    }

    /// The models that the key may use.
    Result<std::vector<Model>> models() const {
        resayil_models *models = nullptr;
        resayil_error *error = nullptr;
        resayil_status status = resayil_client_models(handle_.get(), &models, &error);
        detail::Handle<resayil_models, resayil_models_free> owner(models);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        std::vector<Model> list;
        for (std::size_t at = 0; at < resayil_models_count(models); at++) {
            list.push_back({std::string(detail::view(resayil_models_id(models, at))),
                            std::string(detail::view(resayil_models_owned_by(models, at)))});
        }
        return list;
    }

    /// The account's subscription and credits, which only LLM Resayil has.
    Result<Balance> balance() const {
        resayil_balance *balance = nullptr;
        resayil_error *error = nullptr;
        resayil_status status = resayil_client_balance(handle_.get(), &balance, &error);
        detail::Handle<resayil_balance, resayil_balance_free> owner(balance);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        double credits = 0;
        bool known = resayil_balance_credits(balance, &credits);
        return Balance{std::string(detail::view(resayil_balance_tier(balance))),
                       std::string(detail::view(resayil_balance_status(balance))),
                       std::string(detail::view(resayil_balance_expires_at(balance))),
                       known ? std::optional<double>(credits) : std::nullopt};
    }

    /// What the client did since it was made. Any thread may ask, at any time.
    resayil_stats stats() const noexcept {
        resayil_stats stats;
        resayil_client_get_stats(handle_.get(), &stats);
        return stats;
    }
    /// The same with more detail, and what quota and budget have left, for an exporter.
    std::vector<Metric> metrics() const {
        resayil_metrics *metrics = nullptr;
        resayil_client_get_metrics(handle_.get(), &metrics);
        detail::Handle<resayil_metrics, resayil_metrics_free> owner(metrics);
        return detail::metrics(metrics);
    }
    /// What the quota knows at this moment; nothing if there is no quota.
    std::optional<QuotaState> quota_state() const noexcept {
        resayil_quota_state state;
        if (!resayil_client_get_quota_state(handle_.get(), &state)) {
            return std::nullopt;
        }
        return detail::quota_state(state);
    }
    /// How many retries the budget holds.
    double budget_remaining() const noexcept { return resayil_client_budget_remaining(handle_.get()); }

private:
    // Before the client, so that it lives longer.
    std::shared_ptr<const Observer> observer_;
    std::shared_ptr<const ResultPredicate> predicate_;
    detail::Handle<resayil_client, resayil_client_free> handle_;
};

/// Makes a client. What is not set has a default. A value that cannot be taken is told by build().
class ClientBuilder {
public:
    ClientBuilder() noexcept {
        resayil_client_builder *builder = nullptr;
        resayil_client_builder_new(&builder);
        handle_.reset(builder);
    }

    /// By default the environment variable RESAYIL_API_KEY.
    ClientBuilder &api_key(const char *key) noexcept {
        resayil_client_builder_api_key(handle_.get(), key);
        return *this;
    }
    /// By default the environment variable RESAYIL_BASE_URL, else LLM Resayil's.
    ClientBuilder &base_url(const char *url) noexcept {
        resayil_client_builder_base_url(handle_.get(), url);
        return *this;
    }
    /// Whether a key may go over plain HTTP to another machine; by default it may not.
    ClientBuilder &allow_http(bool allow) noexcept {
        resayil_client_builder_allow_http(handle_.get(), allow);
        return *this;
    }
    /// Whose API it is, such as `resayil`; by default known by the host.
    ClientBuilder &provider(const char *name) noexcept {
        resayil_client_builder_provider(handle_.get(), name);
        return *this;
    }
    /// How failures are retried; by default as the policy `default` does.
    ClientBuilder &policy(const Policy &policy) noexcept {
        resayil_client_builder_policy(handle_.get(), policy.get());
        return *this;
    }
    /// Other models or services that take over chats which the client's own does not serve.
    ClientBuilder &fallback(const Fallback &fallback) noexcept {
        resayil_client_builder_fallback(handle_.get(), fallback.get());
        return *this;
    }
    /// How many requests may be in flight at once; if it is adaptive, at most.
    ClientBuilder &max_concurrency(std::uint32_t max, bool adaptive = false) noexcept {
        resayil_client_builder_max_concurrency(handle_.get(), max, adaptive);
        return *this;
    }
    /// Shares a budget with other clients; by default each account has its own.
    ClientBuilder &budget(const Budget &budget) noexcept {
        resayil_client_builder_budget(handle_.get(), budget.get());
        return *this;
    }
    /// A quota that is shared with other clients of the same key.
    ClientBuilder &quota(const Quota &quota) noexcept {
        resayil_client_builder_quota(handle_.get(), quota.get());
        return *this;
    }
    /// A quota of the client's own; `limit` 0 is unknown.
    ClientBuilder &quota_window(std::uint32_t limit, Seconds window) noexcept {
        resayil_client_builder_quota_window(handle_.get(), limit, window.count());
        return *this;
    }
    /// Tokens of prompts and answers that the key has in a minute; 0 is unknown.
    ClientBuilder &tokens_per_minute(std::uint64_t tokens) noexcept {
        resayil_client_builder_tokens_per_minute(handle_.get(), tokens);
        return *this;
    }
    /// One quota for all processes of this host that use the same origin, key and window; by a file in
    /// this folder, or in one for temporary files if it is empty.
    ClientBuilder &share_quota(bool share = true, const std::string &folder = {}) noexcept {
        resayil_client_builder_share_quota(handle_.get(), share, folder.empty() ? nullptr : folder.c_str());
        return *this;
    }
    /// The name of what shares one quota with other processes, in place of origin and key: see
    /// resayil_client_builder_quota_group.
    ClientBuilder &quota_group(const std::string &name) noexcept {
        resayil_client_builder_quota_group(handle_.get(), name.c_str());
        return *this;
    }
    /// One quota for all processes that are given this Redis or Valkey, on whatever hosts: its URL.
    ClientBuilder &fleet(const std::string &url) noexcept {
        resayil_client_builder_fleet(handle_.get(), url.c_str());
        return *this;
    }
    /// The same over a connection of the program's own: see `resayil_client_builder_fleet_with`.
    ClientBuilder &fleet_with(resayil_fleet_callback callback, resayil_fleet_release_callback release,
                              void *user) noexcept {
        resayil_client_builder_fleet_with(handle_.get(), callback, release, user);
        return *this;
    }
    /// Sends without waiting for a quota.
    ClientBuilder &no_quota() noexcept {
        resayil_client_builder_no_quota(handle_.get());
        return *this;
    }
    /// How long a connection may take to come about.
    ClientBuilder &connect_timeout(Seconds timeout) noexcept {
        resayil_client_builder_connect_timeout(handle_.get(), timeout.count());
        return *this;
    }
    /// How long one attempt may take as a whole.
    ClientBuilder &attempt_timeout(Seconds timeout) noexcept {
        resayil_client_builder_attempt_timeout(handle_.get(), timeout.count());
        return *this;
    }
    /// How long a connection may stay silent.
    ClientBuilder &idle_timeout(Seconds timeout) noexcept {
        resayil_client_builder_idle_timeout(handle_.get(), timeout.count());
        return *this;
    }
    /// The longest body that is read, after decompression; a longer one is a protocol error.
    ClientBuilder &max_response_bytes(std::size_t bytes) noexcept {
        resayil_client_builder_max_response_bytes(handle_.get(), bytes);
        return *this;
    }
    /// No limit but that of the attempt if it is 0.
    ClientBuilder &first_byte_timeout(Seconds timeout) noexcept {
        resayil_client_builder_first_byte_timeout(handle_.get(), timeout.count());
        return *this;
    }
    /// The most bytes of an answer on the wire, its head included.
    ClientBuilder &max_wire_bytes(std::uint64_t bytes) noexcept {
        resayil_client_builder_max_wire_bytes(handle_.get(), bytes);
        return *this;
    }
    /// The longest head of an answer.
    ClientBuilder &max_head_bytes(std::size_t bytes) noexcept {
        resayil_client_builder_max_head_bytes(handle_.get(), bytes);
        return *this;
    }
    /// The most headers of an answer.
    ClientBuilder &max_headers(std::size_t count) noexcept {
        resayil_client_builder_max_headers(handle_.get(), count);
        return *this;
    }
    /// Asks the server before a body of more bytes is sent (RFC 9110, section 10.1.1); by default never.
    ClientBuilder &expect_continue_above(std::size_t bytes) noexcept {
        resayil_client_builder_expect_continue_above(handle_.get(), bytes);
        return *this;
    }
    /// No proxy at all, whatever the environment says, if it is empty.
    ClientBuilder &proxy(const std::string &proxy) noexcept {
        resayil_client_builder_proxy(handle_.get(), proxy.c_str());
        return *this;
    }
    /// A PEM file of the authorities that alone are trusted; by default the platform's are.
    ClientBuilder &ca_file(const std::string &path) noexcept {
        resayil_client_builder_ca_file(handle_.get(), path.c_str());
        return *this;
    }
    /// The same as text.
    ClientBuilder &ca_pem(std::string_view pem) noexcept {
        resayil_client_builder_ca_pem(handle_.get(), pem.data(), pem.size());
        return *this;
    }
    /// A certificate and its key by which the client shows who it is, as PEM.
    ClientBuilder &client_cert_file(const std::string &certificate, const std::string &key) noexcept {
        resayil_client_builder_client_cert_file(handle_.get(), certificate.c_str(), key.c_str());
        return *this;
    }
    /// The same as text.
    ClientBuilder &client_cert_pem(std::string_view certificate, std::string_view key) noexcept {
        resayil_client_builder_client_cert_pem(handle_.get(), certificate.data(), certificate.size(), key.data(),
                                               key.size());
        return *this;
    }
    /// What the header User-Agent says.
    ClientBuilder &user_agent(const char *text) noexcept {
        resayil_client_builder_user_agent(handle_.get(), text);
        return *this;
    }
    /// Is told every decision, in the thread of the call; several threads may call it at once. It
    /// must not throw.
    ClientBuilder &observer(Observer observer) {
        observer_ = std::make_shared<const Observer>(std::move(observer));
        auto tell = [](const resayil_event *event, void *user) noexcept {
            (*static_cast<const Observer *>(user))(Event(event));
        };
        void *user = const_cast<void *>(static_cast<const void *>(observer_.get()));
        resayil_client_builder_observer(handle_.get(), tell, user);
        return *this;
    }

    /// Retries every answer that came well, but that the predicate does not take; see
    /// resayil_options_retry_if_result. Several threads may call it at once; it must not throw.
    ClientBuilder &retry_if_result(ResultPredicate predicate) {
        predicate_ = std::make_shared<const ResultPredicate>(std::move(predicate));
        resayil_client_builder_retry_if_result(handle_.get(), detail::rejects,
                                               detail::user(predicate_.get()));
        return *this;
    }

    /// Makes the client; uses the options up.
    Result<Client> build() noexcept {
        resayil_client *client = nullptr;
        resayil_error *error = nullptr;
        resayil_status status = resayil_client_builder_build(handle_.get(), &client, &error);
        if (status != RESAYIL_STATUS_OK) {
            return detail::failure(status, error);
        }
        return Client(client, std::move(observer_), std::move(predicate_));
    }

private:
    std::shared_ptr<const Observer> observer_;
    std::shared_ptr<const ResultPredicate> predicate_;
    detail::Handle<resayil_client_builder, resayil_client_builder_free> handle_;
};

inline Result<Client> Client::from_env() noexcept { return ClientBuilder().build(); }

} // namespace resayil

#endif
