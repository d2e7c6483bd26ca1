/* The limit of requests in flight; see sandbox.h for what the driver gives. */
#include "sandbox.h"

/* Of a metric; -1 if there is none of this name. */
static double value(resayil_client *client, const char *name) {
    resayil_metrics *metrics = NULL;
    double found = -1;
    CHECK_OK(resayil_client_get_metrics(client, &metrics));
    for (size_t at = 0; at < resayil_metrics_count(metrics); at++) {
        if (strcmp(resayil_metrics_name(metrics, at).data, name) == 0) {
            found = resayil_metrics_value(metrics, at);
        }
    }
    resayil_metrics_free(metrics);
    return found;
}

static resayil_client *limited(uint32_t max, bool adaptive) {
    resayil_client_builder *builder = builder_new();
    CHECK_OK(resayil_client_builder_max_concurrency(builder, max, adaptive));
    return quick_client(builder);
}

static void test_a_call_gives_its_place_back(void) {
    resayil_client *client = limited(1, false);
    for (int call = 0; call < 3; call++) {
        resayil_completion *answer = NULL;
        CHECK_OK(resayil_client_chat(client, HELLO, strlen(HELLO), NULL, &answer, NULL));
        CHECK(resayil_completion_attempts(answer) == 1);
        resayil_completion_free(answer);
        CHECK(value(client, "resayil.client.concurrency.limit") == 1);
        CHECK(value(client, "resayil.client.concurrency.in_flight") == 0);
    }
    resayil_client_free(client);
    client = quick_client(NULL);
    CHECK(value(client, "resayil.client.concurrency.limit") == -1);
    resayil_client_free(client);
}

static void test_an_adaptive_limit_shrinks(void) {
    resayil_client *client = limited(10, true);
    resayil_completion *answer = NULL;
    sandbox("_sandbox/faults", "{\"fault\":\"status\",\"status\":503,\"body\":\"busy\"}");
    CHECK_OK(resayil_client_chat(client, HELLO, strlen(HELLO), NULL, &answer, NULL));
    CHECK(value(client, "resayil.client.concurrency.limit") == 7);
    resayil_completion_free(answer);
    resayil_client_free(client);
}

static void test_limits_out_of_range(void) {
    resayil_client_builder *builder = builder_new();
    resayil_client *client = NULL;
    resayil_error *error = NULL;
    CHECK_OK(resayil_client_builder_max_concurrency(builder, 0, false));
    CHECK(resayil_client_builder_build(builder, &client, &error) == RESAYIL_STATUS_ERROR);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_CONFIGURATION);
    CHECK(strstr(resayil_error_message(error).data, "max_concurrency") != NULL);
    resayil_error_free(error);
    resayil_client_builder_free(builder);
}

int main(void) {
    RUN(test_a_call_gives_its_place_back());
    RUN(test_an_adaptive_limit_shrinks());
    RUN(test_limits_out_of_range());
    return done();
}
