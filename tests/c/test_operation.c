/* The whole course of a call as a state machine, in virtual time. */
#include "operation.h"

static void test_success(void) {
    resayil_operation *operation = plain(0);
    resayil_error *error = NULL;
    double seconds = 5;
    resayil_step step = poll_at(operation, 100);
    CHECK(step.action == RESAYIL_STEP_SEND && step.attempt == 1 && step.target == -1);
    CHECK(!step.has_ends_at && !step.needs_fresh_connection);
    CHECK_ABSENT(step.reason);
    CHECK(on_answer(operation, 200, ANSWER, 101) && !resayil_operation_is_over(operation));
    CHECK_OK(resayil_operation_on_success(operation, 101));
    CHECK(resayil_operation_is_over(operation) && resayil_operation_attempts(operation) == 1);
    CHECK(poll_at(operation, 101).action == RESAYIL_STEP_DONE);
    CHECK(poll_at(operation, 102).action == RESAYIL_STEP_DONE);
    CHECK_OK(resayil_operation_take_error(operation, &error));
    CHECK(error == NULL && !resayil_operation_deadline(operation, &seconds) && seconds == 0);
    resayil_operation_free(operation);
}

static void test_backoff_in_virtual_time(void) {
    resayil_operation *operation = plain(50);
    resayil_error *error = NULL;
    double seconds = 0;
    resayil_step step = poll_at(operation, 100);
    CHECK(step.action == RESAYIL_STEP_SEND && step.has_ends_at && step.ends_at_seconds == 150);
    CHECK(resayil_operation_deadline(operation, &seconds) && seconds == 150);
    CHECK(!on_answer(operation, 500, "broken", 101));
    step = poll_at(operation, 101);
    CHECK(step.action == RESAYIL_STEP_WAIT && step.has_until && step.until_seconds == 103);
    CHECK_TEXT(step.reason, "backoff");
    CHECK(poll_at(operation, 102.9).action == RESAYIL_STEP_WAIT);
    step = poll_at(operation, 103);
    CHECK(step.action == RESAYIL_STEP_SEND && step.attempt == 2);
    /* An error inside a success is one. */
    CHECK(!on_answer(operation, 200, "{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}", 104));
    step = poll_at(operation, 104);
    CHECK(step.action == RESAYIL_STEP_WAIT && step.until_seconds == 108);
    CHECK(poll_at(operation, 108).attempt == 3);
    /* A head that is told settles nothing of a failure; a body that breaks off is an error. */
    CHECK_OK(resayil_operation_on_headers(operation, 200, NULL, 0, UNIX, 109));
    CHECK_OK(resayil_error_new(RESAYIL_KIND_NETWORK, "cut", 3, &error));
    CHECK_OK(resayil_operation_on_error(operation, error, 109));
    resayil_error_free(error);
    error = failed(operation, 109);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_NETWORK && resayil_error_attempts(error) == 3);
    CHECK(resayil_error_is_exhausted(error));
    CHECK_TEXT(resayil_error_stop_reason(error), "max_attempts");
    resayil_error_free(error);
    resayil_operation_free(operation);
}

static void test_failures_without_an_answer(void) {
    resayil_service *service = service_of(NULL);
    resayil_operation_options *options = options_of(service, 30);
    resayil_operation *operation;
    resayil_error *error = NULL;
    resayil_step step;
    CHECK_OK(resayil_operation_options_attempt_timeout(options, 10));
    operation = start(options, 0);
    step = poll_at(operation, 0);
    CHECK(step.has_ends_at && step.ends_at_seconds == 10);
    /* A kept connection that was closed: again at once, on a new one, and not charged. */
    CHECK_OK(resayil_error_new(RESAYIL_KIND_NETWORK, NULL, 0, &error));
    CHECK_OK(resayil_operation_on_failure(operation, error, RESAYIL_REACHED_STALE_CONNECTION, 1));
    step = poll_at(operation, 1);
    CHECK(step.action == RESAYIL_STEP_SEND && step.needs_fresh_connection && step.attempt == 2);
    CHECK_OK(resayil_operation_on_failure(operation, error, RESAYIL_REACHED_NOTHING, 1));
    resayil_error_free(error);
    step = poll_at(operation, 1);
    CHECK(step.action == RESAYIL_STEP_WAIT && step.until_seconds == 3);
    CHECK(poll_at(operation, 3).action == RESAYIL_STEP_SEND);
    CHECK_OK(resayil_operation_timeout_error(operation, true, 13, &error));
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_TIMEOUT && resayil_error_is_ambiguous(error));
    CHECK_OK(resayil_operation_on_failure(operation, error, RESAYIL_REACHED_SERVER, 13));
    resayil_error_free(error);
    CHECK(poll_at(operation, 13).action == RESAYIL_STEP_WAIT);
    CHECK_OK(resayil_operation_timeout_error(operation, false, 30, &error));
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_DEADLINE);
    resayil_error_free(error);
    /* The wait passes the deadline. */
    error = failed(operation, 30);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_DEADLINE && resayil_error_is_ambiguous(error));
    resayil_error_free(error);
    resayil_operation_free(operation);
    resayil_operation_options_free(options);
    resayil_service_free(service);
}

