/* NULL for every pointer of the functions of operations and header blocks. */
#include "check.h"

#define CHECK_NULL(call) CHECK((call) == RESAYIL_STATUS_NULL_PARAMETER)

static void test_operations(resayil_error *error) {
    resayil_error *out = NULL;
    resayil_policy *policy = NULL;
    resayil_service *service = NULL;
    resayil_concurrency_limiter *limiter = NULL;
    resayil_concurrency_state state;
    resayil_operation_options *options = NULL;
    resayil_operation *operation = (resayil_operation *)1;
    resayil_string *text = NULL;
    resayil_step step;
    bool good = true;
    double seconds = 5;

    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK_NULL(resayil_concurrency_limiter_new(1, false, NULL, NULL));
    CHECK_OK(resayil_concurrency_limiter_new(1, true, &limiter, NULL));
    CHECK_NULL(resayil_concurrency_limiter_get_state(NULL, &state));
    CHECK(state.limit == 0);
    CHECK_NULL(resayil_concurrency_limiter_get_state(limiter, NULL));
    CHECK_NULL(resayil_service_new(NULL));
    CHECK_OK(resayil_service_new(&service));
    CHECK_NULL(resayil_service_provider(NULL, "openai"));
    CHECK_OK(resayil_service_provider(service, NULL));
    CHECK_NULL(resayil_service_budget(NULL, NULL));
    CHECK_NULL(resayil_service_budget(service, NULL));
    CHECK_NULL(resayil_service_quota(service, NULL, 0));
    CHECK_NULL(resayil_service_concurrency_limiter(NULL, limiter));
    CHECK_NULL(resayil_service_concurrency_limiter(service, NULL));
    CHECK_NULL(resayil_operation_options_new(NULL, service, &options));
    CHECK_NULL(resayil_operation_options_new(policy, NULL, &options));
    CHECK_NULL(resayil_operation_options_new(policy, service, NULL));
    CHECK_OK(resayil_operation_options_new(policy, service, &options));
    CHECK_NULL(resayil_operation_options_fallback(options, NULL, NULL, 0));
    CHECK_NULL(resayil_operation_options_metered(NULL, true));
    CHECK_NULL(resayil_operation_options_idempotency_key(NULL, "k"));
    CHECK_NULL(resayil_operation_options_idempotency_key(options, NULL));
    CHECK_NULL(resayil_operation_options_priority(NULL, "low"));
    CHECK_NULL(resayil_operation_options_priority(options, NULL));
    CHECK_NULL(resayil_operation_options_tenant(NULL, "t", 1));
    CHECK_NULL(resayil_operation_options_tenant(options, NULL, 1));
    CHECK_NULL(resayil_operation_options_cost(NULL, 1, 1));
    CHECK_NULL(resayil_operation_options_model(NULL, "m"));
    CHECK_NULL(resayil_operation_options_model(options, NULL));
    CHECK_NULL(resayil_operation_options_attempt_timeout(NULL, 1));
    CHECK_NULL(resayil_operation_options_observer(NULL, NULL, NULL));
    CHECK_OK(resayil_operation_options_observer(options, NULL, NULL));
    CHECK_NULL(resayil_operation_options_start(NULL, 0, 0, &operation, NULL));
    CHECK(operation == NULL);
    CHECK_NULL(resayil_operation_options_start(options, 0, 0, NULL, NULL));
    CHECK_OK(resayil_operation_options_start(options, 0, 0, &operation, NULL));

    CHECK_NULL(resayil_operation_poll(NULL, 0, NULL, NULL, &step));
    CHECK(step.action == RESAYIL_STEP_NONE);
    CHECK_NULL(resayil_operation_poll(operation, 0, NULL, NULL, NULL));
    CHECK_NULL(resayil_operation_on_headers(NULL, 200, NULL, 0, 0, 0));
    CHECK_NULL(resayil_operation_on_body(NULL, NULL, 0, 0, 0, &good));
    CHECK(!good);
    CHECK_NULL(resayil_operation_on_body(operation, NULL, 0, 0, 0, NULL));
    CHECK_NULL(resayil_operation_on_body(operation, NULL, 1, 0, 0, &good));
    CHECK_NULL(resayil_operation_on_success(NULL, 0));
    CHECK_NULL(resayil_operation_on_error(NULL, error, 0));
    CHECK_NULL(resayil_operation_on_error(operation, NULL, 0));
    CHECK_NULL(resayil_operation_on_failure(NULL, error, 0, 0));
    CHECK_NULL(resayil_operation_on_failure(operation, NULL, 0, 0));
    CHECK_NULL(resayil_operation_give_up(NULL, error, 0));
    CHECK_NULL(resayil_operation_give_up(operation, NULL, 0));
    CHECK_NULL(resayil_operation_cancel(NULL, 0));
    CHECK_NULL(resayil_operation_take_error(NULL, &out));
    CHECK_NULL(resayil_operation_take_error(operation, NULL));
    CHECK_NULL(resayil_operation_idempotency_key(NULL, &text));
    CHECK_NULL(resayil_operation_idempotency_key(operation, NULL));
    CHECK_NULL(resayil_operation_model(NULL, &text));
    CHECK_NULL(resayil_operation_model(operation, NULL));
    CHECK(resayil_operation_attempts(NULL) == 0 && !resayil_operation_is_over(NULL));
    CHECK(!resayil_operation_deadline(NULL, &seconds) && seconds == 0);
    CHECK(!resayil_operation_deadline(operation, NULL));
    CHECK_NULL(resayil_operation_timeout_error(NULL, false, 0, &out));
    CHECK_NULL(resayil_operation_timeout_error(operation, false, 0, NULL));
    resayil_operation_free(operation);
    resayil_operation_free(NULL);
    resayil_operation_options_free(options);
    resayil_operation_options_free(NULL);
    resayil_service_free(service);
    resayil_service_free(NULL);
    resayil_concurrency_limiter_free(limiter);
    resayil_concurrency_limiter_free(NULL);
    resayil_policy_free(policy);
}

static void test_tickets_and_headers(void) {
    resayil_headers *headers = NULL;
    double seconds = 5;

    CHECK_NULL(resayil_ticket_poll_with(NULL, 0, NULL, NULL, &seconds));
    CHECK(!resayil_ticket_poll_at(NULL, &seconds));
    CHECK_NULL(resayil_headers_parse("", 0, NULL));
    CHECK_OK(resayil_headers_parse(NULL, 0, &headers));
    CHECK(resayil_headers_status(NULL) == 0 && resayil_headers_count(NULL) == 0);
    CHECK(resayil_headers_data(NULL) == NULL && resayil_headers_get(NULL, "date").data == NULL);
    CHECK(resayil_headers_get(headers, NULL).data == NULL);
    resayil_headers_free(headers);
    resayil_headers_free(NULL);
}

int main(void) {
    resayil_error *error = NULL;
    CHECK_OK(resayil_error_new(RESAYIL_KIND_SERVER, NULL, 0, &error));
    RUN(test_operations(error));
    RUN(test_tickets_and_headers());
    resayil_error_free(error);
    return done();
}
