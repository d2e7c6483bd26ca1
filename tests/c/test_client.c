/* The client, against a sandbox; see sandbox.h for what the driver gives. */
#include "sandbox.h"

static resayil_error *fail(const resayil_client *client, const char *request, const resayil_options *options) {
    resayil_completion *completion = NULL;
    resayil_error *error = NULL;
    CHECK(resayil_client_chat(client, request, strlen(request), options, &completion, &error) ==
          RESAYIL_STATUS_ERROR);
    CHECK(completion == NULL && error != NULL);
    return error;
}

typedef struct {
    unsigned retries, stops, warnings;
    uint32_t kind;
} seen;

static void observe(const resayil_event *event, void *user) {
    seen *into = user;
    double delay;
    const char *action = resayil_event_action(event).data;
    CHECK(resayil_event_reason(event).len > 0);
    if (strcmp(action, "retry") == 0) {
        into->retries++;
        into->kind = resayil_error_kind(resayil_event_error(event));
        CHECK(resayil_event_delay(event, &delay) && delay > 0);
        CHECK(resayil_event_attempt(event) == 1);
    } else if (strcmp(action, "warning") == 0) {
        into->warnings++;
        /* One that says why the quota is not shared, one for a time-out that is short. */
        if (strcmp(resayil_event_reason(event).data, "quota_not_shared") == 0) {
            const char *message = resayil_error_message(resayil_event_error(event)).data;
            CHECK(strstr(message, "/proc/none") != NULL);
        } else {
            CHECK(resayil_event_error(event) == NULL);
        }
    } else if (strcmp(action, "stop") == 0) {
        into->stops++;
    }
}

static void test_chat_with_a_retry(void) {
    resayil_client_builder *builder = builder_new();
    resayil_policy_builder *options = NULL;
    resayil_policy *policy = NULL;
    resayil_budget *budget = NULL;
    resayil_client *client;
    resayil_completion *answer = NULL;
    resayil_quota_state quota;
    resayil_stats stats;
    uint64_t prompt, completion, total;
    seen events = {0, 0, 0, 0};

    CHECK_OK(resayil_policy_builder_new(NULL, &options));
    CHECK_OK(resayil_policy_builder_base_delay(options, 0.01));
    CHECK_OK(resayil_policy_builder_build(options, &policy, NULL));
    CHECK_OK(resayil_budget_new(0.5, 3, &budget, NULL));
    CHECK_OK(resayil_client_builder_base_url(builder, need("RESAYIL_BASE_URL")));
    CHECK_OK(resayil_client_builder_api_key(builder, need("RESAYIL_API_KEY")));
    CHECK_OK(resayil_client_builder_allow_http(builder, false));
    CHECK_OK(resayil_client_builder_provider(builder, "resayil"));
    CHECK_OK(resayil_client_builder_policy(builder, policy));
    CHECK_OK(resayil_client_builder_budget(builder, budget));
    CHECK_OK(resayil_client_builder_quota_window(builder, 1000, 60));
    CHECK_OK(resayil_client_builder_connect_timeout(builder, 5));
    CHECK_OK(resayil_client_builder_attempt_timeout(builder, 20));
    CHECK_OK(resayil_client_builder_idle_timeout(builder, 5));
    CHECK_OK(resayil_client_builder_max_response_bytes(builder, 1u << 20));
    CHECK_OK(resayil_client_builder_user_agent(builder, "test/1"));
    CHECK_OK(resayil_client_builder_observer(builder, observe, &events));
    /* No folder can be made there, so the quota is not shared, and nothing else is wrong. */
    CHECK_OK(resayil_client_builder_share_quota(builder, true, "/proc/none/quotas"));
    client = build(builder);
    resayil_policy_free(policy);
    resayil_policy_builder_free(options);
    CHECK(events.warnings == 2); /* and 20 s are less than the guide asks for */

    sandbox("_sandbox/faults", "\"server_error\"");
    CHECK_OK(resayil_client_chat(client, HELLO, strlen(HELLO), NULL, &answer, NULL));
    CHECK_TEXT(resayil_completion_content(answer), "echo: Hello");
    CHECK_TEXT(resayil_completion_finish_reason(answer), "stop");
    CHECK(resayil_completion_model(answer).len > 0);
    CHECK_ABSENT(resayil_completion_request_id(answer));
    CHECK(resayil_completion_json(answer).data[0] == '{');
    CHECK(resayil_completion_attempts(answer) == 2);
    CHECK(resayil_completion_usage(answer, &prompt, &completion, &total) && total == prompt + completion);
    resayil_completion_free(answer);
    CHECK(events.retries == 1 && events.kind == RESAYIL_KIND_SERVER);

    CHECK_OK(resayil_client_get_stats(client, &stats));
    CHECK(stats.calls == 1 && stats.attempts == 2 && stats.answered == 1 && stats.retries == 1);
    CHECK(resayil_client_budget_remaining(client) == resayil_budget_remaining(budget));
    CHECK(resayil_budget_remaining(budget) == 2.5);
    CHECK(resayil_client_get_quota_state(client, &quota) && quota.limit == 1000 && quota.admitted == 2);
    resayil_budget_free(budget);
    resayil_client_free(client);
}