static void test_cancel(void) {
    resayil_operation *operation;
    /* Before a request, while it is under way, after the head of its answer, while waiting. */
    for (int stage = 0; stage < 4; stage++) {
        resayil_error *error;
        operation = plain(0);
        if (stage > 0) CHECK(poll_at(operation, 100).action == RESAYIL_STEP_SEND);
        if (stage == 2) CHECK_OK(resayil_operation_on_headers(operation, 200, NULL, 0, UNIX, 101));
        if (stage == 3) CHECK(!on_answer(operation, 500, "", 101));
        CHECK_OK(resayil_operation_cancel(operation, 101));
        CHECK(resayil_operation_is_over(operation));
        error = failed(operation, 101);
        CHECK(resayil_error_kind(error) == RESAYIL_KIND_CANCELLED);
        CHECK(resayil_error_attempts(error) == (stage > 0 ? 1 : 0));
        CHECK(resayil_error_is_ambiguous(error) == (stage == 1 || stage == 2));
        CHECK_TEXT(resayil_error_stop_reason(error), "cancelled");
        resayil_error_free(error);
        resayil_operation_free(operation);
    }
    operation = plain(0);
    CHECK(poll_at(operation, 100).action == RESAYIL_STEP_SEND && on_answer(operation, 200, ANSWER, 101));
    CHECK_OK(resayil_operation_on_success(operation, 101));
    CHECK_OK(resayil_operation_cancel(operation, 102));
    CHECK(poll_at(operation, 102).action == RESAYIL_STEP_DONE);
    resayil_operation_free(operation);
}

static void test_give_up(void) {
    resayil_operation *operation = plain(0);
    resayil_error *own = NULL, *error = NULL;
    CHECK(poll_at(operation, 100).action == RESAYIL_STEP_SEND);
    CHECK_OK(resayil_operation_on_headers(operation, 200, NULL, 0, UNIX, 101));
    CHECK_OK(resayil_error_new(RESAYIL_KIND_SERVER, "not for the policy", 18, &own));
    CHECK_OK(resayil_operation_give_up(operation, own, 101));
    /* Without another poll, too. */
    CHECK_OK(resayil_operation_take_error(operation, &error));
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_SERVER);
    CHECK_TEXT(resayil_error_stop_reason(error), "not_retryable");
    CHECK(poll_at(operation, 101).action == RESAYIL_STEP_FAILED);
    resayil_error_free(error);
    resayil_error_free(own);
    resayil_operation_free(operation);
}

#define CHECK_STATE(call) CHECK((call) == RESAYIL_STATUS_INVALID_STATE)

