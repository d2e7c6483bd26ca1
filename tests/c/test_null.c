/* NULL for every pointer of every function. */
#include "check.h"

#define CHECK_NULL(call) CHECK((call) == RESAYIL_STATUS_NULL_PARAMETER)

static void test_errors(resayil_error *error) {
    resayil_error *out = NULL;
    resayil_string *text = (resayil_string *)1;
    resayil_bytes name, value;
    double seconds = 5;
    uint64_t number = 5;

    CHECK_NULL(resayil_classify(500, NULL, 0, NULL, 0, NULL, 0, NULL));
    CHECK_NULL(resayil_classify(500, NULL, 1, NULL, 0, NULL, 0, &out));
    CHECK_NULL(resayil_classify(500, NULL, 0, NULL, 1, NULL, 0, &out));
    CHECK_OK(resayil_classify(500, NULL, 0, NULL, 0, NULL, 0, &out));
    resayil_error_free(out);
    CHECK_NULL(resayil_error_new(0, NULL, 0, NULL));
    CHECK_NULL(resayil_error_new(0, NULL, 1, &out));
    CHECK(out == NULL);
    CHECK_NULL(resayil_error_clone(NULL, &out));
    CHECK_NULL(resayil_error_clone(error, NULL));
    CHECK_NULL(resayil_error_to_json(NULL, NULL, &text));
    CHECK(text == NULL);
    CHECK_NULL(resayil_error_to_json(error, NULL, NULL));
    CHECK_NULL(resayil_error_set_status(NULL, 500));
    CHECK_NULL(resayil_error_set_retryable(NULL, true));
    CHECK_NULL(resayil_error_set_retry_after(NULL, 1));
    CHECK_NULL(resayil_error_set_attempts(NULL, 1));
    CHECK_NULL(resayil_error_set_exhausted(NULL, true));
    CHECK_NULL(resayil_error_set_ambiguous(NULL, true));
    CHECK_NULL(resayil_error_set_rejected(NULL, true));
    CHECK_NULL(resayil_error_set_model(NULL, "m"));
    CHECK_NULL(resayil_error_set_model(error, NULL));
    CHECK_NULL(resayil_error_set_provider(NULL, NULL));

    CHECK(resayil_error_kind(NULL) == RESAYIL_KIND_UNKNOWN);
    CHECK_ABSENT(resayil_error_kind_name(NULL));
    CHECK(resayil_error_status(NULL) == 0);
    CHECK(resayil_error_severity(NULL) == RESAYIL_SEVERITY_INFO);
    CHECK_ABSENT(resayil_error_severity_name(NULL));
    CHECK(!resayil_error_is_retryable(NULL));
    CHECK_ABSENT(resayil_error_summary(NULL));
    CHECK_ABSENT(resayil_error_message(NULL));
    CHECK_ABSENT(resayil_error_code(NULL));
    CHECK_ABSENT(resayil_error_type(NULL));
    CHECK_ABSENT(resayil_error_param(NULL));
    CHECK_ABSENT(resayil_error_request_id(NULL));
    CHECK_ABSENT(resayil_error_provider(NULL));
    CHECK_ABSENT(resayil_error_model(NULL));
    CHECK_ABSENT(resayil_error_partial_text(NULL));
    CHECK_ABSENT(resayil_error_retry_after_source(NULL));
    CHECK_ABSENT(resayil_error_help_url(NULL));
    CHECK_ABSENT(resayil_error_user_message(NULL, NULL));
    CHECK(resayil_error_advice_count(NULL, NULL) == 0);
    CHECK_ABSENT(resayil_error_advice(NULL, NULL, 0));
    CHECK(resayil_error_field_count(NULL) == 0);
    CHECK_ABSENT(resayil_error_field_name(NULL, 0));
    CHECK(resayil_error_field_message_count(NULL, 0) == 0);
    CHECK_ABSENT(resayil_error_field_message(NULL, 0, 0));
    CHECK(resayil_error_attempts(NULL) == 0);
    CHECK(!resayil_error_is_exhausted(NULL));
    CHECK(!resayil_error_is_ambiguous(NULL));
    CHECK(!resayil_error_is_rejected(NULL));
    CHECK_ABSENT(resayil_error_request_state(NULL));
    CHECK(!resayil_error_is_safe_to_replay(NULL));
    CHECK_ABSENT(resayil_error_body(NULL));
    CHECK(resayil_error_header_count(NULL) == 0);
    CHECK_ABSENT(resayil_error_header(NULL, "date"));
    CHECK_ABSENT(resayil_error_header(error, NULL));
    CHECK(!resayil_error_header_at(NULL, 0, &name, &value) && name.data == NULL && value.data == NULL);
    CHECK(!resayil_error_header_at(error, 0, NULL, &value));
    CHECK(!resayil_error_header_at(error, 0, &name, NULL));
    CHECK(!resayil_error_retry_after(NULL, &seconds) && seconds == 0);
    CHECK(!resayil_error_retry_after(error, NULL));
    CHECK(!resayil_error_rate_limit_limit(NULL, &number) && number == 0);
    CHECK(!resayil_error_rate_limit_limit(error, NULL));
    CHECK(!resayil_error_rate_limit_remaining(NULL, &number));
    CHECK(!resayil_error_rate_limit_remaining(error, NULL));
    CHECK(!resayil_error_rate_limit_reset_after(NULL, &seconds));
    CHECK(!resayil_error_rate_limit_reset_after(error, NULL));
    {
        resayil_rate_limit limit;
        CHECK(resayil_error_get_rate_limit(NULL, NULL, &limit) == RESAYIL_STATUS_NULL_PARAMETER && !limit.has_limit);
        CHECK(resayil_error_get_rate_limit(error, NULL, NULL) == RESAYIL_STATUS_NULL_PARAMETER);
    }
    resayil_error_free(NULL);
}

