/* What an operation waits for: the quota, a place among those in flight, the budget. */
#include "operation.h"

static void wake(void *user) { ++*(int *)user; }

static void test_quota(void) {
    const resayil_header date = {"Date", 4, "Thu, 01 Jan 1970 00:00:30 GMT", 29};
    resayil_service *service = service_of("resayil");
    resayil_quota *quota = NULL;
    resayil_operation_options *options;
    resayil_operation *first, *second;
    resayil_step step;
    bool is_success = true;
    int calls = 0;

    CHECK_OK(resayil_quota_new(0, 60, 30, 0, &quota, NULL));
    CHECK_OK(resayil_service_quota(service, quota, 0));
    options = options_of(service, 0);
    first = start(options, 0);
    second = start(options, 0);
    CHECK(poll_at(first, 0).action == RESAYIL_STEP_SEND);
    CHECK_OK(resayil_operation_on_headers(first, 429, &date, 1, 30, 0));
    CHECK_OK(resayil_operation_on_body(first, (const uint8_t *)REFUSED, strlen(REFUSED), 30, 0, &is_success));
    CHECK(!is_success);
    /* The refusal holds the others back, too, until the window ends. */
    CHECK_OK(resayil_operation_poll(second, 0, wake, &calls, &step));
    CHECK(step.action == RESAYIL_STEP_WAIT && step.has_until);
    CHECK(step.until_seconds > 29 && step.until_seconds < 32);
    CHECK_TEXT(step.reason, "quota");
    step = poll_at(first, 0);
    CHECK(step.action == RESAYIL_STEP_WAIT && step.until_seconds > 29);
    CHECK_TEXT(step.reason, "quota");
    /* Then one in each window, as was learned; who was refused kept its place in the line. */
    CHECK_OK(resayil_operation_poll(second, 62, wake, &calls, &step));
    CHECK(step.action == RESAYIL_STEP_WAIT);
    CHECK(poll_at(first, 62).action == RESAYIL_STEP_SEND && resayil_operation_attempts(first) == 2);
    CHECK(on_answer(first, 200, ANSWER, 62));
    CHECK_OK(resayil_operation_on_success(first, 62));
    step = poll_at(second, 62);
    CHECK(step.action == RESAYIL_STEP_WAIT && step.until_seconds == 90);
    CHECK(poll_at(second, 92).action == RESAYIL_STEP_SEND && on_answer(second, 200, ANSWER, 92));
    CHECK_OK(resayil_operation_on_success(second, 92));
    resayil_operation_free(first);
    resayil_operation_free(second);
    resayil_operation_options_free(options);

    /* What does not count does not wait. */
    options = options_of(service, 0);
    CHECK_OK(resayil_operation_options_metered(options, false));
    first = start(options, 0);
    CHECK(poll_at(first, 0).action == RESAYIL_STEP_SEND);
    resayil_operation_free(first);
    resayil_operation_options_free(options);
    resayil_service_free(service);
    resayil_quota_free(quota);
}

static void test_places_and_wakers(void) {
    resayil_service *service = service_of("openai");
    resayil_concurrency_limiter *limiter = NULL;
    resayil_concurrency_state state;
    resayil_operation_options *options;
    resayil_operation *first, *second;
    resayil_error *error = NULL;
    resayil_step step;
    int calls = 0;

    CHECK(resayil_concurrency_limiter_new(0, false, &limiter, &error) == RESAYIL_STATUS_ERROR);
    CHECK(limiter == NULL && strstr(resayil_error_message(error).data, "max_concurrency") != NULL);
    resayil_error_free(error);
    CHECK_OK(resayil_concurrency_limiter_new(1, false, &limiter, NULL));
    CHECK_OK(resayil_service_concurrency_limiter(service, limiter));
    options = options_of(service, 0);
    first = start(options, 0);
    second = start(options, 0);
    CHECK(poll_at(first, 0).action == RESAYIL_STEP_SEND);
    CHECK_OK(resayil_operation_poll(second, 0, wake, &calls, &step));
    CHECK(step.action == RESAYIL_STEP_WAIT && !step.has_until);
    CHECK_TEXT(step.reason, "concurrency");
    CHECK_OK(resayil_concurrency_limiter_get_state(limiter, &state));
    CHECK(state.limit == 1 && state.in_flight == 1 && state.waiting == 1);
    CHECK(on_answer(first, 200, ANSWER, 1) && calls == 0);
    CHECK_OK(resayil_operation_on_success(first, 1));
    CHECK(calls == 1);
    CHECK_OK(resayil_operation_poll(second, 1, wake, &calls, &step));
    CHECK(step.action == RESAYIL_STEP_SEND && calls == 1);
    /* One that is freed in the middle gives its place back, and is not called any more. */
    resayil_operation_free(first);
    first = start(options, 1);
    CHECK_OK(resayil_operation_poll(first, 1, wake, &calls, &step));
    CHECK(step.action == RESAYIL_STEP_WAIT);
    resayil_operation_free(first);
    resayil_operation_free(second);
    CHECK_OK(resayil_concurrency_limiter_get_state(limiter, &state));
    CHECK(state.in_flight == 0 && state.waiting == 0 && calls == 1);
    resayil_operation_options_free(options);
    resayil_service_free(service);
    resayil_concurrency_limiter_free(limiter);
}

static void test_budget(void) {
    resayil_service *service = service_of("openai");
    resayil_budget *budget = NULL;
    resayil_operation_options *options;
    resayil_operation *operation;
    resayil_error *error;
    CHECK_OK(resayil_budget_new(0, 0, &budget, NULL));
    CHECK_OK(resayil_service_budget(service, budget));
    options = options_of(service, 0);
    operation = start(options, 0);
    CHECK(poll_at(operation, 0).action == RESAYIL_STEP_SEND && !on_answer(operation, 500, "", 0));
    /* Without any reserve there is nothing to wait for. */
    error = failed(operation, 0);
    CHECK_TEXT(resayil_error_stop_reason(error), "budget");
    resayil_error_free(error);
    resayil_operation_free(operation);
    resayil_operation_options_free(options);
    resayil_budget_free(budget);
    resayil_service_free(service);
}

int main(void) {
    RUN(test_quota());
    RUN(test_places_and_wakers());
    RUN(test_budget());
    return done();
}