static void test_misuse_is_told_at_once(void) {
    resayil_operation *operation = plain(0);
    resayil_error *error = NULL;
    resayil_step step;
    bool is_success = true;
    double nan = strtod("nan", NULL);
    CHECK_OK(resayil_error_new(RESAYIL_KIND_NETWORK, NULL, 0, &error));
    /* Nothing was sent. */
    CHECK_STATE(resayil_operation_on_headers(operation, 200, NULL, 0, UNIX, 100));
    CHECK_STATE(resayil_operation_on_body(operation, NULL, 0, UNIX, 100, &is_success));
    CHECK(!is_success);
    CHECK_STATE(resayil_operation_on_success(operation, 100));
    CHECK_STATE(resayil_operation_on_error(operation, error, 100));
    CHECK_STATE(resayil_operation_give_up(operation, error, 100));
    CHECK_STATE(resayil_operation_on_failure(operation, error, RESAYIL_REACHED_SERVER, 100));
    /* What cannot be read leaves the request as it is. */
    CHECK(poll_at(operation, 100).action == RESAYIL_STEP_SEND);
    CHECK(resayil_operation_on_headers(operation, 70000, NULL, 0, UNIX, 100) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_operation_on_headers(operation, 200, NULL, 0, UNIX, -1) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_operation_on_headers(operation, 200, NULL, 1, UNIX, 100) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK(resayil_operation_on_failure(operation, error, 9, 100) == RESAYIL_STATUS_UNKNOWN_NAME);
    CHECK(resayil_operation_poll(operation, nan, NULL, NULL, &step) == RESAYIL_STATUS_INVALID_ARGUMENT);
    /* The request was forgotten. */
    CHECK_STATE(resayil_operation_poll(operation, 100, NULL, NULL, &step));
    CHECK(step.action == RESAYIL_STEP_NONE && step.target == -1 && !resayil_operation_is_over(operation));
    CHECK_STATE(resayil_operation_on_success(operation, 100));
    CHECK_STATE(resayil_operation_on_error(operation, error, 100));
    CHECK_OK(resayil_operation_on_headers(operation, 200, NULL, 0, UNIX, 100));
    CHECK_STATE(resayil_operation_on_headers(operation, 200, NULL, 0, UNIX, 100));
    CHECK_STATE(resayil_operation_on_failure(operation, error, RESAYIL_REACHED_SERVER, 100));
    CHECK_STATE(resayil_operation_poll(operation, 100, NULL, NULL, &step));
    CHECK_OK(resayil_operation_on_success(operation, 100));
    CHECK_STATE(resayil_operation_on_success(operation, 100));
    CHECK(poll_at(operation, 100).action == RESAYIL_STEP_DONE);
    CHECK(strcmp(resayil_status_text(RESAYIL_STATUS_INVALID_STATE), resayil_status_text(99)) != 0);
    resayil_error_free(error);
    resayil_operation_free(operation);
}

static void check_key(resayil_operation *operation, const char *expected) {
    resayil_string *key = NULL;
    CHECK_OK(resayil_operation_idempotency_key(operation, &key));
    CHECK(strcmp(resayil_string_data(key), expected) == 0);
    resayil_string_free(key);
}

static void count(const resayil_event *event, void *user) {
    const char *action = resayil_event_action(event).data;
    if (strcmp(action, "retry") == 0) ++*(int *)user;
}

static void test_fallback_key_and_model(void) {
    resayil_service *service = service_of("openai"), *other = service_of("anthropic");
    const resayil_service *services[2] = {NULL, other};
    resayil_operation_options *options = options_of(service, 0);
    resayil_fallback_builder *builder = NULL;
    resayil_fallback *fallback = NULL;
    resayil_operation *operation;
    resayil_string *model = NULL;
    resayil_error *error = NULL;
    int retries = 0;

    CHECK_OK(resayil_fallback_builder_new(&builder));
    CHECK_OK(resayil_fallback_builder_target(builder, "second", NULL, NULL));
    CHECK_OK(resayil_fallback_builder_target(builder, "third", "https://b.example/v1", "key"));
    CHECK_OK(resayil_fallback_builder_build(builder, &fallback, NULL));
    CHECK_OK(resayil_operation_options_fallback(options, fallback, services, 2));
    CHECK_OK(resayil_operation_options_idempotency_key(options, "order-1"));
    CHECK_OK(resayil_operation_options_model(options, "first"));
    CHECK_OK(resayil_operation_options_observer(options, count, &retries));
    operation = start(options, 0);
    check_key(operation, "order-1");
    CHECK(poll_at(operation, 0).target == -1 && !on_answer(operation, 404, "", 0));
    check_key(operation, "order-1-1");
    CHECK(poll_at(operation, 0).target == 0 && !on_answer(operation, 404, "", 0));
    CHECK(poll_at(operation, 0).target == 1 && retries == 2);
    CHECK_OK(resayil_operation_model(operation, &model));
    CHECK(strcmp(resayil_string_data(model), "third") == 0);
    resayil_string_free(model);
    CHECK(!on_answer(operation, 404, "", 0));
    error = failed(operation, 0);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_NOT_FOUND && resayil_error_attempts(error) == 3);
    CHECK_TEXT(resayil_error_provider(error), "anthropic");
    CHECK_TEXT(resayil_error_model(error), "third");
    resayil_error_free(error);
    resayil_operation_free(operation);

    CHECK_OK(resayil_operation_options_idempotency_key(options, "a b"));
    CHECK(resayil_operation_options_start(options, 0, 1, &operation, &error) == RESAYIL_STATUS_ERROR);
    CHECK(operation == NULL && resayil_error_kind(error) == RESAYIL_KIND_CONFIGURATION);
    resayil_error_free(error);
    CHECK(resayil_operation_options_start(options, -1, 1, &operation, &error) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(error == NULL);
    resayil_operation_options_free(options);
    resayil_fallback_free(fallback);
    resayil_fallback_builder_free(builder);
    resayil_service_free(other);
    resayil_service_free(service);

    /* Without a key and a name there are none. */
    operation = plain(0);
    CHECK_OK(resayil_operation_idempotency_key(operation, &model));
    CHECK(model == NULL);
    CHECK_OK(resayil_operation_model(operation, &model));
    CHECK(model == NULL);
    resayil_operation_free(operation);
}

int main(void) {
    RUN(test_success());
    RUN(test_backoff_in_virtual_time());
    RUN(test_failures_without_an_answer());
    RUN(test_cancel());
    RUN(test_give_up());
    RUN(test_misuse_is_told_at_once());
    RUN(test_fallback_key_and_model());
    return done();
}
