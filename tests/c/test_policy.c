/* Policies, calls and budgets. */
#include "check.h"

static resayil_error *error_of(uint32_t kind, double retry_after) {
    resayil_error *error = NULL;
    CHECK_OK(resayil_error_new(kind, "m", 1, &error));
    if (retry_after > 0) {
        CHECK_OK(resayil_error_set_retry_after(error, retry_after));
    }
    return error;
}

static resayil_decision tell(resayil_call *call, uint32_t kind, double retry_after, double now) {
    resayil_error *error = error_of(kind, retry_after);
    resayil_decision decision;
    CHECK_OK(resayil_call_on_error(call, error, now, &decision));
    resayil_error_free(error);
    return decision;
}

static void test_presets(void) {
    resayil_policy *policy = NULL;
    double seconds = 1;
    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK(resayil_policy_max_attempts(policy) == 5);
    CHECK(!resayil_policy_deadline(policy, &seconds) && seconds == 0);
    resayil_policy_free(policy);
    CHECK_OK(resayil_policy_new("aggressive", &policy));
    CHECK(resayil_policy_max_attempts(policy) == 3);
    resayil_policy_free(policy);
    CHECK_OK(resayil_policy_new("patient", &policy));
    CHECK(resayil_policy_max_attempts(policy) == 10);
    resayil_policy_free(policy);
    CHECK_OK(resayil_policy_new("none", &policy));
    CHECK(resayil_policy_max_attempts(policy) == 1);
    resayil_policy_free(policy);
    CHECK_OK(resayil_policy_new("openai", &policy));
    CHECK(resayil_policy_max_attempts(policy) == 3);
    resayil_policy_free(policy);
    CHECK(resayil_policy_new("desperate", &policy) == RESAYIL_STATUS_UNKNOWN_NAME && policy == NULL);
}

static void test_builder(void) {
    resayil_policy_builder *builder = NULL;
    resayil_policy *policy = NULL, *copy = NULL;
    resayil_error *error = NULL;
    resayil_call *call = NULL;
    resayil_decision decision;
    double seconds = 0;

    CHECK_OK(resayil_policy_builder_new(NULL, &builder));
    CHECK_OK(resayil_policy_builder_max_attempts(builder, 3));
    CHECK_OK(resayil_policy_builder_deadline(builder, 100));
    CHECK_OK(resayil_policy_builder_base_delay(builder, 2));
    CHECK_OK(resayil_policy_builder_factor(builder, 3));
    CHECK_OK(resayil_policy_builder_max_delay(builder, 5));
    CHECK_OK(resayil_policy_builder_max_hint(builder, 30));
    CHECK_OK(resayil_policy_builder_jitter(builder, "none"));
    CHECK_OK(resayil_policy_builder_max_quota_waits(builder, 1));
    CHECK_OK(resayil_policy_builder_patience(builder, 3));
    CHECK_OK(resayil_policy_builder_retry_ambiguous(builder, false));
    CHECK_OK(resayil_policy_builder_retry_kind(builder, RESAYIL_KIND_NOT_FOUND, true));
    CHECK_OK(resayil_policy_builder_build(builder, &policy, &error));
    CHECK(error == NULL);
    resayil_policy_builder_free(builder);

    /* Every option survives a second builder. */
    CHECK_OK(resayil_policy_builder_new(policy, &builder));
    CHECK_OK(resayil_policy_builder_build(builder, &copy, NULL));
    resayil_policy_builder_free(builder);
    resayil_policy_free(policy);
    CHECK(resayil_policy_max_attempts(copy) == 3);
    CHECK(resayil_policy_deadline(copy, &seconds) && seconds == 100);

    CHECK_OK(resayil_policy_start(copy, 1000, 7, &call));
    decision = tell(call, RESAYIL_KIND_NOT_FOUND, 0, 1000);
    CHECK(decision.retry && decision.delay_seconds == 2);
    CHECK_TEXT(decision.reason, "backoff");
    decision = tell(call, RESAYIL_KIND_SERVER, 0, 1002);
    CHECK(decision.retry && decision.delay_seconds == 5);
    CHECK(resayil_call_failures(call) == 2);
    CHECK(resayil_call_remaining(call, 1040, &seconds) && seconds == 60);
    CHECK(!resayil_call_remaining(call, -1, &seconds) && seconds == 0);
    decision = tell(call, RESAYIL_KIND_SERVER, 0, 1010);
    CHECK(!decision.retry && decision.delay_seconds == 0);
    CHECK_TEXT(decision.reason, "max_attempts");
    resayil_call_free(call);
    resayil_policy_free(copy);
}

