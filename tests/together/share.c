/* Makes calls, one after the other, with a quota that this host's processes share.
 *
 * Arguments: how many requests a window of how many seconds admits, the folder of the quotas, the name
 * of this process, and how many calls. Reads RESAYIL_API_KEY and RESAYIL_BASE_URL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <resayil.h>

/* Anything that is to be warned of is a failure. */
static void on_event(const resayil_event *event, void *warned) {
    if (strcmp(resayil_event_action(event).data, "warning") == 0) {
        fprintf(stderr, "%s\n", resayil_event_reason(event).data);
        *(int *)warned = 1;
    }
}

static int call(const resayil_client *client, const char *name, int index) {
    char request[256];
    resayil_completion *answer;
    resayil_error *error;
    int length = snprintf(request, sizeof request,
                          "{\"model\":\"mistral\",\"messages\":[{\"role\":\"user\",\"content\":\"%s %d\"}]}",
                          name, index);
    resayil_status status =
        resayil_client_chat(client, request, (size_t)length, NULL, &answer, &error);
    if (error) fprintf(stderr, "%s\n", resayil_error_summary(error).data);
    resayil_completion_free(answer);
    resayil_error_free(error);
    return status == RESAYIL_STATUS_OK ? 0 : 1;
}

int main(int argc, char **argv) {
    resayil_client_builder *builder;
    resayil_client *client;
    resayil_error *error;
    int warned = 0, failed = 0;
    if (argc != 6 || resayil_client_builder_new(&builder) != RESAYIL_STATUS_OK) return 2;
    resayil_client_builder_observer(builder, on_event, &warned);
    resayil_client_builder_quota_window(builder, (uint32_t)atoi(argv[1]), atof(argv[2]));
    resayil_client_builder_share_quota(builder, true, argv[3]);
    if (resayil_client_builder_build(builder, &client, &error) != RESAYIL_STATUS_OK) failed = 1;
    if (error) fprintf(stderr, "%s\n", resayil_error_summary(error).data);
    for (int index = 0; !failed && index < atoi(argv[5]); index++) failed = call(client, argv[4], index);
    resayil_client_free(client);
    resayil_client_builder_free(builder);
    resayil_error_free(error);
    return failed || warned;
}
