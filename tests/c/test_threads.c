/* What several threads may do at once, as the header says it of each type; see sandbox.h for what the driver
 * gives. Under ThreadSanitizer (`cargo xtask sanitize thread`) this shows what the library does about it. */
#include "sandbox.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 25 };

/* Of what a thread does, how much did not go as it has to: the macros of check.h are for one thread. */
typedef unsigned long (*work)(void *shared);

typedef struct {
    work work;
    void *shared;
} job;

static void *repeat(void *argument) {
    const job *todo = argument;
    unsigned long failed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        failed += todo->work(todo->shared);
    }
    return failed > 0 ? argument : NULL;
}

/* Does the same in all threads at once. */
static void race(work work, void *shared) {
    pthread_t threads[THREADS];
    job todo = {work, shared};
    for (int at = 0; at < THREADS; at++) {
        CHECK(pthread_create(&threads[at], NULL, repeat, &todo) == 0);
    }
    for (int at = 0; at < THREADS; at++) {
        void *failed = &todo;
        CHECK(pthread_join(threads[at], &failed) == 0);
        CHECK(failed == NULL);
    }
}

static const char *const BODY =
    "{\"error\":{\"message\":\"Rate limit exceeded\",\"code\":429,\"type\":\"requests\"},\"retry_after\":30}";

static resayil_error *refusal(void) {
    const resayil_header id = {"X-Request-Id", 12, "req-1", 5};
    resayil_error *error = NULL;
    CHECK_OK(resayil_classify(429, &id, 1, (const uint8_t *)BODY, strlen(BODY), "resayil", 1e9, &error));
    return error;
}

static unsigned long read_error(void *shared) {
    const resayil_error *error = shared;
    resayil_error *clone = NULL;
    resayil_string *json = NULL;
    double after = 0;
    unsigned long failed = resayil_error_summary(error).len == 0;
    failed += resayil_error_user_message(error, "ar").len == 0;
    failed += resayil_error_advice_count(error, NULL) == 0 || resayil_error_advice(error, "en", 0).len == 0;
    failed += resayil_error_header(error, "x-request-id").len != 5 || resayil_error_request_id(error).len != 5;
    failed += resayil_error_code(error).len == 0 || resayil_error_message(error).len == 0;
    failed += !resayil_error_retry_after(error, &after) || after != 30;
    failed += resayil_error_to_json(error, NULL, &json) != RESAYIL_STATUS_OK;
    failed += resayil_error_clone(error, &clone) != RESAYIL_STATUS_OK;
    resayil_string_free(json);
    resayil_error_free(clone);
    return failed;
}

static void test_an_error_is_read(void) {
    resayil_error *error = refusal();
    race(read_error, error);
    resayil_error_free(error);
}

typedef struct {
    const resayil_policy *policy;
    resayil_budget *budget;
    const resayil_error *error;
    const resayil_fallback *fallback;
    resayil_messages *messages;
} rules;

/* Each thread has calls of its own of what all share. */
static unsigned long decide(void *shared) {
    const rules *with = shared;
    resayil_call *call = NULL;
    resayil_fallback_call *targets = NULL;
    resayil_string *text = NULL;
    resayil_decision decision;
    size_t index;
    bool taken;
    unsigned long failed = resayil_policy_start(with->policy, 1, 7, &call) != RESAYIL_STATUS_OK;
    failed += resayil_call_set_budget(call, with->budget) != RESAYIL_STATUS_OK;
    failed += resayil_call_on_error(call, with->error, 1, &decision) != RESAYIL_STATUS_OK;
    failed += resayil_fallback_start(with->fallback, &targets) != RESAYIL_STATUS_OK;
    failed += resayil_fallback_call_next(targets, call, with->error, 1, &taken, &index) != RESAYIL_STATUS_OK;
    failed += resayil_call_on_success(call) != RESAYIL_STATUS_OK;
    failed += resayil_budget_remaining(with->budget) < 0 || resayil_policy_max_attempts(with->policy) == 0;
    failed += resayil_messages_user_message(with->messages, with->error, &text) != RESAYIL_STATUS_OK;
    resayil_string_free(text);
    resayil_fallback_call_free(targets);
    resayil_call_free(call);
    return failed;
}