static void test_kinds_and_texts(void) {
    uint32_t kind = 5;
    CHECK_NULL(resayil_kind_from_name(NULL, &kind));
    CHECK(kind == 0);
    CHECK_NULL(resayil_kind_from_name("server", NULL));
    CHECK(resayil_string_data(NULL) == NULL);
    CHECK(resayil_string_len(NULL) == 0);
    resayil_string_free(NULL);
}

static void test_policies(resayil_error *error) {
    resayil_policy *policy = NULL;
    resayil_policy_builder *builder = NULL;
    resayil_call *call = (resayil_call *)1;
    resayil_budget *budget = NULL;
    resayil_decision decision;
    double seconds;

    CHECK_NULL(resayil_policy_new(NULL, NULL));
    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK(resayil_policy_max_attempts(NULL) == 0);
    CHECK(!resayil_policy_deadline(NULL, &seconds) && seconds == 0);
    CHECK(!resayil_policy_deadline(policy, NULL));
    CHECK_NULL(resayil_policy_builder_new(NULL, NULL));
    CHECK_OK(resayil_policy_builder_new(NULL, &builder));
    CHECK_NULL(resayil_policy_builder_max_attempts(NULL, 1));
    CHECK_NULL(resayil_policy_builder_deadline(NULL, 1));
    CHECK_NULL(resayil_policy_builder_base_delay(NULL, 1));
    CHECK_NULL(resayil_policy_builder_factor(NULL, 1));
    CHECK_NULL(resayil_policy_builder_max_delay(NULL, 1));
    CHECK_NULL(resayil_policy_builder_max_hint(NULL, 1));
    CHECK_NULL(resayil_policy_builder_jitter(NULL, "full"));
    CHECK_NULL(resayil_policy_builder_max_quota_waits(NULL, 1));
    CHECK_NULL(resayil_policy_builder_patience(NULL, 1));
    CHECK_NULL(resayil_policy_builder_retry_ambiguous(NULL, true));
    CHECK_NULL(resayil_policy_builder_retry_kind(NULL, 0, true));
    resayil_policy_free(policy);
    CHECK_NULL(resayil_policy_builder_build(NULL, &policy, NULL));
    CHECK(policy == NULL);
    CHECK_NULL(resayil_policy_builder_build(builder, NULL, NULL));
    CHECK_NULL(resayil_policy_builder_jitter(builder, NULL));
    resayil_policy_builder_free(builder);
    resayil_policy_builder_free(NULL);

    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK_NULL(resayil_policy_start(NULL, 0, 0, &call));
    CHECK(call == NULL);
    CHECK_NULL(resayil_policy_start(policy, 0, 0, NULL));
    CHECK_OK(resayil_policy_start(policy, 0, 0, &call));
    CHECK_NULL(resayil_budget_new(0, 0, NULL, NULL));
    CHECK_OK(resayil_budget_new(0, 0, &budget, NULL));
    CHECK(resayil_budget_remaining(NULL) == 0);
    CHECK_NULL(resayil_call_set_budget(NULL, budget));
    CHECK_NULL(resayil_call_set_budget(call, NULL));
    CHECK_NULL(resayil_call_on_error(NULL, error, 0, &decision));
    CHECK_NULL(resayil_call_on_error(call, NULL, 0, &decision));
    CHECK(!decision.retry && decision.delay_seconds == 0 && decision.reason.data == NULL);
    CHECK_NULL(resayil_call_on_error(call, error, 0, NULL));
    CHECK_NULL(resayil_call_on_success(NULL));
    CHECK(resayil_call_failures(NULL) == 0);
    CHECK(!resayil_call_remaining(NULL, 0, &seconds));
    CHECK(!resayil_call_remaining(call, 0, NULL));
    resayil_budget_free(budget);
    resayil_budget_free(NULL);
    resayil_call_free(call);
    resayil_call_free(NULL);
    resayil_policy_free(policy);
    resayil_policy_free(NULL);
}