static void test_errors(void) {
    resayil_client *client = build(builder_new());
    resayil_error *error = fail(client, "{\"model\":\"no such\",\"messages\":[]}", NULL);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_VALIDATION && resayil_error_attempts(error) == 1);
    CHECK(resayil_error_field_count(error) > 0);
    resayil_error_free(error);
    error = fail(client, "{\"model\":\"no such\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", NULL);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_NOT_FOUND);
    CHECK_TEXT(resayil_error_model(error), "no such");
    resayil_error_free(error);
    error = fail(client, "not JSON", NULL);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_CONFIGURATION && resayil_error_attempts(error) == 0);
    resayil_error_free(error);
    resayil_client_free(client);
}

static void test_options(void) {
    resayil_client *client = build(builder_new());
    resayil_options *options = NULL;
    resayil_cancel *cancel = NULL;
    resayil_policy *none = NULL;
    resayil_error *error;

    CHECK_OK(resayil_options_new(&options));
    CHECK_OK(resayil_policy_new("none", &none));
    CHECK_OK(resayil_options_policy(options, none));
    resayil_policy_free(none);
    CHECK_OK(resayil_options_idempotency_key(options, "key-1"));
    sandbox("_sandbox/faults", "\"server_error\"");
    error = fail(client, HELLO, options);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_SERVER && resayil_error_attempts(error) == 1);
    resayil_error_free(error);

    CHECK_OK(resayil_options_deadline(options, 0.2));
    CHECK(resayil_options_deadline(options, -1) == RESAYIL_STATUS_INVALID_ARGUMENT);
    sandbox("_sandbox/faults", "\"hang\"");
    error = fail(client, HELLO, options);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_TIMEOUT || resayil_error_kind(error) == RESAYIL_KIND_DEADLINE);
    resayil_error_free(error);

    CHECK_OK(resayil_cancel_new(&cancel));
    CHECK(!resayil_cancel_is_cancelled(cancel));
    CHECK_OK(resayil_options_cancel(options, cancel));
    CHECK_OK(resayil_cancel_cancel(cancel));
    CHECK(resayil_cancel_is_cancelled(cancel));
    resayil_cancel_free(cancel);
    error = fail(client, HELLO, options);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_CANCELLED);
    resayil_error_free(error);

    CHECK_OK(resayil_options_idempotency_key(options, "two words"));
    error = fail(client, HELLO, options);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_CONFIGURATION);
    resayil_error_free(error);
    resayil_options_free(options);
    resayil_client_free(client);
}

