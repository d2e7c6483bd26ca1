/* Checks for the test programs: the first one that fails ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <resayil.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long tests, checks;

static void check_that(int good, const char *what, const char *file, int line) {
    checks++;
    if (!good) {
        fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
        exit(1);
    }
}

#define CHECK(condition) check_that((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_OK(call) CHECK((call) == RESAYIL_STATUS_OK)
/* One test: a function that holds checks. */
#define RUN(test) (tests++, (test))
#define CHECK_TEXT(text, expected) check_text((text), (expected), __FILE__, __LINE__)
#define CHECK_ABSENT(text) CHECK((text).data == NULL)

/* The text is there, is this one, and is NUL-terminated. */
static void check_text(resayil_str text, const char *expected, const char *file, int line) {
    size_t len = strlen(expected);
    int good = text.data != NULL && text.len == len && memcmp(text.data, expected, len) == 0;
    check_that(good, text.data != NULL ? text.data : "(absent)", file, line);
    check_that(text.data[text.len] == '\0', "NUL at the end", file, line);
}

/* The last line of each test program's output, which the driver adds up. */
static int done(void) {
    (void)check_text; /* not every program has texts */
    printf("%lu tests, %lu checks\n", tests, checks);
    return 0;
}

#endif
