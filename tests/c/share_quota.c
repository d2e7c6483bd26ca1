/* One of several processes that share a quota: asks so many questions, one after the other.
 *
 * share_quota FOLDER LIMIT WINDOW NAME COUNT; reads RESAYIL_API_KEY and RESAYIL_BASE_URL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <resayil.h>

static void print_warning(const resayil_event *event, void *user) {
    (void)user;
    if (strcmp(resayil_event_action(event).data, "warning") == 0)
        fprintf(stderr, "warning: %s\n", resayil_event_reason(event).data);
}

int main(int argc, char **argv) {
    resayil_client_builder *builder;
    resayil_client *client;
    resayil_error *error;
    int failed = 0;
    if (argc != 6) return 2;
    if (resayil_client_builder_new(&builder) != RESAYIL_STATUS_OK) return 1;
    resayil_client_builder_observer(builder, print_warning, NULL);
    resayil_client_builder_quota_window(builder, (uint32_t)atoi(argv[2]), atof(argv[3]));
    resayil_client_builder_share_quota(builder, true, argv[1]);
    if (resayil_client_builder_build(builder, &client, &error) != RESAYIL_STATUS_OK) {
        if (error) fprintf(stderr, "%s\n", resayil_error_summary(error).data);
        failed = 1;
    }
    for (int index = 0; client && index < atoi(argv[5]); index++) {
        resayil_completion *answer;
        char request[200];
        resayil_error_free(error);
        snprintf(request, sizeof request,
                 "{\"model\":\"mistral\",\"messages\":[{\"role\":\"user\",\"content\":\"%.50s %d\"}]}", argv[4], index);
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