/* What costs more than the limit is told so, and nothing is sent. */
static void test_tokens_per_minute(void) {
    resayil_client_builder *builder = builder_new();
    resayil_options *options = NULL;
    resayil_client *client;
    resayil_completion *answer = NULL;
    resayil_error *error;

    CHECK_OK(resayil_client_builder_tokens_per_minute(builder, 1000));
    client = build(builder);
    CHECK_OK(resayil_options_new(&options));
    CHECK_OK(resayil_options_cost(options, 900, 200));
    error = fail(client, HELLO, options);
    CHECK_TEXT(resayil_error_stop_reason(error), "exceeds_limit");
    CHECK(resayil_error_attempts(error) == 0);
    resayil_error_free(error);
    CHECK_OK(resayil_options_cost(options, 500, 200));
    CHECK_OK(resayil_client_chat(client, HELLO, strlen(HELLO), options, &answer, NULL));
    resayil_completion_free(answer);
    resayil_options_free(options);
    resayil_client_free(client);
}

static void test_a_request_that_is_made(void) {
    resayil_client *client = build(builder_new());
    resayil_chat_request *request = NULL;
    resayil_completion *answer = NULL;
    resayil_string *json = NULL;
    resayil_error *error = NULL;
    const char *odd = "a \"quoted\"\nline";

    CHECK_OK(resayil_chat_request_new("mistral", &request));
    CHECK_OK(resayil_chat_request_message(request, "system", "Be brief.", 9));
    CHECK_OK(resayil_chat_request_message(request, "user", odd, strlen(odd)));
    CHECK(resayil_chat_request_message(request, "tool", "x", 1) == RESAYIL_STATUS_UNKNOWN_NAME);
    CHECK(resayil_chat_request_message(request, "user", "\xff", 1) == RESAYIL_STATUS_INVALID_UTF8);
    CHECK_OK(resayil_chat_request_set(request, "temperature", "0.5", 3, NULL));
    CHECK(resayil_chat_request_set(request, "top_p", "much", 4, &error) == RESAYIL_STATUS_ERROR);
    CHECK(strstr(resayil_error_message(error).data, "top_p") != NULL);
    resayil_error_free(error);
    CHECK_OK(resayil_chat_request_to_json(request, &json));
    CHECK(strstr(resayil_string_data(json), "a \\\"quoted\\\"\\nline") != NULL);
    CHECK_OK(resayil_client_chat(client, resayil_string_data(json), resayil_string_len(json), NULL, &answer, NULL));
    CHECK(strstr(resayil_completion_content(answer).data, odd) != NULL);
    resayil_completion_free(answer);
    resayil_string_free(json);
    resayil_chat_request_free(request);
    resayil_client_free(client);
}

typedef struct {
    resayil_chat_stream *stream;
    char text[256];
    size_t len;
    unsigned events, stop_after;
} collected;

static int collect(const char *text, size_t text_len, const char *data, size_t data_len, void *user) {
    collected *into = user;
    resayil_string *partial = NULL;
    CHECK(text[text_len] == '\0' && data[data_len] == '\0' && data_len > 0);
    CHECK(resayil_chat_stream_partial_text(into->stream, &partial) == RESAYIL_STATUS_BUSY);
    CHECK(into->len + text_len < sizeof into->text);
    memcpy(into->text + into->len, text, text_len + 1);
    into->len += text_len;
    return ++into->events == into->stop_after;
}

static resayil_chat_stream *open_stream(const resayil_client *client) {
    resayil_chat_stream *stream = NULL;
    CHECK_OK(resayil_client_chat_stream(client, HELLO, strlen(HELLO), NULL, &stream, NULL));
    return stream;
}

