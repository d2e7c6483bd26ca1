/* Texts for people that an application brings; the layout of the structures that are no handles. */
#include "check.h"

#include <stddef.h>

static resayil_error *error_new(uint32_t kind) {
    resayil_error *error = NULL;
    CHECK_OK(resayil_error_new(kind, "m", 1, &error));
    return error;
}

static void test_own_texts(void) {
    const char *data = "{\"language\": \"fr\", \"kinds\": {\"not_found\": {\"user_message\": \"Perdu[ : {model}].\", "
                       "\"advice\": [\"un\", \"deux\"]}}}";
    resayil_messages *messages = NULL;
    resayil_error *error = error_new(RESAYIL_KIND_NOT_FOUND), *why = NULL;
    resayil_string *text = NULL;

    CHECK_OK(resayil_error_set_model(error, "m1"));
    CHECK_OK(resayil_messages_new("en", data, strlen(data), &messages, &why));
    CHECK(why == NULL);
    CHECK_OK(resayil_messages_user_message(messages, error, &text));
    CHECK(strcmp(resayil_string_data(text), "Perdu : m1.") == 0);
    resayil_string_free(text);
    CHECK_OK(resayil_messages_advice(messages, error, 1, &text));
    CHECK(strcmp(resayil_string_data(text), "deux") == 0);
    resayil_string_free(text);
    CHECK_OK(resayil_messages_advice(messages, error, 2, &text));
    CHECK(text == NULL);
    CHECK_OK(resayil_messages_to_json(messages, error, &text));
    CHECK(strstr(resayil_string_data(text), "\"user_message\": \"Perdu : m1.\"") != NULL);
    resayil_string_free(text);
    resayil_messages_free(messages);
    resayil_error_free(error);
}

static void test_built_in_texts(void) {
    resayil_messages *messages = NULL;
    resayil_error *error = error_new(RESAYIL_KIND_SERVER);
    resayil_string *text = NULL;
    CHECK_OK(resayil_messages_new("ar", NULL, 0, &messages, NULL));
    CHECK_OK(resayil_messages_user_message(messages, error, &text));
    CHECK_TEXT(resayil_error_user_message(error, "ar"), resayil_string_data(text));
    resayil_string_free(text);
    resayil_messages_free(messages);
    resayil_error_free(error);
}

static void test_refused_arguments(void) {
    const char *wrong = "{\"kinds\": {\"no such kind\": {}}}";
    resayil_messages *messages = (resayil_messages *)1;
    resayil_error *error = error_new(RESAYIL_KIND_SERVER), *why = NULL;
    resayil_string *text = (resayil_string *)1;
    CHECK(resayil_messages_new("fr", NULL, 0, &messages, NULL) == RESAYIL_STATUS_UNKNOWN_NAME);
    CHECK(messages == NULL);
    CHECK(resayil_messages_new(NULL, wrong, strlen(wrong), &messages, &why) == RESAYIL_STATUS_ERROR);
    CHECK(resayil_error_kind(why) == RESAYIL_KIND_CONFIGURATION);
    resayil_error_free(why);
    CHECK(resayil_messages_new(NULL, "\xff", 1, &messages, &why) == RESAYIL_STATUS_INVALID_UTF8);
    CHECK(why == NULL);
    CHECK(resayil_messages_new(NULL, NULL, 1, &messages, NULL) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK(resayil_messages_new(NULL, NULL, 0, NULL, NULL) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK_OK(resayil_messages_new(NULL, NULL, 0, &messages, NULL));
    CHECK(resayil_messages_user_message(NULL, error, &text) == RESAYIL_STATUS_NULL_PARAMETER && text == NULL);
    CHECK(resayil_messages_user_message(messages, NULL, &text) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK(resayil_messages_user_message(messages, error, NULL) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK(resayil_messages_advice(NULL, error, 0, &text) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK(resayil_messages_advice(messages, NULL, 0, &text) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK(resayil_messages_advice(messages, error, 0, NULL) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK(resayil_messages_to_json(NULL, error, &text) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK(resayil_messages_to_json(messages, NULL, &text) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK(resayil_messages_to_json(messages, error, NULL) == RESAYIL_STATUS_NULL_PARAMETER);
    resayil_messages_free(messages);
    resayil_messages_free(NULL);
    resayil_error_free(error);
}

/* Programs are compiled with these; a change of them breaks the ABI, and needs another SONAME. */
static void test_layout(void) {
    if (sizeof(void *) != 8) {
        return;
    }
    CHECK(sizeof(resayil_status) == 4);
    CHECK(sizeof(resayil_str) == 16 && offsetof(resayil_str, len) == 8);
    CHECK(sizeof(resayil_bytes) == 16 && offsetof(resayil_bytes, len) == 8);
    CHECK(sizeof(resayil_header) == 32 && offsetof(resayil_header, value_len) == 24);
    CHECK(sizeof(resayil_decision) == 32 && offsetof(resayil_decision, delay_seconds) == 8);
    CHECK(offsetof(resayil_decision, reason) == 16);
    CHECK(sizeof(resayil_quota_state) == 48 && offsetof(resayil_quota_state, limit) == 4);
    CHECK(offsetof(resayil_quota_state, reset_after_seconds) == 16);
    CHECK(offsetof(resayil_quota_state, refused) == 40);
    CHECK(sizeof(resayil_stats) == 88 && offsetof(resayil_stats, backoff_wait_seconds) == 80);
}

int main(void) {
    RUN(test_own_texts());
    RUN(test_built_in_texts());
    RUN(test_refused_arguments());
    RUN(test_layout());
    return done();
}
