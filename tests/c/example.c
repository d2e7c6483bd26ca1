/* Three calls that fail, and what a program does about it. Reads RESAYIL_API_KEY and
 * RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with. */
#include <resayil.h>
#include <stdio.h>
#include <string.h>

static void on_event(const resayil_event *event, void *user) {
    double delay;
    (void)user;
    if (strcmp(resayil_event_action(event).data, "retry") == 0 && resayil_event_delay(event, &delay)) {
        printf("%s: trying again in %.1f s\n", resayil_error_kind_name(resayil_event_error(event)).data, delay);
    }
}

/* What to tell the developer, if a field is wrong, and else the user. */
static void explain(resayil_error *error) {
    const char *kind = resayil_error_kind_name(error).data;
    size_t at, fields = resayil_error_field_count(error);
    for (at = 0; at < fields; at++) {
        printf("%s: %s: %s\n", kind, resayil_error_field_name(error, at).data,
               resayil_error_field_message(error, at, 0).data);
    }
    if (fields == 0) {
        printf("%s: %s\n", kind, resayil_error_user_message(error, "en").data);
        for (at = 0; at < resayil_error_advice_count(error, "en"); at++) {
            printf("- %s\n", resayil_error_advice(error, "en", at).data);
        }
    }
}

static void ask(const resayil_client *client, const char *request) {
    resayil_completion *answer = NULL;
    resayil_error *error = NULL;
    if (resayil_client_chat(client, request, strlen(request), NULL, &answer, &error) == RESAYIL_STATUS_OK) {
        printf("answer after %u attempts: %s\n", (unsigned)resayil_completion_attempts(answer),
               resayil_completion_content(answer).data);
    } else {
        explain(error);
    }
    resayil_completion_free(answer);
    resayil_error_free(error);
}

#define QUESTION \
    "\"model\": \"llama3.2:3b\", \"messages\": [{\"role\": \"user\", \"content\": \"What is a quota?\"}]"

int main(void) {
    resayil_client_builder *builder = NULL;
    resayil_client *client = NULL;
    resayil_client_builder_new(&builder);
    resayil_client_builder_observer(builder, on_event, NULL);
    if (resayil_client_builder_build(builder, &client, NULL) == RESAYIL_STATUS_OK) {
        ask(client, "{" QUESTION "}");                     /* refused for quota: waits, and succeeds */
        ask(client, "{" QUESTION ", \"temperature\": 9}"); /* a field is invalid */
        ask(client, "{" QUESTION "}");                     /* no credits are left */
    }
    resayil_client_free(client);
    resayil_client_builder_free(builder);
}