static void test_rules_are_shared(void) {
    resayil_fallback_builder *builder = NULL;
    resayil_fallback *fallback = NULL;
    resayil_policy *policy = NULL;
    resayil_budget *budget = NULL;
    resayil_messages *messages = NULL;
    resayil_error *error = refusal();
    rules shared;
    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK_OK(resayil_budget_new(0.5, 3, &budget, NULL));
    CHECK_OK(resayil_messages_new("en", NULL, 0, &messages, NULL));
    CHECK_OK(resayil_fallback_builder_new(&builder));
    CHECK_OK(resayil_fallback_builder_target(builder, "mistral", NULL, NULL));
    CHECK_OK(resayil_fallback_builder_build(builder, &fallback, NULL));
    resayil_fallback_builder_free(builder);
    shared.policy = policy;
    shared.budget = budget;
    shared.error = error;
    shared.fallback = fallback;
    shared.messages = messages;
    race(decide, &shared);
    resayil_fallback_free(fallback);
    resayil_messages_free(messages);
    resayil_budget_free(budget);
    resayil_policy_free(policy);
    resayil_error_free(error);
}

static void wake_nobody(void *user) { (void)user; }

/* Each thread has a ticket of its own in one line. */
static unsigned long admit(void *shared) {
    resayil_quota *quota = shared;
    resayil_ticket *ticket = NULL, *leaver = NULL;
    resayil_quota_state state;
    double wait = -1;
    unsigned long failed = resayil_quota_enter(quota, &ticket) != RESAYIL_STATUS_OK;
    failed += resayil_quota_enter(quota, &leaver) != RESAYIL_STATUS_OK;
    failed += resayil_ticket_poll_with(ticket, 1, wake_nobody, NULL, &wait) != RESAYIL_STATUS_OK || wait != 0;
    failed += resayil_quota_get_state(quota, 1, &state) != RESAYIL_STATUS_OK;
    failed += resayil_ticket_settle(ticket, 200, NULL, 0, NULL, 1e9, 1) != RESAYIL_STATUS_OK;
    resayil_ticket_free(leaver);
    resayil_ticket_free(ticket);
    return failed;
}

static void test_a_quota_is_shared(void) {
    resayil_quota *quota = NULL;
    resayil_quota_state state;
    CHECK_OK(resayil_quota_new(1000, 60, 0, 0, &quota, NULL));
    race(admit, quota);
    CHECK_OK(resayil_quota_get_state(quota, 1, &state));
    CHECK(state.admitted == THREADS * ROUNDS && state.waiting == 0);
    resayil_quota_free(quota);
}

typedef struct {
    resayil_call *call;
    resayil_ticket *ticket;
    resayil_operation *operation;
    const resayil_error *error;
} handles;

static int is_busy_or(resayil_status expected, resayil_status status) {
    return status == expected || status == RESAYIL_STATUS_BUSY;
}

/* What is for one thread at a time says so to a second one, and is sound afterwards. */
static unsigned long intrude(void *shared) {
    const handles *at = shared;
    resayil_decision decision;
    resayil_step step;
    resayil_status status;
    double wait;
    unsigned long failed = !is_busy_or(RESAYIL_STATUS_OK, resayil_call_on_error(at->call, at->error, 1, &decision));
    failed += !is_busy_or(RESAYIL_STATUS_OK, resayil_ticket_poll(at->ticket, 1, &wait));
    /* Who was told to send has to say how it went before the next poll. */
    status = resayil_operation_poll(at->operation, 1, NULL, NULL, &step);
    failed += !is_busy_or(RESAYIL_STATUS_OK, status) && status != RESAYIL_STATUS_INVALID_STATE;
    return failed;
}