static void test_streams(void) {
    resayil_client *client = build(builder_new());
    collected into = {NULL, "", 0, 0, 2};
    resayil_chat_stream *stream = open_stream(client);
    resayil_string *text = NULL;
    resayil_str piece, data;
    resayil_error *error = NULL;
    bool stopped = false;

    /* The callback stops, and the rest comes later. */
    into.stream = stream;
    CHECK_OK(resayil_chat_stream_run(stream, collect, &into, &stopped, &error));
    CHECK(stopped && into.events == 2 && strlen(into.text) < strlen("echo: Hello"));
    CHECK_OK(resayil_chat_stream_run(stream, collect, &into, &stopped, &error));
    CHECK(!stopped && strcmp(into.text, "echo: Hello") == 0);
    CHECK_OK(resayil_chat_stream_finish_reason(stream, &text));
    CHECK(strcmp(resayil_string_data(text), "stop") == 0);
    resayil_string_free(text);
    CHECK_OK(resayil_chat_stream_request_id(stream, &text));
    CHECK(text == NULL);
    CHECK(resayil_chat_stream_attempts(stream) == 1);
    CHECK_OK(resayil_chat_stream_next(stream, &piece, &data, &error));
    CHECK(data.data == NULL);
    resayil_chat_stream_free(stream);

    /* A stream that is cut ends in an error, with what it had delivered. */
    sandbox("_sandbox/faults", "{\"fault\":\"cut_stream\",\"events\":2}");
    stream = open_stream(client);
    for (;;) {
        resayil_status status = resayil_chat_stream_next(stream, &piece, &data, &error);
        if (status != RESAYIL_STATUS_OK) {
            CHECK(status == RESAYIL_STATUS_ERROR && data.data == NULL);
            break;
        }
        CHECK(data.data != NULL);
    }
    CHECK(!resayil_error_is_safe_to_replay(error));
    CHECK_OK(resayil_chat_stream_partial_text(stream, &text));
    CHECK_TEXT(resayil_error_partial_text(error), resayil_string_data(text));
    resayil_string_free(text);
    resayil_error_free(error);
    resayil_chat_stream_free(stream);

    /* One that nobody reads to its end is closed. */
    resayil_chat_stream_free(open_stream(client));
    resayil_client_free(client);
}

static void test_account(void) {
    resayil_client *client = build(builder_new());
    resayil_models *models = NULL;
    resayil_balance *balance = NULL;
    double credits;
    CHECK_OK(resayil_client_models(client, &models, NULL));
    CHECK(resayil_models_count(models) == 3);
    CHECK(resayil_models_id(models, 0).len > 0);
    CHECK(resayil_models_owned_by(models, 0).len > 0);
    CHECK_ABSENT(resayil_models_id(models, 3));
    CHECK_ABSENT(resayil_models_owned_by(models, SIZE_MAX));
    resayil_models_free(models);
    CHECK_OK(resayil_client_balance(client, &balance, NULL));
    CHECK(resayil_balance_tier(balance).len > 0);
    CHECK(resayil_balance_status(balance).len > 0);
    CHECK(resayil_balance_expires_at(balance).data == NULL || resayil_balance_expires_at(balance).len > 0);
    CHECK(resayil_balance_credits(balance, &credits) && credits > 0);
    resayil_balance_free(balance);
    resayil_client_free(client);
}

/* Two clients of one key share a quota of two requests a window of 2 s. */
static void test_a_shared_quota(void) {
    resayil_quota *quota = NULL;
    resayil_quota_state state;
    resayil_client *clients[2];
    int at;
    CHECK(resayil_monotonic_seconds() >= 0);
    CHECK_OK(resayil_quota_new(2, 2, 0, resayil_monotonic_seconds(), &quota, NULL));
    for (at = 0; at < 2; at++) {
        resayil_client_builder *builder = builder_new();
        CHECK_OK(resayil_client_builder_quota(builder, quota));
        clients[at] = build(builder);
    }
    for (at = 0; at < 4; at++) {
        resayil_completion *answer = NULL;
        CHECK_OK(resayil_client_chat(clients[at % 2], HELLO, strlen(HELLO), NULL, &answer, NULL));
        resayil_completion_free(answer);
    }
    CHECK_OK(resayil_quota_get_state(quota, resayil_monotonic_seconds(), &state));
    CHECK(state.admitted == 4 && state.refused == 0);
    resayil_quota_free(quota);
    resayil_client_free(clients[0]);
    resayil_client_free(clients[1]);
}

