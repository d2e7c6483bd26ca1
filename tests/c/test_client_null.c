/* NULL for every pointer of every function of the client. */
#include "check.h"

#define CHECK_NULL(call) CHECK((call) == RESAYIL_STATUS_NULL_PARAMETER)

static void test_clients(void) {
    resayil_client_builder *builder = NULL;
    resayil_client *client = NULL;
    resayil_completion *completion = (resayil_completion *)1;
    resayil_chat_stream *stream = (resayil_chat_stream *)1;
    resayil_response *response = (resayil_response *)1;
    resayil_models *models = (resayil_models *)1;
    resayil_balance *balance = (resayil_balance *)1;
    resayil_quota_state state;
    resayil_stats stats;
    resayil_metrics *metrics = (resayil_metrics *)1;

    CHECK_NULL(resayil_client_builder_new(NULL));
    CHECK_OK(resayil_client_builder_new(&builder));
    CHECK_NULL(resayil_client_builder_api_key(NULL, "k"));
    CHECK_NULL(resayil_client_builder_base_url(NULL, "u"));
    CHECK_NULL(resayil_client_builder_allow_http(NULL, true));
    CHECK_NULL(resayil_client_builder_provider(NULL, NULL));
    CHECK_OK(resayil_client_builder_provider(builder, NULL));
    CHECK_NULL(resayil_client_builder_policy(NULL, NULL));
    CHECK_NULL(resayil_client_builder_policy(builder, NULL));
    CHECK_NULL(resayil_client_builder_budget(NULL, NULL));
    CHECK_NULL(resayil_client_builder_budget(builder, NULL));
    CHECK_NULL(resayil_client_builder_quota(NULL, NULL));
    CHECK_NULL(resayil_client_builder_quota(builder, NULL));
    CHECK_NULL(resayil_client_builder_quota_window(NULL, 0, 0));
    CHECK_NULL(resayil_client_builder_tokens_per_minute(NULL, 1));
    CHECK_NULL(resayil_client_builder_share_quota(NULL, true, NULL));
    CHECK_OK(resayil_client_builder_share_quota(builder, false, NULL));
    CHECK_NULL(resayil_client_builder_fleet(NULL, "redis://127.0.0.1:1"));
    CHECK_NULL(resayil_client_builder_fleet_with(NULL, NULL, NULL, NULL));
    CHECK_NULL(resayil_client_builder_quota_group(NULL, "g"));
    CHECK_NULL(resayil_client_builder_no_quota(NULL));
    CHECK_NULL(resayil_client_builder_max_concurrency(NULL, 1, false));
    CHECK_NULL(resayil_client_builder_connect_timeout(NULL, 1));
    CHECK_NULL(resayil_client_builder_attempt_timeout(NULL, 1));
    CHECK_NULL(resayil_client_builder_idle_timeout(NULL, 1));
    CHECK_NULL(resayil_client_builder_max_response_bytes(NULL, 1));
    CHECK_NULL(resayil_client_builder_first_byte_timeout(NULL, 1));
    CHECK_NULL(resayil_client_builder_max_wire_bytes(NULL, 1));
    CHECK_NULL(resayil_client_builder_max_head_bytes(NULL, 1));
    CHECK_NULL(resayil_client_builder_max_headers(NULL, 1));
    CHECK_NULL(resayil_client_builder_expect_continue_above(NULL, 1));
    CHECK_NULL(resayil_client_builder_proxy(NULL, "a"));
    CHECK_NULL(resayil_client_builder_ca_file(NULL, "a"));
    CHECK_OK(resayil_client_builder_ca_file(builder, NULL));
    CHECK_NULL(resayil_client_builder_ca_pem(NULL, "a", 1));
    CHECK_NULL(resayil_client_builder_client_cert_file(NULL, "a", "b"));
    CHECK_NULL(resayil_client_builder_client_cert_pem(NULL, "a", 1, "b", 1));
    CHECK_NULL(resayil_client_builder_user_agent(NULL, "a"));
    CHECK_NULL(resayil_client_builder_observer(NULL, NULL, NULL));
    CHECK_OK(resayil_client_builder_observer(builder, NULL, NULL));
    CHECK_NULL(resayil_client_builder_retry_if_result(NULL, NULL, NULL));
    CHECK_OK(resayil_client_builder_retry_if_result(builder, NULL, NULL));
    CHECK_OK(resayil_client_builder_api_key(builder, "sk_llmr_0123456789"));
    CHECK_OK(resayil_client_builder_attempt_timeout(builder, 1)); /* a warning that nobody hears */
    CHECK_NULL(resayil_client_builder_build(NULL, &client, NULL));
    CHECK_NULL(resayil_client_builder_build(builder, NULL, NULL));
    CHECK_OK(resayil_client_builder_build(builder, &client, NULL));
    resayil_client_builder_free(builder);
    CHECK_OK(resayil_client_builder_new(&builder));
    CHECK_NULL(resayil_client_builder_api_key(builder, NULL));
    CHECK_NULL(resayil_client_builder_base_url(builder, NULL));
    CHECK_NULL(resayil_client_builder_user_agent(builder, NULL));
    resayil_client_builder_free(builder);
    resayil_client_builder_free(NULL);

    CHECK_NULL(resayil_client_chat(NULL, "{}", 2, NULL, &completion, NULL));
    CHECK(completion == NULL);
    CHECK_NULL(resayil_client_chat(client, "{}", 2, NULL, NULL, NULL));
    CHECK_NULL(resayil_client_chat(client, NULL, 2, NULL, &completion, NULL));
    CHECK_NULL(resayil_client_chat_stream(NULL, "{}", 2, NULL, &stream, NULL));
    CHECK(stream == NULL);
    CHECK_NULL(resayil_client_chat_stream(client, "{}", 2, NULL, NULL, NULL));
    CHECK_NULL(resayil_client_chat_stream(client, NULL, 2, NULL, &stream, NULL));
    CHECK_NULL(resayil_client_post(NULL, "p", NULL, 0, NULL, &response, NULL));
    CHECK(response == NULL);
    CHECK_NULL(resayil_client_post(client, NULL, NULL, 0, NULL, &response, NULL));
    CHECK_NULL(resayil_client_post(client, "p", NULL, 1, NULL, &response, NULL));
    CHECK_NULL(resayil_client_post(client, "p", NULL, 0, NULL, NULL, NULL));
    CHECK_NULL(resayil_client_models(NULL, &models, NULL));
    CHECK(models == NULL);
    CHECK_NULL(resayil_client_models(client, NULL, NULL));
    CHECK_NULL(resayil_client_balance(NULL, &balance, NULL));
    CHECK(balance == NULL);
    CHECK_NULL(resayil_client_balance(client, NULL, NULL));
    CHECK_NULL(resayil_client_get_stats(NULL, &stats));
    CHECK_NULL(resayil_client_get_stats(client, NULL));
    CHECK_NULL(resayil_client_get_metrics(NULL, &metrics));
    CHECK(metrics == NULL);
    CHECK_NULL(resayil_client_get_metrics(client, NULL));
    CHECK(!resayil_client_get_quota_state(NULL, &state));
    CHECK(!resayil_client_get_quota_state(client, NULL));
    CHECK(resayil_client_budget_remaining(NULL) == 0);
    resayil_client_free(client);
    resayil_client_free(NULL);
}

