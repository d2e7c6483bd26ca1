/* What a client tells and counts, against a sandbox; see tests/c/test_client.c for its environment. */
#include "check.h"

static const char *HELLO =
    "{\"model\":\"mistral\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";

static resayil_client *build(resayil_client_builder *builder) {
    resayil_client *client = NULL;
    CHECK_OK(resayil_client_builder_build(builder, &client, NULL));
    resayil_client_builder_free(builder);
    return client;
}

/* Changes the sandbox through its control plane. */
static void sandbox(const char *path, const char *json) {
    resayil_client_builder *builder = NULL;
    resayil_client *control;
    resayil_response *response = NULL;
    CHECK_OK(resayil_client_builder_new(&builder));
    CHECK_OK(resayil_client_builder_base_url(builder, getenv("RESAYIL_SANDBOX")));
    CHECK_OK(resayil_client_builder_no_quota(builder));
    control = build(builder);
    CHECK_OK(resayil_client_post(control, path, (const uint8_t *)json, strlen(json), NULL, &response, NULL));
    CHECK(resayil_response_status(response) == 200);
    resayil_response_free(response);
    resayil_client_free(control);
}

static char told[8][96];
static size_t lines;

static const char *or_none(resayil_str text) { return text.data != NULL ? text.data : "-"; }

/* Keeps what each event tells; the delay differs from run to run. */
static void observe(const resayil_event *event, void *user) {
    double delay = -1;
    resayil_str summary = resayil_event_summary(event);
    CHECK(user == told && lines < 8);
    CHECK(strstr(summary.data, "sk_llmr") == NULL && strstr(summary.data, "Hello") == NULL);
    CHECK(strchr(summary.data, '\n') == NULL && summary.data[summary.len] == '\0');
    CHECK(resayil_event_kind(event) == resayil_error_kind(resayil_event_error(event)));
    CHECK(resayil_event_delay(event, &delay) == (delay > 0));
    snprintf(told[lines++], sizeof told[0], "%s %s %u %u %u %s %s", resayil_event_action(event).data,
             resayil_event_reason(event).data, (unsigned)resayil_event_attempt(event),
             (unsigned)resayil_event_kind(event), (unsigned)resayil_event_status(event),
             or_none(resayil_event_code(event)), or_none(resayil_event_request_id(event)));
}

static double value(const resayil_metrics *metrics, const char *name, const char *first) {
    size_t at, found = 0;
    double sum = 0;
    for (at = 0; at < resayil_metrics_count(metrics); at++) {
        int wanted = strcmp(resayil_metrics_name(metrics, at).data, name) == 0;
        if (wanted && first != NULL) {
            wanted = resayil_metrics_attribute_count(metrics, at) == 2 &&
                     strcmp(resayil_metrics_attribute_value(metrics, at, 0).data, first) == 0;
        }
        if (wanted) {
            sum += resayil_metrics_value(metrics, at);
            found++;
        }
    }
    return found > 0 ? sum : -1;
}

