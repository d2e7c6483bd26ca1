/* Header blocks as they went over the wire, and the clocks. */
#include "check.h"

#include <time.h>

static resayil_headers *parse(const char *text) {
    resayil_headers *headers = NULL;
    CHECK_OK(resayil_headers_parse(text, strlen(text), &headers));
    return headers;
}

static bool is(resayil_bytes bytes, const char *expected) {
    return bytes.data != NULL && bytes.len == strlen(expected) && memcmp(bytes.data, expected, bytes.len) == 0;
}

static void test_a_block_of_libcurl(void) {
    const char *text =
        "HTTP/1.1 200 Connection established\r\nRetry-After: 99\r\n\r\n"
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nX-Long: one\r\n two\r\nno colon\r\n\r\n";
    resayil_headers *headers = parse(text);
    const resayil_header *list = resayil_headers_data(headers);
    resayil_error *error = NULL;
    double wait = 0;
    CHECK(resayil_headers_status(headers) == 429 && resayil_headers_count(headers) == 2);
    CHECK(strcmp(list[0].name, "Retry-After") == 0 && strcmp(list[0].value, "7") == 0);
    CHECK(list[1].value_len == 7 && strcmp(list[1].value, "one two") == 0);
    CHECK(is(resayil_headers_get(headers, "retry-after"), "7"));
    CHECK(resayil_headers_get(headers, "date").data == NULL);
    CHECK_OK(resayil_classify(resayil_headers_status(headers), list, resayil_headers_count(headers), NULL, 0, NULL, 0,
                              &error));
    CHECK(resayil_error_kind(error) == RESAYIL_KIND_RATE_LIMIT);
    CHECK(resayil_error_retry_after(error, &wait) && wait == 7);
    resayil_error_free(error);
    resayil_headers_free(headers);
}

static void test_what_is_no_block(void) {
    resayil_headers *headers = parse("");
    CHECK(resayil_headers_status(headers) == 0 && resayil_headers_count(headers) == 0);
    resayil_headers_free(headers);
    headers = parse("Date: x\nA:\n");
    CHECK(resayil_headers_status(headers) == 0 && resayil_headers_count(headers) == 2);
    CHECK(is(resayil_headers_get(headers, "a"), "") && is(resayil_headers_get(headers, "DATE"), "x"));
    resayil_headers_free(headers);
    CHECK_OK(resayil_headers_parse(NULL, 0, &headers));
    resayil_headers_free(headers);
    CHECK(resayil_headers_parse(NULL, 1, &headers) == RESAYIL_STATUS_NULL_PARAMETER && headers == NULL);
}

static void test_clocks(void) {
    double before = resayil_monotonic_seconds(), wall = resayil_unix_seconds(), now = (double)time(NULL);
    CHECK(before >= 0 && resayil_monotonic_seconds() >= before);
    CHECK(wall > now - 5 && wall < now + 5);
}

int main(void) {
    RUN(test_a_block_of_libcurl());
    RUN(test_what_is_no_block());
    RUN(test_clocks());
    return done();
}
