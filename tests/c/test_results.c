/* Answers that came well and that the caller does not take; see sandbox.h for what the driver gives. */
#include "sandbox.h"

/* Empty, but charged for: no failure of the server's. */
static const char *EMPTY =
    "{\"fault\":\"status\",\"status\":200,\"body\":\"{\\\"choices\\\":[{\\\"message\\\":{\\\"content\\\":\\\"\\\"},"
    "\\\"finish_reason\\\":\\\"stop\\\"}],\\\"usage\\\":{\\\"completion_tokens\\\":1}}\"}";

typedef struct {
    unsigned asked;
    uint32_t attempts;
} seen;

static bool is_empty(const resayil_response *response, void *user) {
    seen *into = user;
    resayil_str content = resayil_response_content(response);
    into->asked++;
    into->attempts = resayil_response_attempts(response);
    CHECK(resayil_response_status(response) == 200 && content.data != NULL);
    return content.len == 0;
}

static bool never_good(const resayil_response *response, void *user) {
    (void)user;
    return resayil_response_body(response).len > 0;
}

static void test_an_empty_answer_is_retried(void) {
    resayil_client *client = quick_client(NULL);
    resayil_options *options = NULL;
    resayil_completion *answer = NULL;
    resayil_error *error = NULL;
    seen seen = {0, 0};

    CHECK_OK(resayil_options_new(&options));
    CHECK_OK(resayil_options_retry_if_result(options, is_empty, &seen));
    sandbox("_sandbox/faults", EMPTY);
    CHECK_OK(resayil_client_chat(client, HELLO, strlen(HELLO), options, &answer, NULL));
    CHECK_TEXT(resayil_completion_content(answer), "echo: Hello");
    CHECK(resayil_completion_attempts(answer) == 2 && seen.asked == 2 && seen.attempts == 2);
    resayil_completion_free(answer);

    CHECK_OK(resayil_options_retry_if_result(options, never_good, NULL));
    CHECK(resayil_client_chat(client, HELLO, strlen(HELLO), options, &answer, &error) == RESAYIL_STATUS_ERROR);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_PROTOCOL && resayil_error_is_rejected(error));
    CHECK(resayil_error_is_exhausted(error) && resayil_error_attempts(error) == 5);
    CHECK(resayil_error_status(error) == 200 && resayil_error_body(error).len > 0);
    CHECK(resayil_client_budget_remaining(client) == 10);
    resayil_error_free(error);
    resayil_options_free(options);
    resayil_client_free(client);
}

static void test_a_client_has_a_predicate_for_all_its_calls(void) {
    resayil_client_builder *builder = builder_new();
    resayil_client *client;
    resayil_response *response = NULL;
    seen seen = {0, 0};

    CHECK_OK(resayil_client_builder_retry_if_result(builder, is_empty, &seen));
    client = quick_client(builder);
    sandbox("_sandbox/faults", EMPTY);
    CHECK_OK(resayil_client_post(client, "chat/completions", (const uint8_t *)HELLO, strlen(HELLO), NULL, &response,
                                 NULL));
    CHECK_TEXT(resayil_response_content(response), "echo: Hello");
    CHECK(resayil_response_attempts(response) == 2 && seen.asked == 2);
    resayil_response_free(response);
    resayil_client_free(client);
}

/* A program with its own HTTP tells a call what it does not take. */
static void test_a_call_is_told_of_a_rejected_answer(void) {
    resayil_policy *policy = NULL;
    resayil_call *call = NULL;
    resayil_error *error = NULL;
    resayil_decision decision;

    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK_OK(resayil_policy_start(policy, 0, 1, &call));
    CHECK_OK(resayil_error_new(RESAYIL_KIND_PROTOCOL, "empty", 5, &error));
    CHECK_OK(resayil_error_set_retryable(error, false));
    CHECK_OK(resayil_call_on_error(call, error, 0, &decision));
    CHECK(!decision.retry);
    CHECK_OK(resayil_error_set_rejected(error, true));
    CHECK_OK(resayil_call_on_error(call, error, 0, &decision));
    CHECK(decision.retry && decision.delay_seconds > 0);
    resayil_error_free(error);
    resayil_call_free(call);
    resayil_policy_free(policy);
}

int main(void) {
    RUN(test_an_empty_answer_is_retried());
    RUN(test_a_client_has_a_predicate_for_all_its_calls());
    RUN(test_a_call_is_told_of_a_rejected_answer());
    return done();
}
