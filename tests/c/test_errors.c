/* Classifying answers, and every getter of an error. */
#include "check.h"

static const double NOW = 1741305555.0;

static resayil_header header(const char *name, const char *value) {
    resayil_header header = {name, strlen(name), value, strlen(value)};
    return header;
}

static resayil_error *classify(uint32_t status, const resayil_header *headers, size_t count,
                               const char *body, const char *provider) {
    resayil_error *error = NULL;
    CHECK_OK(resayil_classify(status, headers, count, (const uint8_t *)body, strlen(body), provider,
                              NOW, &error));
    return error;
}

static void test_limits_of_tokens(void) {
    const resayil_header headers[] = {
        header("anthropic-ratelimit-requests-limit", "50"),
        header("anthropic-ratelimit-requests-remaining", "49"),
        header("anthropic-ratelimit-input-tokens-limit", "30000"),
        header("anthropic-ratelimit-input-tokens-remaining", "0"),
        header("anthropic-ratelimit-output-tokens-limit", "8000"),
    };
    const char *body = "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow down\"}}";
    resayil_error *error = classify(429, headers, 5, body, "anthropic");
    resayil_rate_limit limit;

    CHECK_OK(resayil_error_get_rate_limit(error, NULL, &limit));
    CHECK(limit.has_limit && limit.limit == 50 && limit.has_remaining && limit.remaining == 49);
    CHECK(!limit.has_reset_after && limit.reset_after_seconds == 0);
    CHECK_OK(resayil_error_get_rate_limit(error, "input_tokens", &limit));
    CHECK(limit.has_limit && limit.limit == 30000 && limit.has_remaining && limit.remaining == 0);
    CHECK_OK(resayil_error_get_rate_limit(error, "output_tokens", &limit));
    CHECK(limit.has_limit && limit.limit == 8000 && !limit.has_remaining && limit.remaining == 0);
    CHECK_OK(resayil_error_get_rate_limit(error, "tokens", &limit));
    CHECK(!limit.has_limit && limit.limit == 0);
    CHECK(resayil_error_get_rate_limit(error, "spend", &limit) == RESAYIL_STATUS_UNKNOWN_NAME && !limit.has_limit);
    resayil_error_free(error);
}

