/* One of several processes that share a quota: asks so many questions, one after the other.
 *
 * share_quota FOLDER LIMIT WINDOW NAME COUNT; reads RESAYIL_API_KEY and RESAYIL_BASE_URL. */
#include <stdlib.h>

#include "questions.h"

int main(int argc, char **argv) {
    resayil_client_builder *builder;
    if (argc != 6) return 2;
    if (resayil_client_builder_new(&builder) != RESAYIL_STATUS_OK) return 1;
    resayil_client_builder_quota_window(builder, (uint32_t)atoi(argv[2]), atof(argv[3]));
    resayil_client_builder_share_quota(builder, true, argv[1]);
    return ask(builder, argv[4], atoi(argv[5]));
}
