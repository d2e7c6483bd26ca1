/* What the processes that share a quota do: ask so many questions, one after the other. */
#ifndef QUESTIONS_H
#define QUESTIONS_H

#include <stdio.h>
#include <string.h>

#include <resayil.h>

static inline void print_warning(const resayil_event *event, void *user) {
    (void)user;
    if (strcmp(resayil_event_action(event).data, "warning") == 0)
        fprintf(stderr, "warning: %s\n", resayil_event_reason(event).data);
}

/* Builds the client and frees the builder; 0 if each question was answered. */
static inline int ask(resayil_client_builder *builder, const char *name, int count) {
    resayil_client *client;
    resayil_error *error;
    int failed = 0;
    resayil_client_builder_observer(builder, print_warning, NULL);
    if (resayil_client_builder_build(builder, &client, &error) != RESAYIL_STATUS_OK) {
        if (error) fprintf(stderr, "%s\n", resayil_error_summary(error).data);
        failed = 1;
    }
    for (int index = 0; client && index < count; index++) {
        resayil_completion *answer;
        char request[200];
        resayil_error_free(error);
        snprintf(request, sizeof request,
                 "{\"model\":\"mistral\",\"messages\":[{\"role\":\"user\",\"content\":\"%.50s %d\"}]}", name, index);
        if (resayil_client_chat(client, request, strlen(request), NULL, &answer, &error) != RESAYIL_STATUS_OK) {
            if (error) fprintf(stderr, "%s\n", resayil_error_summary(error).data);
            failed = 1;
        }
        resayil_completion_free(answer);
    }
    resayil_error_free(error);
    resayil_client_free(client);
    resayil_client_builder_free(builder);
    return failed;
}

#endif