/* A series of failures: what is told of each, in order, and what is counted in the end. */
static void test_a_series_of_failures(void) {
    static const char *const EXPECTED[] = {
        "retry backoff 1 400 500 E1 req_1",
        "retry backoff 2 400 502 - -",
        "stop not_retryable 1 201 403 - -",
        "retry quota_window 1 300 429 429 -",
        "quota_wait quota 1 0 0 - -",
    };
    resayil_client_builder *builder = NULL;
    resayil_policy_builder *options = NULL;
    resayil_policy *policy = NULL;
    resayil_client *client;
    resayil_completion *answer = NULL;
    resayil_error *error = NULL;
    resayil_metrics *metrics = NULL;
    resayil_stats stats;
    size_t at;

    CHECK_OK(resayil_policy_builder_new(NULL, &options));
    CHECK_OK(resayil_policy_builder_base_delay(options, 0.01));
    CHECK_OK(resayil_policy_builder_build(options, &policy, NULL));
    CHECK_OK(resayil_client_builder_new(&builder));
    CHECK_OK(resayil_client_builder_provider(builder, "resayil"));
    CHECK_OK(resayil_client_builder_policy(builder, policy));
    CHECK_OK(resayil_client_builder_observer(builder, observe, told));
    client = build(builder);
    resayil_policy_free(policy);
    resayil_policy_builder_free(options);

    sandbox("_sandbox/faults",
            "[{\"fault\":\"status\",\"status\":500,\"body\":\"{\\\"error\\\":{\\\"message\\\":\\\"sk_llmr_"
            "0123456789abcdef0123456789 is bad\\\",\\\"code\\\":\\\"E1\\\"}}\","
            "\"headers\":[[\"x-request-id\",\"req_1\"]]},\"html_bad_gateway\"]");
    CHECK_OK(resayil_client_chat(client, HELLO, strlen(HELLO), NULL, &answer, NULL));
    resayil_completion_free(answer);
    sandbox("_sandbox/faults", "{\"fault\":\"empty\",\"status\":403}");
    CHECK(resayil_client_chat(client, HELLO, strlen(HELLO), NULL, &answer, &error) == RESAYIL_STATUS_ERROR);
    resayil_error_free(error);
    sandbox("_sandbox/faults", "{\"fault\":\"rate_limited\",\"retry_after\":1}");
    CHECK_OK(resayil_client_chat(client, HELLO, strlen(HELLO), NULL, &answer, NULL));
    resayil_completion_free(answer);

    CHECK(lines == 5);
    for (at = 0; at < lines; at++) {
        check_that(strcmp(told[at], EXPECTED[at]) == 0, told[at], __FILE__, __LINE__);
    }

    CHECK_OK(resayil_client_get_stats(client, &stats));
    CHECK(stats.calls == 3 && stats.answered == 2 && stats.failed == 1 && stats.attempts == 6);
    CHECK(stats.retries == 3 && stats.refused == 1 && stats.quota_waits == 1 && stats.backoff_waits == 2);
    CHECK(stats.quota_wait_seconds > 0.5 && stats.backoff_wait_seconds > 0);

    CHECK_OK(resayil_client_get_metrics(client, &metrics));
    CHECK(value(metrics, "resayil.client.calls", NULL) == 3);
    CHECK(value(metrics, "resayil.client.retries", NULL) == 3);
    CHECK(value(metrics, "resayil.client.retries", "server") == 2);
    CHECK(value(metrics, "resayil.client.retries", "rate_limit") == 1);
    CHECK(value(metrics, "resayil.client.failed_calls", "permission") == 1);
    CHECK(value(metrics, "resayil.client.quota_wait.time", NULL) == stats.quota_wait_seconds);
    CHECK(value(metrics, "resayil.client.quota.waiting", NULL) == 0);
    CHECK(value(metrics, "resayil.client.budget.health", NULL) > 0);
    CHECK(value(metrics, "no.such.metric", NULL) == -1);
    CHECK_TEXT(resayil_metrics_name(metrics, 0), "resayil.client.calls");
    CHECK_TEXT(resayil_metrics_unit(metrics, 0), "{call}");
    CHECK_TEXT(resayil_metrics_instrument(metrics, 0), "counter");
    CHECK(resayil_metrics_attribute_count(metrics, 0) == 0);
    for (at = 0; strcmp(resayil_metrics_name(metrics, at).data, "resayil.client.retries") != 0; at++) {
    }
    CHECK_TEXT(resayil_metrics_attribute_name(metrics, at, 0), "error.type");
    CHECK_TEXT(resayil_metrics_attribute_name(metrics, at, 1), "resayil.reason");
    CHECK_ABSENT(resayil_metrics_attribute_name(metrics, at, 2));
    /* Beyond the last one there is nothing. */
    at = resayil_metrics_count(metrics);
    CHECK_ABSENT(resayil_metrics_name(metrics, at));
    CHECK_ABSENT(resayil_metrics_unit(metrics, at));
    CHECK_ABSENT(resayil_metrics_attribute_value(metrics, at, 0));
    CHECK(resayil_metrics_value(metrics, at) == 0 && resayil_metrics_attribute_count(metrics, at) == 0);
    /* What was read stays as it was. */
    resayil_client_free(client);
    CHECK(value(metrics, "resayil.client.attempts", NULL) == 6);
    resayil_metrics_free(metrics);
}

int main(void) {
    RUN(test_a_series_of_failures());
    return done();
}