static void test_fallbacks(resayil_error *error) {
    resayil_fallback_builder *builder = NULL;
    resayil_fallback *fallback = (resayil_fallback *)1;
    resayil_fallback_call *targets = (resayil_fallback_call *)1;
    resayil_client_builder *client_builder = NULL;
    resayil_policy *policy = NULL;
    resayil_call *call = NULL;
    bool taken = true;
    size_t index = 5;

    CHECK_NULL(resayil_fallback_builder_new(NULL));
    CHECK_NULL(resayil_fallback_builder_target(NULL, "m", NULL, NULL));
    CHECK_NULL(resayil_fallback_builder_on(NULL, NULL, 0));
    CHECK_NULL(resayil_fallback_builder_overloaded_attempts(NULL, 1));
    CHECK_NULL(resayil_fallback_builder_max_wait(NULL, 1));
    CHECK_NULL(resayil_fallback_builder_build(NULL, &fallback, NULL));
    CHECK(fallback == NULL);
    CHECK_OK(resayil_fallback_builder_new(&builder));
    CHECK_OK(resayil_fallback_builder_on(builder, NULL, 0));
    CHECK_OK(resayil_fallback_builder_target(builder, "m", NULL, NULL));
    CHECK_NULL(resayil_fallback_builder_build(builder, NULL, NULL));
    CHECK_OK(resayil_fallback_builder_build(builder, &fallback, NULL));
    CHECK_NULL(resayil_fallback_builder_on(builder, NULL, 1));
    CHECK_NULL(resayil_fallback_start(NULL, &targets));
    CHECK(targets == NULL);
    CHECK_NULL(resayil_fallback_start(fallback, NULL));
    CHECK_OK(resayil_fallback_start(fallback, &targets));
    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK_OK(resayil_policy_start(policy, 0, 0, &call));
    CHECK_NULL(resayil_fallback_call_next(NULL, call, error, 0, &taken, &index));
    CHECK(!taken && index == 0);
    CHECK_NULL(resayil_fallback_call_next(targets, NULL, error, 0, &taken, &index));
    CHECK_NULL(resayil_fallback_call_next(targets, call, NULL, 0, &taken, &index));
    CHECK_NULL(resayil_fallback_call_next(targets, call, error, 0, NULL, &index));
    CHECK_NULL(resayil_fallback_call_next(targets, call, error, 0, &taken, NULL));
    CHECK_NULL(resayil_call_restart(NULL));
    CHECK_OK(resayil_client_builder_new(&client_builder));
    CHECK_NULL(resayil_client_builder_fallback(NULL, fallback));
    CHECK_NULL(resayil_client_builder_fallback(client_builder, NULL));
    CHECK(!resayil_completion_fallback(NULL, &index) && !resayil_completion_fallback(NULL, NULL));
    CHECK(!resayil_chat_stream_fallback(NULL, &index) && !resayil_chat_stream_fallback(NULL, NULL));
    CHECK(!resayil_response_fallback(NULL, &index) && !resayil_response_fallback(NULL, NULL));
    resayil_client_builder_free(client_builder);
    resayil_call_free(call);
    resayil_policy_free(policy);
    resayil_fallback_call_free(targets);
    resayil_fallback_call_free(NULL);
    resayil_fallback_free(fallback);
    resayil_fallback_free(NULL);
    resayil_fallback_builder_free(builder);
    resayil_fallback_builder_free(NULL);
}

