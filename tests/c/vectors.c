/* Runs the cases of tests/vectors through the C interface. One line a case:
 *
 *   vectors errors FILE    the error record, or null for a success
 *   vectors streams FILE   how the stream ended, whether it may be replayed (0 or 1), the delivered
 *                          text in hexadecimal, the error record or null; with tabs between
 *
 * `cargo xtask` compares them with what is expected. */
#include "cases.h"

static void require(bool good, const char *what) {
    if (!good) {
        case_fail(what);
    }
}

static const char *provider_of(const test_case *one) {
    return one->provider[0] != '\0' ? one->provider : NULL;
}

static void print_record(resayil_error *error) {
    resayil_string *json = NULL;
    if (error == NULL) {
        puts("null");
        return;
    }
    require(resayil_error_to_json(error, NULL, &json) == RESAYIL_STATUS_OK, "to_json");
    puts(resayil_string_data(json));
    resayil_string_free(json);
    resayil_error_free(error);
}

static void run_error(const test_case *one) {
    resayil_error *error = NULL;
    resayil_status status =
        resayil_classify(one->status, one->headers, one->header_count, (const uint8_t *)one->body.data,
                         one->body.len, provider_of(one), one->now, &error);
    require(status == RESAYIL_STATUS_OK, "classify");
    print_record(error);
}

static void count_bytes(const char *text, size_t text_len, const uint8_t *data, size_t data_len,
                        void *user) {
    (void)text;
    (void)data;
    (void)data_len;
    *(size_t *)user += text_len;
}

/* Decodes a stream that arrives in pieces of `step` bytes; the decoder is the caller's. */
static resayil_stream *decode(const test_case *one, size_t step, uint32_t *end, resayil_error **error,
                              size_t *delivered) {
    const uint8_t *bytes = (const uint8_t *)one->body.data;
    resayil_stream *stream = NULL;
    size_t at;
    *delivered = 0;
    require(resayil_stream_new(one->headers, one->header_count, provider_of(one), &stream) ==
                RESAYIL_STATUS_OK,
            "stream_new");
    for (at = 0; at < one->body.len; at += step) {
        size_t len = one->body.len - at < step ? one->body.len - at : step;
        require(resayil_stream_feed(stream, bytes + at, len, count_bytes, delivered) == RESAYIL_STATUS_OK,
                "stream_feed");
    }
    require(resayil_stream_finish(stream, one->now, count_bytes, delivered, end, error) ==
                RESAYIL_STATUS_OK,
            "stream_finish");
    return stream;
}

static void run_stream(const test_case *one) {
    static const char *const names[] = {"complete", "error", "truncated"};
    resayil_error *error = NULL, *piecewise = NULL;
    resayil_string *text = NULL;
    uint32_t end = 99, same = 99;
    size_t delivered, at;
    resayil_stream *stream;

    /* A byte at a time gives what the whole gives. */
    resayil_stream_free(decode(one, 1, &same, &piecewise, &delivered));
    stream = decode(one, one->body.len + 1, &end, &error, &delivered);
    require(end == same && end < 3, "the pieces end as the whole does");
    require(resayil_error_kind(error) == resayil_error_kind(piecewise), "and with the same kind");
    resayil_error_free(piecewise);

    require(resayil_stream_partial_text(stream, &text) == RESAYIL_STATUS_OK, "partial_text");
    require(resayil_string_len(text) == delivered, "the callback got the whole text");
    /* A complete answer is not replayed, not even an empty one. */
    printf("%s\t%d\t", names[end], end != 0 && !resayil_stream_has_delivered(stream) ? 1 : 0);
    for (at = 0; at < resayil_string_len(text); at++) {
        printf("%02x", (unsigned)(unsigned char)resayil_string_data(text)[at]);
    }
    putchar('\t');
    print_record(error);
    resayil_string_free(text);
    resayil_stream_free(stream);
}

int main(int argc, char **argv) {
    case_file file;
    test_case one;
    bool streams;
    require(argc == 3, "usage: vectors errors|streams FILE");
    streams = strcmp(argv[1], "streams") == 0;
    file = case_file_read(argv[2]);
    while (case_next(&file, &one)) {
        if (streams) {
            run_stream(&one);
        } else {
            run_error(&one);
        }
    }
    free(file.data);
    return 0;
}