static int stop(const char *text, size_t text_len, const char *data, size_t data_len, void *user) {
    (void)text, (void)text_len, (void)data, (void)data_len, (void)user;
    return 1;
}

static void test_answers(void) {
    uint64_t tokens[3] = {5, 5, 5};
    double number = 5;
    resayil_str text, data;
    resayil_string *copy = NULL;
    bool stopped = true;

    CHECK_ABSENT(resayil_completion_content(NULL));
    CHECK_ABSENT(resayil_completion_finish_reason(NULL));
    CHECK_ABSENT(resayil_completion_model(NULL));
    CHECK_ABSENT(resayil_completion_request_id(NULL));
    CHECK_ABSENT(resayil_completion_json(NULL));
    CHECK(resayil_completion_attempts(NULL) == 0);
    CHECK(!resayil_completion_usage(NULL, &tokens[0], &tokens[1], &tokens[2]));
    CHECK(tokens[0] == 0 && tokens[1] == 0 && tokens[2] == 0);
    CHECK(!resayil_completion_usage(NULL, NULL, NULL, NULL));
    resayil_completion_free(NULL);

    CHECK_NULL(resayil_chat_stream_next(NULL, &text, &data, NULL));
    CHECK(text.data == NULL && data.data == NULL);
    CHECK_NULL(resayil_chat_stream_next(NULL, NULL, &data, NULL));
    CHECK_NULL(resayil_chat_stream_next(NULL, &text, NULL, NULL));
    CHECK_NULL(resayil_chat_stream_run(NULL, stop, NULL, &stopped, NULL));
    CHECK(!stopped);
    CHECK_NULL(resayil_chat_stream_run(NULL, stop, NULL, NULL, NULL));
    CHECK_NULL(resayil_chat_stream_partial_text(NULL, &copy));
    CHECK_NULL(resayil_chat_stream_finish_reason(NULL, &copy));
    CHECK_NULL(resayil_chat_stream_request_id(NULL, &copy));
    CHECK(resayil_chat_stream_attempts(NULL) == 0);
    resayil_chat_stream_free(NULL);

    CHECK(resayil_response_status(NULL) == 0);
    CHECK_ABSENT(resayil_response_body(NULL));
    CHECK_ABSENT(resayil_response_header(NULL, "date"));
    CHECK_ABSENT(resayil_response_request_id(NULL));
    CHECK_ABSENT(resayil_response_content(NULL));
    CHECK(resayil_response_attempts(NULL) == 0);
    resayil_response_free(NULL);

    CHECK(resayil_models_count(NULL) == 0);
    CHECK_ABSENT(resayil_models_id(NULL, 0));
    CHECK_ABSENT(resayil_models_owned_by(NULL, 0));
    resayil_models_free(NULL);
    CHECK(resayil_metrics_count(NULL) == 0);
    CHECK_ABSENT(resayil_metrics_name(NULL, 0));
    CHECK_ABSENT(resayil_metrics_instrument(NULL, 0));
    CHECK_ABSENT(resayil_metrics_unit(NULL, 0));
    CHECK(resayil_metrics_value(NULL, 0) == 0);
    CHECK(resayil_metrics_attribute_count(NULL, 0) == 0);
    CHECK_ABSENT(resayil_metrics_attribute_name(NULL, 0, 0));
    CHECK_ABSENT(resayil_metrics_attribute_value(NULL, 0, 0));
    resayil_metrics_free(NULL);
    CHECK_ABSENT(resayil_balance_tier(NULL));
    CHECK_ABSENT(resayil_balance_status(NULL));
    CHECK_ABSENT(resayil_balance_expires_at(NULL));
    CHECK(!resayil_balance_credits(NULL, &number) && number == 0);
    CHECK(!resayil_balance_credits(NULL, NULL));
    resayil_balance_free(NULL);

    CHECK_ABSENT(resayil_event_action(NULL));
    CHECK_ABSENT(resayil_event_reason(NULL));
    CHECK(resayil_event_attempt(NULL) == 0);
    CHECK(!resayil_event_delay(NULL, &number));
    CHECK(resayil_event_error(NULL) == NULL);
    CHECK_ABSENT(resayil_event_summary(NULL));
    CHECK(resayil_event_kind(NULL) == RESAYIL_KIND_UNKNOWN && resayil_event_status(NULL) == 0);
    CHECK_ABSENT(resayil_event_code(NULL));
    CHECK_ABSENT(resayil_event_request_id(NULL));
}

