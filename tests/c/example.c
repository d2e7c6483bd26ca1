/* Three calls that fail, and what a program does about it.
 *
 * Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with. */
#include <stdio.h>
#include <string.h>

#include <resayil.h>

#define QUESTION "\"model\":\"llama3.2:3b\",\"messages\":[{\"role\":\"user\",\"content\":\"What is a quota?\"}]"

/* Is told every decision of the client. */
static void print_retry(const resayil_event *event, void *user) {
    const char *action = resayil_event_action(event).data;
    const char *kind = resayil_error_kind_name(resayil_event_error(event)).data;
    double delay;
    (void)user;
    if (strcmp(action, "retry") == 0 && kind && resayil_event_delay(event, &delay))
        printf("%s: trying again in %.1f s\n", kind, delay);
}

/* Sends a request; prints the answer, or what is wrong in words for the user and for developers. */
static void ask(const resayil_client *client, const char *request) {
    resayil_completion *answer;
    resayil_error *error;
    if (resayil_client_chat(client, request, strlen(request), NULL, &answer, &error) == RESAYIL_STATUS_OK) {
        printf("answer after %u attempts: %s\n", (unsigned)resayil_completion_attempts(answer),
               resayil_completion_content(answer).data);
    } else if (resayil_error_kind(error) == RESAYIL_KIND_VALIDATION) {
        for (size_t i = 0; i < resayil_error_field_count(error); i++)
            printf("validation: %s: %s\n", resayil_error_field_name(error, i).data,
                   resayil_error_field_message(error, i, 0).data);
    } else if (error) {
        printf("%s: %s\n", resayil_error_kind_name(error).data, resayil_error_user_message(error, NULL).data);
        for (size_t i = 0; i < resayil_error_advice_count(error, NULL); i++)
            printf("- %s\n", resayil_error_advice(error, NULL, i).data);
    }
    resayil_completion_free(answer);
    resayil_error_free(error);
}

int main(void) {
    resayil_client_builder *builder;
    resayil_client *client;
    resayil_error *error;
    if (resayil_client_builder_new(&builder) != RESAYIL_STATUS_OK) return 1;
    resayil_client_builder_observer(builder, print_retry, NULL);
    if (resayil_client_builder_build(builder, &client, &error) != RESAYIL_STATUS_OK)
        fprintf(stderr, "%s\n", resayil_error_summary(error).data); /* no key, for one */
    if (client) {
        ask(client, "{" QUESTION "}");                     /* refused for quota: waits, then succeeds */
        ask(client, "{" QUESTION ",\"temperature\":9}"); /* a field is invalid: not sent again */
        ask(client, "{" QUESTION "}");                     /* no credits are left */
    }
    int status = client ? 0 : 1;
    resayil_client_free(client);
    resayil_client_builder_free(builder);
    resayil_error_free(error);
    return status;
}
