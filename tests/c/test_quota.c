/* The quota and its tickets. */
#include "check.h"

static double poll(resayil_ticket *ticket, double now) {
    double wait = -1;
    CHECK_OK(resayil_ticket_poll(ticket, now, &wait));
    return wait;
}

static void test_line(void) {
    resayil_quota *quota = NULL;
    resayil_ticket *first = NULL, *second = NULL, *third = NULL;
    resayil_error *error = NULL;
    resayil_quota_state state;

    /* Ten seconds before the minute ends, one request a minute. */
    CHECK_OK(resayil_quota_new(1, 60, 50, 1000, &quota, &error));
    CHECK(error == NULL);
    CHECK_OK(resayil_quota_enter(quota, &first));
    CHECK_OK(resayil_quota_enter(quota, &second));
    CHECK_OK(resayil_quota_enter(quota, &third));
    CHECK_OK(resayil_quota_get_state(quota, 1000, &state));
    CHECK(state.has_limit && state.limit == 1 && state.remaining == 1 && state.waiting == 3);
    CHECK(poll(first, 1000) == 0 && poll(first, 1001) == 0);
    CHECK(poll(second, 1000) == 10);
    CHECK(poll(third, 1000) == 70);
    /* Who leaves gives the place to the next one. */
    resayil_ticket_free(second);
    CHECK(poll(third, 1000) == 10);
    CHECK_OK(resayil_quota_get_state(quota, 1000, &state));
    CHECK(state.remaining == 0 && state.waiting == 1 && state.admitted == 1 && state.refused == 0);
    CHECK(state.has_reset && state.reset_after_seconds == 10);

    /* A ticket outlives the handle of its quota, and is settled once. */
    resayil_quota_free(quota);
    CHECK_OK(resayil_ticket_settle(first, 200, NULL, 0, NULL, 51, 1001));
    CHECK(resayil_ticket_settle(first, 200, NULL, 0, NULL, 51, 1001) == RESAYIL_STATUS_INVALID_ARGUMENT);
    {
        double wait = 5;
        CHECK(resayil_ticket_poll(first, 1001, &wait) == RESAYIL_STATUS_INVALID_ARGUMENT && wait == 0);
    }
    resayil_ticket_free(first);
    resayil_ticket_free(third);
}

static void test_refusal(void) {
    const char *body = "{\"error\":{\"message\":\"Rate limit exceeded\",\"code\":429},\"retry_after\":30}";
    const resayil_header date = {"Date", 4, "Thu, 01 Jan 1970 00:00:30 GMT", 29};
    resayil_quota *quota = NULL;
    resayil_ticket *ticket = NULL, *next = NULL;
    resayil_error *error = NULL;
    resayil_quota_state state;
    double wait;

    CHECK_OK(resayil_quota_new(0, 60, 30, 0, &quota, NULL));
    CHECK_OK(resayil_quota_enter(quota, &ticket));
    CHECK(poll(ticket, 0) == 0);
    CHECK_OK(resayil_classify(429, &date, 1, (const uint8_t *)body, strlen(body), "resayil", 30, &error));
    CHECK_OK(resayil_ticket_settle(ticket, 429, &date, 1, error, 30, 0));
    resayil_error_free(error);
    resayil_ticket_free(ticket);
    CHECK_OK(resayil_quota_enter(quota, &next));
    wait = poll(next, 0);
    CHECK(wait > 29 && wait < 32);
    CHECK_OK(resayil_quota_get_state(quota, 0, &state));
    CHECK(state.refused == 1 && state.remaining == 0);
    CHECK(poll(next, wait) == 0);
    resayil_ticket_free(next);
    resayil_quota_free(quota);
}