static void test_a_second_thread_is_told(void) {
    resayil_policy *policy = NULL;
    resayil_service *service = NULL;
    resayil_operation_options *options = NULL;
    resayil_quota *quota = NULL;
    resayil_error *error = refusal();
    handles shared = {NULL, NULL, NULL, NULL};
    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK_OK(resayil_policy_start(policy, 1, 7, &shared.call));
    CHECK_OK(resayil_quota_new(1000, 60, 0, 0, &quota, NULL));
    CHECK_OK(resayil_quota_enter(quota, &shared.ticket));
    CHECK_OK(resayil_service_new(&service));
    CHECK_OK(resayil_operation_options_new(policy, service, &options));
    CHECK_OK(resayil_operation_options_start(options, 1, 7, &shared.operation, NULL));
    shared.error = error;
    race(intrude, &shared);
    CHECK(resayil_call_failures(shared.call) > 0);
    resayil_operation_free(shared.operation);
    resayil_operation_options_free(options);
    resayil_service_free(service);
    resayil_ticket_free(shared.ticket);
    resayil_quota_free(quota);
    resayil_call_free(shared.call);
    resayil_policy_free(policy);
    resayil_error_free(error);
}

/* Each thread has an operation of its own of one service: its quota, budget and places. */
static unsigned long operate(void *shared) {
    static const char answer[] = "{\"choices\":[{\"message\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}";
    const resayil_operation_options *options = shared;
    resayil_operation *operation = NULL;
    resayil_step step;
    bool good = false;
    unsigned long failed = resayil_operation_options_start(options, 1, 7, &operation, NULL) != RESAYIL_STATUS_OK;
    failed += resayil_operation_poll(operation, 1, wake_nobody, NULL, &step) != RESAYIL_STATUS_OK;
    if (step.action == RESAYIL_STEP_SEND) {
        failed += resayil_operation_on_headers(operation, 200, NULL, 0, 1e9, 1) != RESAYIL_STATUS_OK;
        failed += resayil_operation_on_body(operation, (const uint8_t *)answer, sizeof answer - 1, 1e9, 1, &good) !=
                  RESAYIL_STATUS_OK;
        failed += !good || resayil_operation_on_success(operation, 1) != RESAYIL_STATUS_OK;
    }
    resayil_operation_free(operation);
    return failed;
}

static void test_a_service_is_shared(void) {
    resayil_policy *policy = NULL;
    resayil_service *service = NULL;
    resayil_operation_options *options = NULL;
    resayil_quota *quota = NULL;
    resayil_budget *budget = NULL;
    resayil_concurrency_limiter *places = NULL;
    resayil_concurrency_state state;
    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK_OK(resayil_quota_new(1000, 60, 0, 0, &quota, NULL));
    CHECK_OK(resayil_budget_new(0.5, 3, &budget, NULL));
    CHECK_OK(resayil_concurrency_limiter_new(2, true, &places, NULL));
    CHECK_OK(resayil_service_new(&service));
    CHECK_OK(resayil_service_quota(service, quota, 0));
    CHECK_OK(resayil_service_budget(service, budget));
    CHECK_OK(resayil_service_concurrency_limiter(service, places));
    CHECK_OK(resayil_operation_options_new(policy, service, &options));
    race(operate, options);
    CHECK_OK(resayil_concurrency_limiter_get_state(places, &state));
    CHECK(state.in_flight == 0 && state.waiting == 0);
    resayil_operation_options_free(options);
    resayil_service_free(service);
    resayil_concurrency_limiter_free(places);
    resayil_budget_free(budget);
    resayil_quota_free(quota);
    resayil_policy_free(policy);
}

static unsigned long read_headers(void *shared) {
    const resayil_headers *headers = shared;
    return resayil_headers_status(headers) != 429 || resayil_headers_get(headers, "retry-after").len != 2;
}

