/* Operations in virtual time, for the tests of the state machine. */
#ifndef OPERATION_H
#define OPERATION_H

#include "check.h"

#define UNIX 1780000000.0
#define ANSWER "{\"choices\":[{\"message\":{\"content\":\"Hello\"}}]}"
#define REFUSED "{\"error\":{\"message\":\"Rate limit exceeded\",\"code\":429},\"retry_after\":30}"

static inline resayil_policy *policy_of(uint32_t attempts, double deadline) {
    resayil_policy_builder *builder = NULL;
    resayil_policy *policy = NULL;
    CHECK_OK(resayil_policy_builder_new(NULL, &builder));
    CHECK_OK(resayil_policy_builder_max_attempts(builder, attempts));
    CHECK_OK(resayil_policy_builder_base_delay(builder, 2));
    CHECK_OK(resayil_policy_builder_jitter(builder, "none"));
    if (deadline > 0) {
        CHECK_OK(resayil_policy_builder_deadline(builder, deadline));
    }
    CHECK_OK(resayil_policy_builder_build(builder, &policy, NULL));
    resayil_policy_builder_free(builder);
    return policy;
}

static inline resayil_operation_options *options_of(const resayil_service *service, double deadline) {
    resayil_policy *policy = policy_of(3, deadline);
    resayil_operation_options *options = NULL;
    CHECK_OK(resayil_operation_options_new(policy, service, &options));
    resayil_policy_free(policy);
    return options;
}

static inline resayil_service *service_of(const char *provider) {
    resayil_service *service = NULL;
    CHECK_OK(resayil_service_new(&service));
    CHECK_OK(resayil_service_provider(service, provider));
    return service;
}

static inline resayil_operation *start(const resayil_operation_options *options, double now) {
    resayil_operation *operation = NULL;
    resayil_error *error = NULL;
    CHECK_OK(resayil_operation_options_start(options, now, 1, &operation, &error));
    CHECK(operation != NULL && error == NULL);
    return operation;
}

/* An operation of its own service, without quota. */
static inline resayil_operation *plain(double deadline) {
    resayil_service *service = service_of("openai");
    resayil_operation_options *options = options_of(service, deadline);
    resayil_operation *operation = start(options, 100);
    resayil_operation_options_free(options);
    resayil_service_free(service);
    return operation;
}

static inline resayil_step poll_at(resayil_operation *operation, double now) {
    resayil_step step;
    CHECK_OK(resayil_operation_poll(operation, now, NULL, NULL, &step));
    return step;
}

static inline bool on_answer(resayil_operation *operation, uint32_t status, const char *body, double now) {
    bool is_success = !true;
    CHECK_OK(resayil_operation_on_headers(operation, status, NULL, 0, UNIX, now));
    CHECK_OK(resayil_operation_on_body(operation, (const uint8_t *)body, strlen(body), UNIX, now, &is_success));
    return is_success;
}

static inline resayil_error *failed(resayil_operation *operation, double now) {
    resayil_error *error = NULL, *again = NULL;
    CHECK(poll_at(operation, now).action == RESAYIL_STEP_FAILED);
    CHECK_OK(resayil_operation_take_error(operation, &error));
    CHECK(error != NULL && resayil_operation_is_over(operation));
    /* It is given once, and the end stays. */
    CHECK_OK(resayil_operation_take_error(operation, &again));
    CHECK(again == NULL && poll_at(operation, now).action == RESAYIL_STEP_FAILED);
    return error;
}

#endif
