/* The table of kinds, severities, statuses and the version. */
#include "check.h"

static void test_table(void) {
    size_t index;
    uint32_t kind, before = 0;

    CHECK(resayil_kind_count() > 20);
    for (index = 0; index < resayil_kind_count(); index++) {
        uint32_t number = resayil_kind_at(index);
        resayil_str name = resayil_kind_name(number);
        CHECK(index == 0 ? number == RESAYIL_KIND_UNKNOWN : number > before);
        CHECK_OK(resayil_kind_from_name(name.data, &kind));
        CHECK(kind == number);
        CHECK(resayil_severity_name(resayil_kind_severity(number)).data != NULL);
        before = number;
    }
    CHECK(resayil_kind_at(SIZE_MAX) == RESAYIL_KIND_UNKNOWN);
    CHECK_TEXT(resayil_kind_name(RESAYIL_KIND_RATE_LIMIT), "rate_limit");
    CHECK(resayil_kind_is_retryable(RESAYIL_KIND_RATE_LIMIT));
    CHECK(!resayil_kind_is_retryable(RESAYIL_KIND_AUTHENTICATION));
    CHECK(resayil_kind_severity(RESAYIL_KIND_SERVER) == RESAYIL_SEVERITY_CRITICAL);
    CHECK(resayil_kind_severity(RESAYIL_KIND_NOT_FOUND) == RESAYIL_SEVERITY_WARNING);
    CHECK(resayil_kind_severity(RESAYIL_KIND_CANCELLED) == RESAYIL_SEVERITY_INFO);
}

static void test_another_version(void) {
    uint32_t kind = 7;
    CHECK_ABSENT(resayil_kind_name(12345));
    CHECK_ABSENT(resayil_kind_name(65536 + 300));
    CHECK(!resayil_kind_is_retryable(UINT32_MAX));
    CHECK(resayil_kind_severity(UINT32_MAX) == RESAYIL_SEVERITY_ERROR);
    CHECK_ABSENT(resayil_severity_name(4));
    CHECK_TEXT(resayil_severity_name(RESAYIL_SEVERITY_WARNING), "warning");
    CHECK(resayil_kind_from_name("rate_limits", &kind) == RESAYIL_STATUS_UNKNOWN_NAME && kind == 0);
    CHECK(resayil_kind_from_name("\xff", &kind) == RESAYIL_STATUS_INVALID_UTF8);
}

static void test_statuses(void) {
    uint32_t status;
    CHECK(strcmp(resayil_status_text(RESAYIL_STATUS_OK), "ok") == 0);
    for (status = 0; status <= RESAYIL_STATUS_PANIC; status++) {
        CHECK(strcmp(resayil_status_text(status), resayil_status_text(999)) != 0);
    }
}

static void test_version(void) {
    char version[32];
    sprintf(version, "%d.%d.%d", RESAYIL_VERSION_MAJOR, RESAYIL_VERSION_MINOR, RESAYIL_VERSION_PATCH);
    CHECK(strcmp(version, resayil_version()) == 0);
}

int main(void) {
    RUN(test_table());
    RUN(test_another_version());
    RUN(test_statuses());
    RUN(test_version());
    return done();
}
