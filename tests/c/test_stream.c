/* The decoder of streamed answers. */
#include "check.h"

typedef struct {
    char text[256];
    size_t len;
    unsigned events;
    resayil_stream *stream;
    resayil_status inner;
} collected;

static void collect(const char *text, size_t text_len, const uint8_t *data, size_t data_len, void *user) {
    collected *into = user;
    CHECK(data != NULL && data_len > 0);
    CHECK(into->len + text_len < sizeof into->text);
    memcpy(into->text + into->len, text, text_len);
    into->len += text_len;
    into->events++;
    if (into->stream != NULL) {
        into->inner = resayil_stream_feed(into->stream, data, data_len, NULL, NULL);
    }
}

static const char *HELLO = "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\r\n\r\n"
                           "data: {\"choices\":[{\"delta\":{\"content\":\"lo \xd9\x85\"}}]}\n\n";
static const char *STOP = "data: {\"choices\":[{\"delta\":[],\"finish_reason\":\"stop\"}]}\n\n"
                          "data: [DONE]\n\n";

static resayil_status feed(resayil_stream *stream, const char *text, collected *into) {
    return resayil_stream_feed(stream, (const uint8_t *)text, strlen(text), collect, into);
}

static void test_complete(void) {
    collected into = {{0}, 0, 0, NULL, 0};
    resayil_stream *stream = NULL;
    resayil_string *text = NULL;
    resayil_error *error = NULL;
    uint32_t end = 99;
    size_t at;

    CHECK_OK(resayil_stream_new(NULL, 0, NULL, &stream));
    CHECK(!resayil_stream_has_delivered(stream));
    for (at = 0; at < strlen(HELLO); at++) {
        CHECK_OK(resayil_stream_feed(stream, (const uint8_t *)HELLO + at, 1, collect, &into));
    }
    CHECK(into.len == 8 && memcmp(into.text, "Hello \xd9\x85", 8) == 0);
    CHECK(resayil_stream_has_delivered(stream) && !resayil_stream_is_finished(stream));
    CHECK_OK(resayil_stream_partial_text(stream, &text));
    CHECK(strcmp(resayil_string_data(text), "Hello \xd9\x85") == 0);
    resayil_string_free(text);
    CHECK_OK(resayil_stream_finish_reason(stream, &text));
    CHECK(text == NULL);
    CHECK_OK(feed(stream, STOP, &into));
    CHECK(resayil_stream_is_finished(stream));
    CHECK_OK(resayil_stream_finish_reason(stream, &text));
    CHECK(strcmp(resayil_string_data(text), "stop") == 0);
    resayil_string_free(text);
    CHECK_OK(resayil_stream_finish(stream, 0, NULL, NULL, &end, &error));
    CHECK(end == RESAYIL_STREAM_COMPLETE && error == NULL);
    resayil_stream_free(stream);
}

static void test_truncated(void) {
    collected into = {{0}, 0, 0, NULL, 0};
    const resayil_header id = {"x-request-id", 12, "req_9", 5};
    resayil_stream *stream = NULL;
    resayil_error *error = NULL;
    uint32_t end = 99;

    CHECK_OK(resayil_stream_new(&id, 1, "resayil", &stream));
    CHECK_OK(feed(stream, HELLO, &into));
    CHECK_OK(feed(stream, "data: [DONE]\n\n", &into));
    CHECK_OK(resayil_stream_finish(stream, 0, collect, &into, &end, &error));
    CHECK(end == RESAYIL_STREAM_TRUNCATED);
    CHECK(!resayil_error_is_safe_to_replay(error));
    CHECK_TEXT(resayil_error_partial_text(error), "Hello \xd9\x85");
    CHECK_TEXT(resayil_error_request_id(error), "req_9");
    resayil_error_free(error);
    resayil_stream_free(stream);
}

static void test_error_inside(void) {
    resayil_stream *stream = NULL;
    resayil_error *error = NULL;
    uint32_t end = 99;
    collected into = {{0}, 0, 0, NULL, 0};
    CHECK_OK(resayil_stream_new(NULL, 0, "auto", &stream));
    CHECK_OK(feed(stream, "data: {\"error\":{\"message\":\"Overloaded\",\"code\":503}}\n\n", &into));
    CHECK_OK(resayil_stream_finish(stream, 0, NULL, NULL, &end, &error));
    CHECK(end == RESAYIL_STREAM_ERROR);
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_OVERLOADED && resayil_error_status(error) == 503);
    CHECK(resayil_error_is_safe_to_replay(error));
    /* An error is no event of the answer, in whatever form it comes. */
    CHECK(into.events == 0);
    resayil_error_free(error);
    resayil_stream_free(stream);
}

static void test_callback_that_calls_back(void) {
    resayil_stream *stream = NULL;
    collected into = {{0}, 0, 0, NULL, 0};
    CHECK_OK(resayil_stream_new(NULL, 0, NULL, &stream));
    into.stream = stream;
    CHECK_OK(feed(stream, HELLO, &into));
    CHECK(into.events == 2 && into.inner == RESAYIL_STATUS_BUSY);
    resayil_stream_free(stream);
}

static void test_refused_arguments(void) {
    resayil_stream *stream = (resayil_stream *)1;
    resayil_error *error = (resayil_error *)1;
    uint32_t end = 99;
    CHECK(resayil_stream_new(NULL, 0, "nobody", &stream) == RESAYIL_STATUS_UNKNOWN_NAME && stream == NULL);
    CHECK(resayil_stream_new(NULL, 1, NULL, &stream) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK_OK(resayil_stream_new(NULL, 0, NULL, &stream));
    CHECK_OK(resayil_stream_feed(stream, NULL, 0, NULL, NULL));
    CHECK(resayil_stream_feed(stream, NULL, 1, NULL, NULL) == RESAYIL_STATUS_NULL_PARAMETER);
    CHECK(resayil_stream_feed(stream, (const uint8_t *)"x", SIZE_MAX, NULL, NULL) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(resayil_stream_finish(stream, strtod("inf", NULL), NULL, NULL, &end, &error) == RESAYIL_STATUS_INVALID_ARGUMENT);
    CHECK(error == NULL && end == RESAYIL_STREAM_TRUNCATED);
    resayil_stream_free(stream);
}

static void test_endless_line(void) {
    resayil_stream *stream = NULL;
    resayil_error *error = NULL;
    uint32_t end = 99;
    size_t size = 1u << 16, fed;
    uint8_t *bytes = malloc(size);
    memset(bytes, 'x', size);
    CHECK_OK(resayil_stream_new(NULL, 0, NULL, &stream));
    for (fed = 0; fed < (4u << 20) && !resayil_stream_is_finished(stream); fed += size) {
        CHECK_OK(resayil_stream_feed(stream, bytes, size, NULL, NULL));
    }
    CHECK(resayil_stream_is_finished(stream));
    CHECK_OK(resayil_stream_finish(stream, 0, NULL, NULL, &end, &error));
    CHECK(end == RESAYIL_STREAM_ERROR && resayil_error_kind(error) == RESAYIL_KIND_PROTOCOL);
    resayil_error_free(error);
    resayil_stream_free(stream);
    free(bytes);
}

int main(void) {
    RUN(test_complete());
    RUN(test_truncated());
    RUN(test_error_inside());
    RUN(test_callback_that_calls_back());
    RUN(test_refused_arguments());
    RUN(test_endless_line());
    return done();
}