/* Builds a client that cannot be, and checks what the error says. */
static void check_refused(resayil_client_builder *builder, const char *word) {
    resayil_client *client = (resayil_client *)1;
    resayil_error *error = NULL;
    CHECK(resayil_client_builder_build(builder, &client, &error) == RESAYIL_STATUS_ERROR);
    CHECK(client == NULL && resayil_error_kind(error) == RESAYIL_KIND_CONFIGURATION);
    CHECK(strstr(resayil_error_message(error).data, word) != NULL);
    resayil_error_free(error);
    CHECK(resayil_client_builder_build(builder, &client, &error) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_client_builder_no_quota(builder) == RESAYIL_STATUS_INVALID_ARGUMENT);
    resayil_client_builder_free(builder);
}

static void test_refused_options(void) {
    resayil_client_builder *b = builder_new();
    CHECK_OK(resayil_client_builder_api_key(b, "Bearer sk_llmr_0123456789"));
    check_refused(b, "key");
    b = builder_new();
    CHECK(resayil_client_builder_api_key(b, "\xff") == RESAYIL_STATUS_INVALID_UTF8);
    check_refused(b, "api_key");
    b = builder_new();
    CHECK_OK(resayil_client_builder_base_url(b, "http://example.com/v1"));
    check_refused(b, "http");
    b = builder_new();
    CHECK(resayil_client_builder_provider(b, "nobody") == RESAYIL_STATUS_UNKNOWN_NAME);
    check_refused(b, "provider");
    b = builder_new();
    CHECK(resayil_client_builder_quota_window(b, 1, -1) == RESAYIL_STATUS_INVALID_ARGUMENT);
    check_refused(b, "quota_window");
    b = builder_new();
    CHECK_OK(resayil_client_builder_connect_timeout(b, 0));
    check_refused(b, "connect_timeout");
    b = builder_new();
    CHECK(resayil_client_builder_attempt_timeout(b, -1) == RESAYIL_STATUS_INVALID_ARGUMENT);
    check_refused(b, "attempt_timeout");
    b = builder_new();
    CHECK(resayil_client_builder_idle_timeout(b, strtod("nan", NULL)) == RESAYIL_STATUS_INVALID_ARGUMENT);
    check_refused(b, "idle_timeout");
    b = builder_new();
    CHECK_OK(resayil_client_builder_max_response_bytes(b, 0));
    check_refused(b, "max_response_bytes");
    b = builder_new();
    CHECK(resayil_client_builder_first_byte_timeout(b, -1) == RESAYIL_STATUS_INVALID_ARGUMENT);
    check_refused(b, "first_byte_timeout");
    b = builder_new();
    CHECK_OK(resayil_client_builder_max_wire_bytes(b, 0));
    check_refused(b, "max_wire_bytes");
    b = builder_new();
    CHECK_OK(resayil_client_builder_max_head_bytes(b, 0));
    check_refused(b, "max_head_bytes");
    b = builder_new();
    CHECK_OK(resayil_client_builder_max_headers(b, 0));
    check_refused(b, "max_headers");
    b = builder_new();
    CHECK_OK(resayil_client_builder_proxy(b, "socks4://127.0.0.1:1"));
    check_refused(b, "proxy");
    b = builder_new();
    CHECK_OK(resayil_client_builder_ca_file(b, "/nowhere/ca.pem"));
    check_refused(b, "/nowhere/ca.pem");
    b = builder_new();
    CHECK_OK(resayil_client_builder_ca_pem(b, "nonsense", 8));
    check_refused(b, "ca_pem");
    b = builder_new();
    CHECK_OK(resayil_client_builder_client_cert_file(b, "/nowhere/a", "/nowhere/b"));
    check_refused(b, "client certificate");
    b = builder_new();
    CHECK_OK(resayil_client_builder_client_cert_pem(b, "a", 1, "b", 1));
    check_refused(b, "client certificate");
    b = builder_new();
    CHECK_OK(resayil_client_builder_user_agent(b, "line\nbreak"));
    check_refused(b, "user_agent");
}

int main(void) {
    RUN(test_chat_with_a_retry());
    RUN(test_errors());
    RUN(test_options());
    RUN(test_tokens_per_minute());
    RUN(test_a_request_that_is_made());
    RUN(test_streams());
    RUN(test_account());
    RUN(test_a_shared_quota());
    RUN(test_refused_options());
    return done();
}