static void test_refused_arguments(void) {
    double nan = strtod("nan", NULL), wait;
    resayil_quota *quota = (resayil_quota *)1;
    resayil_ticket *ticket = NULL;
    resayil_error *error = NULL;
    resayil_quota_state state;
    CHECK(resayil_quota_new(1, -1, 0, 0, &quota, &error) == RESAYIL_STATUS_ERROR && quota == NULL);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_CONFIGURATION);
    resayil_error_free(error);
    CHECK(resayil_quota_new(1, nan, 0, 0, &quota, NULL) == RESAYIL_STATUS_ERROR);
    CHECK(resayil_quota_new(1, 60, nan, 0, &quota, NULL) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_quota_new(1, 60, 0, -1, &quota, NULL) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK_OK(resayil_quota_new(1, 0, 0, 0, &quota, NULL));
    CHECK(resayil_quota_get_state(quota, nan, &state) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(state.admitted == 0 && !state.has_limit);
    CHECK_OK(resayil_quota_enter(quota, &ticket));
    CHECK(resayil_ticket_poll(ticket, nan, &wait) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_ticket_settle(ticket, 70000, NULL, 0, NULL, 0, 0) == RESAYIL_STATUS_INVALID_ARGUMENT);
    /* What was refused has not settled it. */
    CHECK(poll(ticket, 0) == 0);
    resayil_ticket_free(ticket);
    resayil_quota_free(quota);
}

static void wake(void *user) { ++*(int *)user; }

static void test_wakers(void) {
    resayil_quota *quota = NULL;
    resayil_ticket *first = NULL, *second = NULL, *third = NULL;
    double wait = -1, at = -1;
    int calls = 0, others = 0;

    /* One request a minute, and the minute has just begun. */
    CHECK_OK(resayil_quota_new(1, 60, 0, 0, &quota, NULL));
    CHECK_OK(resayil_quota_enter(quota, &first));
    CHECK_OK(resayil_quota_enter(quota, &second));
    CHECK_OK(resayil_quota_enter(quota, &third));
    CHECK(!resayil_ticket_poll_at(second, &at) && at == 0);
    CHECK_OK(resayil_ticket_poll_with(first, 0, wake, &others, &wait));
    CHECK(wait == 0 && !resayil_ticket_poll_at(first, &at));
    CHECK(poll(second, 0) == 60);
    CHECK_OK(resayil_ticket_poll_with(third, 0, wake, &others, &wait));
    CHECK_OK(resayil_ticket_poll_with(third, 0, wake, &calls, &wait));
    CHECK(wait == 120 && resayil_ticket_poll_at(third, &at) && at >= 60);
    /* Somebody in front leaves: the turn comes earlier. */
    resayil_ticket_free(second);
    CHECK(calls == 1 && others == 0);
    CHECK_OK(resayil_ticket_poll_with(third, 0, wake, &calls, &wait));
    CHECK(wait == 60 && resayil_ticket_poll_at(third, &at) && at == 60);
    CHECK_OK(resayil_ticket_poll_with(third, 60, NULL, NULL, &wait));
    CHECK(wait == 0 && calls == 1);
    resayil_ticket_free(first);
    resayil_ticket_free(third);
    resayil_quota_free(quota);
}

/* By priority and by tenant: the same options as for a call of the client. */
static void test_order(void) {
    resayil_quota *quota = NULL;
    resayil_options *low = NULL, *high = NULL;
    resayil_ticket *first = NULL, *patient = NULL, *urgent = NULL;

    CHECK_OK(resayil_options_new(&low));
    CHECK(resayil_options_priority(low, "lowest") == RESAYIL_STATUS_UNKNOWN_NAME);
    CHECK(resayil_options_tenant(low, "acme", 0) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_options_tenant(low, "acme", 1001) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK_OK(resayil_options_priority(low, "low"));
    CHECK_OK(resayil_options_tenant(low, "acme", 3));
    CHECK_OK(resayil_options_cost(low, 100, -1));
    CHECK_OK(resayil_options_new(&high));
    CHECK_OK(resayil_options_priority(high, "high"));
    CHECK_OK(resayil_quota_new(1, 60, 0, 0, &quota, NULL));
    CHECK_OK(resayil_quota_enter_with(quota, NULL, &first));
    CHECK(poll(first, 0) == 0);
    CHECK_OK(resayil_quota_enter_with(quota, low, &patient));
    CHECK(poll(patient, 0) == 60);
    CHECK_OK(resayil_quota_enter_with(quota, high, &urgent));
    CHECK(poll(urgent, 0) == 60 && poll(patient, 0) == 120);
    resayil_ticket_free(first);
    resayil_ticket_free(patient);
    resayil_ticket_free(urgent);
    resayil_options_free(low);
    resayil_options_free(high);
    resayil_quota_free(quota);
}

/* Two handles that name one group stand for two processes. */
static void test_group_of_a_host(void) {
    char folder[80], command[96];
    resayil_quota *one = NULL, *other = NULL;
    resayil_budget *budget = NULL;
    resayil_ticket *ticket = NULL;
    resayil_error *error = NULL;
    resayil_quota_state state;
    double now = resayil_monotonic_seconds();

    sprintf(folder, "/tmp/resayil-quota-%.0f", now * 1e6);
    CHECK(resayil_quota_new_shared("", folder, 9, 60, &one, &error) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_quota_new_shared("group", folder, 9, -1, &one, &error) == RESAYIL_STATUS_ERROR);
    resayil_error_free(error);
    CHECK_OK(resayil_quota_new_shared("group", folder, 9, 60, &one, NULL));
    CHECK_OK(resayil_quota_new_shared("group", folder, 9, 60, &other, NULL));
    CHECK_OK(resayil_quota_enter(one, &ticket));
    CHECK(poll(ticket, now) == 0);
    CHECK_OK(resayil_quota_get_state(other, now, &state));
    CHECK(state.has_limit && state.limit == 9);
#ifdef __linux__
    CHECK(state.remaining == 8);
#endif
    CHECK(resayil_budget_new_shared(11, 1, one, &budget, &error) == RESAYIL_STATUS_ERROR && budget == NULL);
    resayil_error_free(error);
    CHECK_OK(resayil_budget_new_shared(RESAYIL_BUDGET_RATIO, RESAYIL_BUDGET_RESERVE, one, &budget, NULL));
    CHECK(resayil_budget_remaining(budget) == RESAYIL_BUDGET_RESERVE);
    resayil_budget_free(budget);
    resayil_ticket_free(ticket);
    resayil_quota_free(one);
    resayil_quota_free(other);
    sprintf(command, "rm -r %s", folder);
    CHECK(system(command) == 0);
}

int main(void) {
    RUN(test_order());
    RUN(test_group_of_a_host());
    RUN(test_wakers());
    RUN(test_line());
    RUN(test_refusal());
    RUN(test_refused_arguments());
    return done();
}