static void test_rate_limit(void) {
    const resayil_header headers[] = {
        header("Content-Type", "application/json"), header("X-RateLimit-Limit", "20"),
        header("x-ratelimit-remaining", "0"),       header("X-RateLimit-Reset", "1741305600"),
        header("X-Request-Id", "req_7"),
    };
    const char *body =
        "{\"error\":{\"message\":\"Rate limit exceeded\",\"code\":429},\"retry_after\":45}";
    resayil_error *error = classify(429, headers, 5, body, "resayil");
    double seconds = -1;
    uint64_t number = 99;
    resayil_bytes name, value;

    CHECK(error != NULL);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_RATE_LIMIT);
    CHECK_TEXT(resayil_error_kind_name(error), "rate_limit");
    CHECK(resayil_error_status(error) == 429);
    CHECK(resayil_error_severity(error) == RESAYIL_SEVERITY_ERROR);
    CHECK_TEXT(resayil_error_severity_name(error), "error");
    CHECK(resayil_error_is_retryable(error));
    CHECK_TEXT(resayil_error_message(error), "Rate limit exceeded");
    CHECK_TEXT(resayil_error_code(error), "429");
    CHECK_ABSENT(resayil_error_type(error));
    CHECK_ABSENT(resayil_error_param(error));
    CHECK_TEXT(resayil_error_request_id(error), "req_7");
    CHECK(resayil_error_retry_after(error, &seconds) && seconds == 45.0);
    CHECK_TEXT(resayil_error_retry_after_source(error), "body");
    CHECK(resayil_error_rate_limit_limit(error, &number) && number == 20);
    CHECK(resayil_error_rate_limit_remaining(error, &number) && number == 0);
    CHECK(resayil_error_rate_limit_reset_after(error, &seconds) && seconds == 45.0);
    CHECK_ABSENT(resayil_error_stop_reason(error));
    CHECK_TEXT(resayil_error_request_state(error), "answered");
    CHECK(!resayil_error_retry_at(error, &seconds) && seconds == 0);
    CHECK(resayil_error_field_count(error) == 0);
    CHECK_TEXT(resayil_error_provider(error), "resayil");
    CHECK_ABSENT(resayil_error_model(error));
    CHECK_ABSENT(resayil_error_partial_text(error));
    CHECK(resayil_error_attempts(error) == 0);
    CHECK(!resayil_error_is_exhausted(error));
    CHECK(!resayil_error_is_ambiguous(error));
    CHECK(resayil_error_is_safe_to_replay(error));
    CHECK(strstr(resayil_error_summary(error).data, "rate_limit (429)") != NULL);
    CHECK(strstr(resayil_error_help_url(error).data, "https://") == resayil_error_help_url(error).data);

    /* What to tell people. */
    CHECK(strstr(resayil_error_user_message(error, NULL).data, "45 seconds") != NULL);
    CHECK(resayil_error_user_message(error, "en").data == resayil_error_user_message(error, NULL).data);
    CHECK(resayil_error_user_message(error, "ar-KW").data != resayil_error_user_message(error, "en").data);
    CHECK(strstr(resayil_error_user_message(error, "ar").data, "45") != NULL);
    CHECK_ABSENT(resayil_error_user_message(error, "fr"));
    CHECK(resayil_error_advice_count(error, NULL) > 0);
    CHECK(resayil_error_advice(error, "ar", 0).len > 0);
    CHECK_ABSENT(resayil_error_advice(error, "en", resayil_error_advice_count(error, "en")));
    CHECK_ABSENT(resayil_error_advice(error, "en", SIZE_MAX));
    CHECK(resayil_error_advice_count(error, "fr") == 0);

    /* The raw answer. */
    value = resayil_error_body(error);
    CHECK(value.len == strlen(body) && memcmp(value.data, body, value.len) == 0);
    CHECK(resayil_error_header_count(error) == 5);
    CHECK(resayil_error_header_at(error, 1, &name, &value));
    CHECK(name.len == 17 && memcmp(name.data, "X-RateLimit-Limit", 17) == 0);
    CHECK(value.len == 2 && memcmp(value.data, "20", 2) == 0);
    CHECK(!resayil_error_header_at(error, 5, &name, &value) && name.data == NULL && value.len == 0);
    value = resayil_error_header(error, "x-request-ID");
    CHECK(value.len == 5 && memcmp(value.data, "req_7", 5) == 0);
    CHECK(resayil_error_header(error, "no-such").data == NULL);
    resayil_error_free(error);
}

static void test_fields(void) {
    const char *body = "{\"message\":\"Validation failed.\",\"errors\":{\"model\":[\"The model field "
                       "is required.\"],\"messages.0.role\":[\"one\",\"two\"]}}";
    resayil_error *error = classify(422, NULL, 0, body, NULL);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_VALIDATION);
    CHECK(resayil_error_field_count(error) == 2);
    CHECK_TEXT(resayil_error_field_name(error, 0), "model");
    CHECK(resayil_error_field_message_count(error, 0) == 1);
    CHECK_TEXT(resayil_error_field_message(error, 0, 0), "The model field is required.");
    CHECK_TEXT(resayil_error_field_name(error, 1), "messages.0.role");
    CHECK(resayil_error_field_message_count(error, 1) == 2);
    CHECK_TEXT(resayil_error_field_message(error, 1, 1), "two");
    CHECK_ABSENT(resayil_error_field_message(error, 1, 2));
    CHECK_ABSENT(resayil_error_field_message(error, 2, 0));
    CHECK_ABSENT(resayil_error_field_name(error, 2));
    CHECK(resayil_error_field_message_count(error, SIZE_MAX) == 0);
    resayil_error_free(error);
}