static void test_streams(void) {
    resayil_stream *stream = NULL;
    resayil_string *text = NULL;
    resayil_error *error = NULL;
    uint32_t end;
    CHECK_NULL(resayil_stream_new(NULL, 0, NULL, NULL));
    CHECK_NULL(resayil_stream_new(NULL, 1, NULL, &stream));
    CHECK_OK(resayil_stream_new(NULL, 0, NULL, &stream));
    CHECK_NULL(resayil_stream_feed(NULL, NULL, 0, NULL, NULL));
    CHECK_NULL(resayil_stream_finish(NULL, 0, NULL, NULL, &end, &error));
    CHECK_NULL(resayil_stream_finish(stream, 0, NULL, NULL, NULL, &error));
    CHECK_OK(resayil_stream_finish(stream, 0, NULL, NULL, &end, NULL));
    CHECK(end == RESAYIL_STREAM_TRUNCATED);
    CHECK(!resayil_stream_is_finished(NULL));
    CHECK(!resayil_stream_has_delivered(NULL));
    CHECK_NULL(resayil_stream_partial_text(NULL, &text));
    CHECK_NULL(resayil_stream_partial_text(stream, NULL));
    CHECK_NULL(resayil_stream_finish_reason(NULL, &text));
    CHECK_NULL(resayil_stream_finish_reason(stream, NULL));
    resayil_stream_free(stream);
    resayil_stream_free(NULL);
}

static void test_quotas(void) {
    resayil_quota *quota = NULL;
    resayil_ticket *ticket = NULL;
    resayil_quota_state state;
    double wait;
    CHECK_NULL(resayil_quota_new(0, 60, 0, 0, NULL, NULL));
    CHECK_OK(resayil_quota_new(0, 60, 0, 0, &quota, NULL));
    CHECK_NULL(resayil_quota_get_state(NULL, 0, &state));
    CHECK_NULL(resayil_quota_get_state(quota, 0, NULL));
    CHECK_NULL(resayil_quota_enter(NULL, &ticket));
    CHECK_NULL(resayil_quota_enter(quota, NULL));
    CHECK_NULL(resayil_quota_enter_with(NULL, NULL, &ticket));
    CHECK_NULL(resayil_quota_enter_with(quota, NULL, NULL));
    CHECK_NULL(resayil_quota_new_shared("g", NULL, 0, 60, NULL, NULL));
    CHECK_NULL(resayil_budget_new_shared(1, 1, quota, NULL, NULL));
    CHECK_OK(resayil_quota_enter(quota, &ticket));
    CHECK_NULL(resayil_ticket_poll(NULL, 0, &wait));
    CHECK_NULL(resayil_ticket_poll(ticket, 0, NULL));
    CHECK_NULL(resayil_ticket_settle(NULL, 200, NULL, 0, NULL, 0, 0));
    CHECK_NULL(resayil_ticket_settle(ticket, 200, NULL, 1, NULL, 0, 0));
    resayil_ticket_free(ticket);
    resayil_ticket_free(NULL);
    resayil_quota_free(quota);
    resayil_quota_free(NULL);
}

int main(void) {
    resayil_error *error = NULL;
    CHECK_OK(resayil_error_new(RESAYIL_KIND_SERVER, NULL, 0, &error));
    RUN(test_errors(error));
    RUN(test_kinds_and_texts());
    RUN(test_policies(error));
    RUN(test_fallbacks(error));
    RUN(test_streams());
    RUN(test_quotas());
    resayil_error_free(error);
    return done();
}
