/* What reading an error costs in C: making the error, its texts included, and freeing it. The bodies are
 * those of crates/core/benches/classify.rs. `cargo xtask bench` runs it; `short` only tries it out. */
#include "check.h"

#include <time.h>

#define ROUNDS 21

static const resayil_header HEADERS[] = {
    {"Date", 4, "Sun, 06 Nov 1994 08:49:37 GMT", 29},
    {"Content-Type", 12, "application/json", 16},
    {"Connection", 10, "keep-alive", 10},
    {"X-RateLimit-Limit", 17, "20", 2},
    {"X-RateLimit-Remaining", 21, "0", 1},
    {"X-RateLimit-Reset", 17, "784111800", 9},
    {"Cache-Control", 13, "no-cache, private", 17},
    {"Server", 6, "nginx", 5},
};

/* A 422 with so many fields; to be freed. */
static char *validation(int fields) {
    size_t size = 128 + (size_t)fields * 96, len;
    char *body = malloc(size);
    int n;
    CHECK(body != NULL);
    len = (size_t)sprintf(body, "{\"error\":{\"message\":\"Validation failed\",\"code\":422},\"errors\":{");
    for (n = 0; n < fields; n++) {
        len += (size_t)snprintf(body + len, size - len,
                                "%s\"messages.%d.role\":[\"The messages.%d.role field is required.\"]",
                                n > 0 ? "," : "", n, n);
    }
    sprintf(body + len, "}}");
    return body;
}

static void classify(uint32_t status, const char *body, size_t len) {
    resayil_error *error = NULL;
    CHECK_OK(resayil_classify(status, HEADERS, sizeof HEADERS / sizeof *HEADERS, (const uint8_t *)body,
                              len, NULL, 784111777, &error));
    CHECK(resayil_error_status(error) == status && resayil_error_message(error).len > 0);
    resayil_error_free(error);
}

/* Nanoseconds of the processor's time for one call, in a loop that takes at least so long. */
static double measure(uint32_t status, const char *body, size_t len, double seconds) {
    unsigned long count, calls = 1;
    for (;;) {
        clock_t start = clock();
        double passed;
        for (count = 0; count < calls; count++) {
            classify(status, body, len);
        }
        passed = (double)(clock() - start) / CLOCKS_PER_SEC;
        if (passed >= seconds) {
            return passed / (double)calls * 1e9;
        }
        calls *= 2;
    }
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void bench(const char *name, uint32_t status, const char *body, int is_short) {
    double times[ROUNDS];
    size_t rounds = is_short ? 1 : ROUNDS, at, len = strlen(body);
    for (at = 0; at < rounds; at++) {
        times[at] = measure(status, body, len, is_short ? 0.0 : 0.02);
    }
    qsort(times, rounds, sizeof *times, compare);
    printf("%6s %12.0f ns  (%lu bytes)\n", name, times[rounds / 2], (unsigned long)len);
}

int main(int argc, char **argv) {
    int is_short = argc > 1 && strcmp(argv[1], "short") == 0;
    char *small = validation(130), *large = validation(13000);
    printf("%6s %15s\n", "", "resayil_classify");
    bench("71B", 429, "{\"error\":{\"message\":\"Rate limit exceeded\",\"code\":429},\"retry_after\":45}", is_short);
    bench("156B", 422,
          "{\"error\":{\"message\":\"Validation failed\",\"code\":422},\"errors\":{\"model\":[\"The model "
          "field is required.\"],\"messages\":[\"The messages field must be array.\"]}}",
          is_short);
    bench("10KB", 422, small, is_short);
    bench("1MB", 422, large, is_short);
    free(small);
    free(large);
    (void)done;
    return 0;
}