static void test_requests_and_options(void) {
    resayil_chat_request *request = NULL;
    resayil_options *options = NULL;
    resayil_string *json = NULL;
    CHECK_NULL(resayil_chat_request_new(NULL, &request));
    CHECK_NULL(resayil_chat_request_new("m", NULL));
    CHECK_OK(resayil_chat_request_new("m", &request));
    CHECK_NULL(resayil_chat_request_message(NULL, "user", "x", 1));
    CHECK_NULL(resayil_chat_request_message(request, NULL, "x", 1));
    CHECK_NULL(resayil_chat_request_message(request, "user", NULL, 1));
    CHECK_NULL(resayil_chat_request_set(NULL, "n", "1", 1, NULL));
    CHECK_NULL(resayil_chat_request_set(request, NULL, "1", 1, NULL));
    CHECK_NULL(resayil_chat_request_set(request, "n", NULL, 1, NULL));
    CHECK_NULL(resayil_chat_request_to_json(NULL, &json));
    CHECK_NULL(resayil_chat_request_to_json(request, NULL));
    resayil_chat_request_free(request);
    resayil_chat_request_free(NULL);

    CHECK_NULL(resayil_options_new(NULL));
    CHECK_OK(resayil_options_new(&options));
    CHECK_NULL(resayil_options_deadline(NULL, 1));
    CHECK_NULL(resayil_options_cancel(NULL, NULL));
    CHECK_NULL(resayil_options_cancel(options, NULL));
    CHECK_NULL(resayil_options_idempotency_key(NULL, "k"));
    CHECK_NULL(resayil_options_idempotency_key(options, NULL));
    CHECK_NULL(resayil_options_priority(NULL, "low"));
    CHECK_NULL(resayil_options_priority(options, NULL));
    CHECK_NULL(resayil_options_tenant(NULL, "t", 1));
    CHECK_NULL(resayil_options_tenant(options, NULL, 1));
    CHECK_NULL(resayil_options_cost(NULL, 1, 1));
    CHECK_NULL(resayil_options_policy(NULL, NULL));
    CHECK_NULL(resayil_options_policy(options, NULL));
    CHECK_NULL(resayil_options_retry_if_result(NULL, NULL, NULL));
    CHECK_OK(resayil_options_retry_if_result(options, NULL, NULL));
    resayil_options_free(options);
    resayil_options_free(NULL);
    CHECK_NULL(resayil_cancel_new(NULL));
    CHECK_NULL(resayil_cancel_cancel(NULL));
    CHECK(!resayil_cancel_is_cancelled(NULL));
    resayil_cancel_free(NULL);
}

int main(void) {
    RUN(test_clients());
    RUN(test_answers());
    RUN(test_requests_and_options());
    return done();
}
