/* Asks a question, and prints the answer. Retries, quota and time-outs are the client's.
 *
 * Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with. */
#include <resayil.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    const char *question =
        "{\"model\":\"mistral\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";
    resayil_client_builder *builder = NULL;
    resayil_client *client = NULL;
    resayil_completion *answer = NULL;
    resayil_error *error = NULL;
    int status;

    resayil_client_builder_new(&builder);
    if (resayil_client_builder_build(builder, &client, &error) == RESAYIL_STATUS_OK &&
        resayil_client_chat(client, question, strlen(question), NULL, &answer, &error) == RESAYIL_STATUS_OK)
        printf("%s\n", resayil_completion_content(answer).data);
    if (error != NULL) {
        fprintf(stderr, "%s\n", resayil_error_summary(error).data);             /* for the log */
        fprintf(stderr, "%s\n", resayil_error_user_message(error, NULL).data); /* for the user */
    }
    status = error != NULL;
    resayil_error_free(error);
    resayil_completion_free(answer);
    resayil_client_free(client);
    resayil_client_builder_free(builder);
    return status;
}
