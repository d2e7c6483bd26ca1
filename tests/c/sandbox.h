/* What tests of a client share: the sandbox that the driver has started. It gives RESAYIL_BASE_URL,
 * RESAYIL_API_KEY and, for faults, RESAYIL_SANDBOX, the address of the sandbox's control plane. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "check.h"

static const char *HELLO =
    "{\"model\":\"mistral\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";

static inline const char *need(const char *name) {
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "%s is not set\n", name);
        exit(2);
    }
    return value;
}

static inline resayil_client_builder *builder_new(void) {
    resayil_client_builder *builder = NULL;
    CHECK_OK(resayil_client_builder_new(&builder));
    return builder;
}

static inline resayil_client *build(resayil_client_builder *builder) {
    resayil_client *client = NULL;
    resayil_error *error = NULL;
    CHECK_OK(resayil_client_builder_build(builder, &client, &error));
    CHECK(client != NULL && error == NULL);
    resayil_client_builder_free(builder);
    return client;
}

/* Changes the sandbox through its control plane, for which a client is good, too. */
static inline void sandbox(const char *path, const char *json) {
    resayil_client_builder *builder = builder_new();
    resayil_client *control;
    resayil_response *response = NULL;
    CHECK_OK(resayil_client_builder_base_url(builder, need("RESAYIL_SANDBOX")));
    CHECK_OK(resayil_client_builder_no_quota(builder));
    control = build(builder);
    CHECK_OK(resayil_client_post(control, path, (const uint8_t *)json, strlen(json), NULL, &response, NULL));
    CHECK(resayil_response_status(response) == 200 && resayil_response_attempts(response) == 1);
    CHECK(resayil_response_body(response).len > 0);
    CHECK(resayil_response_header(response, "Content-Type").len > 0);
    CHECK(resayil_response_header(response, "no-such").data == NULL);
    CHECK_ABSENT(resayil_response_request_id(response));
    resayil_response_free(response);
    resayil_client_free(control);
}

/* A client that retries at once. Uses the builder up; NULL for the defaults. */
static inline resayil_client *quick_client(resayil_client_builder *builder) {
    resayil_policy_builder *options = NULL;
    resayil_policy *policy = NULL;
    builder = builder != NULL ? builder : builder_new();
    CHECK_OK(resayil_policy_builder_new(NULL, &options));
    CHECK_OK(resayil_policy_builder_base_delay(options, 0.001));
    CHECK_OK(resayil_policy_builder_max_delay(options, 0.002));
    CHECK_OK(resayil_policy_builder_build(options, &policy, NULL));
    CHECK_OK(resayil_client_builder_policy(builder, policy));
    CHECK_OK(resayil_client_builder_no_quota(builder));
    resayil_policy_free(policy);
    resayil_policy_builder_free(options);
    return build(builder);
}

#endif