/* Builds a policy with one bad option, and checks that the error names it. */
static void check_refused(resayil_policy_builder *builder, const char *option) {
    resayil_policy *policy = (resayil_policy *)1;
    resayil_error *error = NULL;
    CHECK(resayil_policy_builder_build(builder, &policy, &error) == RESAYIL_STATUS_ERROR);
    CHECK(policy == NULL);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_CONFIGURATION);
    CHECK(strstr(resayil_error_message(error).data, option) != NULL);
    resayil_error_free(error);
    CHECK(resayil_policy_builder_build(builder, &policy, NULL) == RESAYIL_STATUS_ERROR);
    resayil_policy_builder_free(builder);
}

static resayil_policy_builder *builder_new(void) {
    resayil_policy_builder *builder = NULL;
    CHECK_OK(resayil_policy_builder_new(NULL, &builder));
    return builder;
}

static void test_ranges(void) {
    double nan = strtod("nan", NULL), inf = strtod("inf", NULL);
    resayil_policy_builder *b = builder_new();
    CHECK_OK(resayil_policy_builder_max_attempts(b, 0));
    check_refused(b, "max_attempts");
    b = builder_new();
    CHECK_OK(resayil_policy_builder_max_attempts(b, UINT32_MAX));
    check_refused(b, "max_attempts");
    b = builder_new();
    CHECK(resayil_policy_builder_deadline(b, -1) == RESAYIL_STATUS_INVALID_ARGUMENT);
    check_refused(b, "deadline");
    b = builder_new();
    CHECK(resayil_policy_builder_base_delay(b, nan) == RESAYIL_STATUS_INVALID_ARGUMENT);
    check_refused(b, "base_delay");
    b = builder_new();
    CHECK_OK(resayil_policy_builder_base_delay(b, 61));
    check_refused(b, "max_delay");
    b = builder_new();
    CHECK_OK(resayil_policy_builder_factor(b, nan));
    check_refused(b, "factor");
    b = builder_new();
    CHECK(resayil_policy_builder_max_delay(b, inf) == RESAYIL_STATUS_INVALID_ARGUMENT);
    check_refused(b, "max_delay");
    b = builder_new();
    CHECK(resayil_policy_builder_max_hint(b, 1e300) == RESAYIL_STATUS_INVALID_ARGUMENT);
    check_refused(b, "max_hint");
    b = builder_new();
    CHECK(resayil_policy_builder_jitter(b, "some") == RESAYIL_STATUS_UNKNOWN_NAME);
    check_refused(b, "jitter");
    b = builder_new();
    CHECK_OK(resayil_policy_builder_max_quota_waits(b, 1001));
    check_refused(b, "max_quota_waits");
    b = builder_new();
    CHECK_OK(resayil_policy_builder_patience(b, 31536001));
    check_refused(b, "patience");
    b = builder_new();
    CHECK(resayil_policy_builder_retry_kind(b, 12345, true) == RESAYIL_STATUS_UNKNOWN_NAME);
    check_refused(b, "retry_kind");
}