static void test_record(void) {
    resayil_error *error = classify(402, NULL, 0, "{\"error\":{\"message\":\"None\",\"code\":402}}", "resayil");
    resayil_error *clone = NULL;
    resayil_string *json = NULL, *arabic = NULL;
    CHECK_OK(resayil_error_to_json(error, NULL, &json));
    CHECK(strncmp(resayil_string_data(json), "{\"kind\": \"payment_required\", \"status\": 402", 41) == 0);
    CHECK(resayil_string_len(json) == strlen(resayil_string_data(json)));
    CHECK_OK(resayil_error_to_json(error, "ar", &arabic));
    CHECK(strcmp(resayil_string_data(json), resayil_string_data(arabic)) != 0);
    resayil_string_free(arabic);
    CHECK(resayil_error_to_json(error, "fr", &arabic) == RESAYIL_STATUS_UNKNOWN_NAME && arabic == NULL);

    /* A clone outlives what it was made from. */
    CHECK_OK(resayil_error_clone(error, &clone));
    resayil_error_free(error);
    CHECK_OK(resayil_error_to_json(clone, "en", &arabic));
    CHECK(strcmp(resayil_string_data(json), resayil_string_data(arabic)) == 0);
    resayil_string_free(arabic);
    resayil_string_free(json);
    resayil_error_free(clone);
}

static void test_success_and_its_disguises(void) {
    const char *answer = "{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}";
    resayil_error *error;
    CHECK(classify(200, NULL, 0, answer, NULL) == NULL);
    error = classify(200, NULL, 0, "{\"error\":{\"message\":\"Overloaded\",\"code\":503}}", NULL);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_OVERLOADED);
    resayil_error_free(error);
    error = classify(200, NULL, 0, "", NULL);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_PROTOCOL);
    resayil_error_free(error);
}

static void test_secrets_stay_inside(void) {
    resayil_error *error =
        classify(401, NULL, 0, "{\"error\":{\"message\":\"bad key sk_llmr_0123456789abcdef\"}}", NULL);
    resayil_string *json = NULL;
    CHECK(strstr(resayil_error_message(error).data, "0123456789abcdef") == NULL);
    CHECK(strstr(resayil_error_summary(error).data, "0123456789abcdef") == NULL);
    CHECK_OK(resayil_error_to_json(error, NULL, &json));
    CHECK(strstr(resayil_string_data(json), "0123456789abcdef") == NULL);
    resayil_string_free(json);
    resayil_error_free(error);
}

static void test_any_bytes(void) {
    const uint8_t bytes[] = {0xff, 0x00, '{', 0xc3, '"', 0x80};
    const char *inside = "{\"error\":{\"message\":\"a\\u0000b\"}}";
    resayil_header odd = {(const char *)bytes, sizeof bytes, (const char *)bytes, sizeof bytes};
    resayil_error *error = NULL;
    char *large = malloc(4u << 20);
    CHECK_OK(resayil_classify(500, &odd, 1, bytes, sizeof bytes, NULL, NOW, &error));
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_SERVER);
    resayil_error_free(error);
    /* A NUL inside a text does not end it. */
    error = classify(400, NULL, 0, inside, NULL);
    CHECK(resayil_error_message(error).len == 3 && resayil_error_message(error).data[2] == 'b');
    resayil_error_free(error);
    /* A large body is read, and a part of it kept. */
    memset(large, '[', 4u << 20);
    CHECK_OK(resayil_classify(502, NULL, 0, (const uint8_t *)large, 4u << 20, NULL, NOW, &error));
    CHECK(resayil_error_body(error).len == 64u * 1024u);
    resayil_error_free(error);
    free(large);
}

