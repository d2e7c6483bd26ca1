/* Other models and services that take a chat over; see sandbox.h for what the driver gives. */
#include "sandbox.h"

static const char *MISSING =
    "{\"model\":\"no such model\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";
static const char *BUSY = "{\"fault\":\"status\",\"status\":503,\"body\":\"busy\"}";

static resayil_fallback *fallback_to(const char *first, const char *second) {
    resayil_fallback_builder *builder = NULL;
    resayil_fallback *fallback = NULL;
    resayil_error *error = NULL;
    CHECK_OK(resayil_fallback_builder_new(&builder));
    CHECK_OK(resayil_fallback_builder_target(builder, first, NULL, NULL));
    CHECK_OK(resayil_fallback_builder_target(builder, second, NULL, NULL));
    CHECK_OK(resayil_fallback_builder_build(builder, &fallback, &error));
    CHECK(fallback != NULL && error == NULL);
    resayil_fallback_builder_free(builder);
    return fallback;
}

static void count_switches(const resayil_event *event, void *user) {
    resayil_str reason = resayil_event_reason(event);
    CHECK(reason.data != NULL);
    *(unsigned *)user += strcmp(reason.data, "fallback") == 0;
}

static void test_a_client_goes_on_at_another_model(void) {
    resayil_client_builder *builder = builder_new();
    resayil_fallback *fallback = fallback_to("nor is this", "mistral");
    resayil_completion *answer = NULL;
    resayil_chat_stream *stream = NULL;
    resayil_response *response = NULL;
    resayil_client *client;
    unsigned switches = 0;
    size_t index = 9;

    CHECK_OK(resayil_client_builder_fallback(builder, fallback));
    CHECK_OK(resayil_client_builder_observer(builder, count_switches, &switches));
    resayil_fallback_free(fallback);
    client = quick_client(builder);

    CHECK_OK(resayil_client_chat(client, MISSING, strlen(MISSING), NULL, &answer, NULL));
    CHECK_TEXT(resayil_completion_content(answer), "echo: Hello");
    CHECK_TEXT(resayil_completion_model(answer), "mistral:latest");
    CHECK(resayil_completion_attempts(answer) == 3 && switches == 2);
    CHECK(resayil_completion_fallback(answer, &index) && index == 1);
    resayil_completion_free(answer);

    CHECK_OK(resayil_client_chat(client, HELLO, strlen(HELLO), NULL, &answer, NULL));
    CHECK(!resayil_completion_fallback(answer, &index) && index == 0);
    resayil_completion_free(answer);

    CHECK_OK(resayil_client_chat_stream(client, MISSING, strlen(MISSING), NULL, &stream, NULL));
    CHECK(resayil_chat_stream_fallback(stream, &index) && index == 1);
    resayil_chat_stream_free(stream);

    sandbox("_sandbox/faults", BUSY);
    sandbox("_sandbox/faults", BUSY);
    CHECK_OK(resayil_client_post(client, "chat/completions", (const uint8_t *)HELLO, strlen(HELLO), NULL, &response,
                                 NULL));
    /* One retry, then a model that is missing, then one that is there. */
    CHECK(resayil_response_fallback(response, &index) && index == 1);
    CHECK(resayil_response_attempts(response) == 4);
    resayil_response_free(response);
    resayil_client_free(client);
}

static void test_bad_options_are_named(void) {
    resayil_fallback_builder *builder = NULL;
    resayil_fallback *fallback = NULL;
    resayil_client_builder *client_builder = builder_new();
    resayil_client *client = NULL;
    resayil_error *error = NULL;
    uint32_t kind = 9999;

    CHECK_OK(resayil_fallback_builder_new(&builder));
    CHECK(resayil_fallback_builder_build(builder, &fallback, &error) == RESAYIL_STATUS_ERROR);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_CONFIGURATION);
    CHECK(strstr(resayil_error_message(error).data, "targets") != NULL);
    resayil_error_free(error);
    CHECK_OK(resayil_fallback_builder_target(builder, NULL, "https://other.example/v1", NULL));
    CHECK_OK(resayil_fallback_builder_build(builder, &fallback, NULL));
    CHECK_OK(resayil_client_builder_fallback(client_builder, fallback));
    CHECK(resayil_client_builder_build(client_builder, &client, &error) == RESAYIL_STATUS_ERROR);
    CHECK(strstr(resayil_error_message(error).data, "needs an API key of its own") != NULL);
    resayil_error_free(error);
    resayil_fallback_free(fallback);
    resayil_client_builder_free(client_builder);

    CHECK(resayil_fallback_builder_on(builder, &kind, 1) == RESAYIL_STATUS_UNKNOWN_NAME);
    CHECK(resayil_fallback_builder_on(builder, &kind, SIZE_MAX) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_fallback_builder_max_wait(builder, -1) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_fallback_builder_build(builder, &fallback, &error) == RESAYIL_STATUS_ERROR);
    CHECK(fallback == NULL && strstr(resayil_error_message(error).data, "on: ") != NULL);
    resayil_error_free(error);
    resayil_fallback_builder_free(builder);
}

/* A program with its own HTTP asks where to go. */
static void test_a_call_without_a_client(void) {
    resayil_fallback_builder *builder = NULL;
    resayil_fallback *fallback = NULL;
    resayil_fallback_call *targets = NULL;
    resayil_policy *policy = NULL;
    resayil_call *call = NULL;
    resayil_error *error = NULL;
    resayil_decision decision;
    uint32_t kinds[] = {RESAYIL_KIND_SERVER, RESAYIL_KIND_OVERLOADED};
    bool expected[] = {false, false, true, false, false, false};
    bool taken = true;
    size_t index = 9;

    CHECK_OK(resayil_fallback_builder_new(&builder));
    CHECK_OK(resayil_fallback_builder_target(builder, "b", NULL, NULL));
    CHECK_OK(resayil_fallback_builder_on(builder, kinds, 2));
    CHECK_OK(resayil_fallback_builder_overloaded_attempts(builder, 3));
    CHECK_OK(resayil_fallback_builder_max_wait(builder, 100));
    CHECK_OK(resayil_fallback_builder_build(builder, &fallback, NULL));
    CHECK_OK(resayil_fallback_start(fallback, &targets));
    CHECK_OK(resayil_policy_new(NULL, &policy));
    CHECK_OK(resayil_policy_start(policy, 0, 1, &call));
    CHECK_OK(resayil_error_new(RESAYIL_KIND_OVERLOADED, "busy", 4, &error));
    for (size_t at = 0; at < 6; at++) {
        CHECK_OK(resayil_call_on_error(call, error, 0, &decision));
        CHECK_OK(resayil_fallback_call_next(targets, call, error, 0, &taken, &index));
        CHECK(taken == expected[at] && index == 0);
        if (taken) {
            CHECK_OK(resayil_call_restart(call));
            CHECK(resayil_call_failures(call) == 0);
        }
    }
    CHECK(resayil_call_failures(call) == 3);
    CHECK(resayil_fallback_call_next(targets, call, error, -1, &taken, &index) == RESAYIL_STATUS_INVALID_ARGUMENT);
    resayil_error_free(error);
    resayil_call_free(call);
    resayil_policy_free(policy);
    resayil_fallback_call_free(targets);
    resayil_fallback_free(fallback);
    resayil_fallback_builder_free(builder);
}

int main(void) {
    RUN(test_a_client_goes_on_at_another_model());
    RUN(test_bad_options_are_named());
    RUN(test_a_call_without_a_client());
    return done();
}