static void test_decisions(void) {
    resayil_policy *policy = NULL;
    resayil_call *call = NULL, *same = NULL;
    resayil_decision decision, again;
    resayil_error *error;

    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK_OK(resayil_policy_start(policy, 0, 1, &call));
    CHECK_OK(resayil_policy_start(policy, 0, 1, &same));
    /* A hint is a floor: jitter is added upward. */
    decision = tell(call, RESAYIL_KIND_RATE_LIMIT, 45, 0);
    CHECK(decision.retry && decision.delay_seconds >= 45 && decision.delay_seconds <= 46);
    CHECK_TEXT(decision.reason, "quota_window");
    /* The same seed gives the same delay. */
    again = tell(same, RESAYIL_KIND_RATE_LIMIT, 45, 0);
    CHECK(again.delay_seconds == decision.delay_seconds);
    /* A hint beyond the ceiling stops at once. */
    decision = tell(call, RESAYIL_KIND_RATE_LIMIT, 121, 50);
    CHECK(!decision.retry);
    CHECK_TEXT(decision.reason, "max_hint");
    decision = tell(call, RESAYIL_KIND_AUTHENTICATION, 0, 50);
    CHECK_TEXT(decision.reason, "not_retryable");
    /* A time that is none. */
    error = error_of(RESAYIL_KIND_SERVER, 0);
    CHECK(resayil_call_on_error(call, error, strtod("nan", NULL), &decision) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(!decision.retry && decision.reason.data == NULL);
    resayil_error_free(error);
    resayil_call_free(same);
    CHECK(resayil_policy_start(policy, -1, 1, &same) == RESAYIL_STATUS_INVALID_ARGUMENT && same == NULL);
    resayil_policy_free(policy);
    /* A call outlives its policy. */
    CHECK_OK(resayil_call_on_success(call));
    resayil_call_free(call);
}

static void test_budget(void) {
    resayil_budget *budget = NULL, *none = NULL;
    resayil_policy *policy = NULL;
    resayil_call *first = NULL, *second = NULL;
    resayil_error *error = NULL;
    resayil_decision decision;

    CHECK_OK(resayil_budget_new(RESAYIL_BUDGET_RATIO, 1, &budget, &error));
    CHECK(error == NULL && resayil_budget_remaining(budget) == 1);
    CHECK_OK(resayil_policy_new("default", &policy));
    CHECK_OK(resayil_policy_start(policy, 0, 1, &first));
    CHECK_OK(resayil_policy_start(policy, 0, 2, &second));
    CHECK_OK(resayil_call_set_budget(first, budget));
    CHECK_OK(resayil_call_set_budget(second, budget));
    decision = tell(first, RESAYIL_KIND_SERVER, 0, 0);
    CHECK(decision.retry && resayil_budget_remaining(budget) == 0);
    decision = tell(second, RESAYIL_KIND_SERVER, 0, 0);
    /* Not now: one after the other may try whether the service is back. */
    CHECK(decision.retry && decision.delay_seconds == 5);
    CHECK_TEXT(decision.reason, "budget");
    CHECK_OK(resayil_call_on_success(first));
    CHECK(resayil_budget_remaining(budget) == 1);
    resayil_budget_free(budget);
    resayil_call_free(first);
    resayil_call_free(second);
    resayil_policy_free(policy);

    CHECK(resayil_budget_new(-1, 1, &none, &error) == RESAYIL_STATUS_ERROR && none == NULL);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_CONFIGURATION);
    CHECK(strstr(resayil_error_message(error).data, "ratio") != NULL);
    resayil_error_free(error);
    CHECK(resayil_budget_new(0, strtod("nan", NULL), &none, &error) == RESAYIL_STATUS_ERROR);
    CHECK(strstr(resayil_error_message(error).data, "reserve") != NULL);
    resayil_error_free(error);
}

int main(void) {
    RUN(test_presets());
    RUN(test_builder());
    RUN(test_ranges());
    RUN(test_decisions());
    RUN(test_budget());
    return done();
}