static void test_headers_are_read(void) {
    static const char text[] = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\n\r\n";
    resayil_headers *headers = NULL;
    CHECK_OK(resayil_headers_parse(text, sizeof text - 1, &headers));
    race(read_headers, headers);
    resayil_headers_free(headers);
}

static unsigned long read_completion(void *shared) {
    const resayil_completion *answer = shared;
    uint64_t prompt, completion, total;
    return resayil_completion_content(answer).len == 0 || resayil_completion_json(answer).len == 0 ||
           !resayil_completion_usage(answer, &prompt, &completion, &total);
}

static unsigned long call_once(void *shared) {
    const resayil_client *client = shared;
    resayil_completion *answer = NULL;
    resayil_metrics *metrics = NULL;
    resayil_stats stats;
    resayil_quota_state state;
    unsigned long failed =
        resayil_client_chat(client, HELLO, strlen(HELLO), NULL, &answer, NULL) != RESAYIL_STATUS_OK;
    failed += resayil_client_get_stats(client, &stats) != RESAYIL_STATUS_OK;
    failed += resayil_client_get_metrics(client, &metrics) != RESAYIL_STATUS_OK;
    failed += resayil_metrics_count(metrics) == 0;
    failed += !resayil_client_get_quota_state(client, &state) || resayil_client_budget_remaining(client) < 0;
    resayil_metrics_free(metrics);
    resayil_completion_free(answer);
    return failed;
}

static unsigned long stream_once(void *shared) {
    const resayil_client *client = shared;
    resayil_chat_stream *stream = NULL;
    resayil_str text, data;
    resayil_status status;
    unsigned long failed =
        resayil_client_chat_stream(client, HELLO, strlen(HELLO), NULL, &stream, NULL) != RESAYIL_STATUS_OK;
    do {
        status = resayil_chat_stream_next(stream, &text, &data, NULL);
        failed += status != RESAYIL_STATUS_OK;
    } while (status == RESAYIL_STATUS_OK && data.data != NULL);
    resayil_chat_stream_free(stream);
    return failed;
}

static unsigned long account(void *shared) {
    const resayil_client *client = shared;
    resayil_models *models = NULL;
    resayil_balance *balance = NULL;
    unsigned long failed = resayil_client_models(client, &models, NULL) != RESAYIL_STATUS_OK;
    failed += resayil_models_count(models) == 0 || resayil_models_id(models, 0).len == 0;
    failed += resayil_client_balance(client, &balance, NULL) != RESAYIL_STATUS_OK;
    failed += resayil_balance_tier(balance).len == 0;
    resayil_balance_free(balance);
    resayil_models_free(models);
    return failed;
}

static unsigned long cancel_once(void *shared) {
    resayil_cancel *cancel = shared;
    return resayil_cancel_cancel(cancel) != RESAYIL_STATUS_OK || !resayil_cancel_is_cancelled(cancel);
}

static void test_a_client_is_shared(void) {
    resayil_client_builder *builder = builder_new();
    resayil_client *client;
    resayil_completion *answer = NULL;
    resayil_cancel *cancel = NULL;
    CHECK_OK(resayil_client_builder_quota_window(builder, 1000, 60));
    CHECK_OK(resayil_client_builder_max_concurrency(builder, 3, false));
    client = build(builder);
    race(call_once, client);
    race(stream_once, client);
    race(account, client);
    CHECK_OK(resayil_client_chat(client, HELLO, strlen(HELLO), NULL, &answer, NULL));
    race(read_completion, answer);
    CHECK_OK(resayil_cancel_new(&cancel));
    race(cancel_once, cancel);
    resayil_cancel_free(cancel);
    resayil_completion_free(answer);
    resayil_client_free(client);
}

int main(void) {
    RUN(test_an_error_is_read());
    RUN(test_rules_are_shared());
    RUN(test_a_quota_is_shared());
    RUN(test_a_second_thread_is_told());
    RUN(test_a_service_is_shared());
    RUN(test_headers_are_read());
    RUN(test_a_client_is_shared());
    return done();
}