static void test_refused_arguments(void) {
    resayil_error *error;
    resayil_header odd = {"a", SIZE_MAX, "b", 1};
    const uint8_t *body = (const uint8_t *)"x";
    double nan = strtod("nan", NULL);
    error = (resayil_error *)1; /* set to NULL first, whatever it was */
    CHECK(resayil_classify(65536, NULL, 0, body, 1, NULL, NOW, &error) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(error == NULL);
    CHECK(resayil_classify(500, NULL, 0, body, SIZE_MAX, NULL, NOW, &error) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_classify(500, &odd, 1, body, 1, NULL, NOW, &error) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_classify(500, &odd, SIZE_MAX / 8, body, 1, NULL, NOW, &error) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_classify(500, NULL, 0, body, 1, NULL, nan, &error) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_classify(500, NULL, 0, body, 1, "resayl", NOW, &error) == RESAYIL_STATUS_UNKNOWN_NAME);
    CHECK(resayil_classify(500, NULL, 0, body, 1, "\xff", NOW, &error) == RESAYIL_STATUS_INVALID_UTF8);
    CHECK(resayil_classify(500, NULL, 0, body, 1, "auto", NOW, &error) == RESAYIL_STATUS_OK);
    resayil_error_free(error);
}

static void test_own_errors(void) {
    resayil_error *error = NULL;
    double seconds = 0;
    CHECK_OK(resayil_error_new(RESAYIL_KIND_TIMEOUT, "no answer in 30 s", 17, &error));
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_TIMEOUT && resayil_error_status(error) == 0);
    CHECK_TEXT(resayil_error_message(error), "no answer in 30 s");
    CHECK_OK(resayil_error_set_ambiguous(error, true));
    CHECK(resayil_error_is_ambiguous(error) && !resayil_error_is_rejected(error));
    CHECK_OK(resayil_error_set_rejected(error, true));
    CHECK(resayil_error_is_rejected(error));
    CHECK_OK(resayil_error_set_status(error, 504));
    CHECK(resayil_error_status(error) == 504);
    CHECK(resayil_error_set_status(error, 99) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_error_set_status(error, 65536 + 200) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK_OK(resayil_error_set_attempts(error, 3));
    CHECK(resayil_error_attempts(error) == 3);
    CHECK_OK(resayil_error_set_exhausted(error, true));
    CHECK(resayil_error_is_exhausted(error));
    CHECK_OK(resayil_error_set_stop_reason(error, "max_attempts"));
    CHECK_TEXT(resayil_error_stop_reason(error), "max_attempts");
    CHECK(resayil_error_set_stop_reason(error, "tea") == RESAYIL_STATUS_UNKNOWN_NAME);
    CHECK_OK(resayil_error_set_retryable(error, false));
    CHECK(!resayil_error_is_retryable(error));
    CHECK_OK(resayil_error_set_retry_after(error, 1.5));
    CHECK(resayil_error_retry_after(error, &seconds) && seconds == 1.5);
    CHECK(resayil_error_set_retry_after(error, -1.0) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK_OK(resayil_error_set_model(error, "llama3.2"));
    CHECK_TEXT(resayil_error_model(error), "llama3.2");
    CHECK_OK(resayil_error_set_provider(error, "openai"));
    CHECK_TEXT(resayil_error_provider(error), "openai");
    CHECK(resayil_error_set_provider(error, "nobody") == RESAYIL_STATUS_UNKNOWN_NAME);
    CHECK_OK(resayil_error_set_provider(error, NULL));
    CHECK_ABSENT(resayil_error_provider(error));
    CHECK_ABSENT(resayil_error_limit_scope(error));
    CHECK(!resayil_error_limit_window(error, &seconds) && seconds == 0);
    resayil_error_free(error);

    CHECK_OK(resayil_error_new(UINT32_MAX, NULL, 0, &error));
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_UNKNOWN);
    resayil_error_free(error);
    CHECK(resayil_error_new(0, "\xff", 1, &error) == RESAYIL_STATUS_INVALID_UTF8 && error == NULL);
}

int main(void) {
    RUN(test_rate_limit());
    RUN(test_limits_of_tokens());
    RUN(test_fields());
    RUN(test_record());
    RUN(test_success_and_its_disguises());
    RUN(test_secrets_stay_inside());
    RUN(test_any_bytes());
    RUN(test_refused_arguments());
    RUN(test_own_errors());
    return done();
}
