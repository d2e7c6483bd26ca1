/* Changes an error in two threads at once, which the header forbids: ThreadSanitizer has to find it. No test runs
 * this but `cargo xtask sanitize`. */
#include <resayil.h>

#include <pthread.h>
#include <stddef.h>

static void *change(void *error) {
    for (int round = 0; round < 1000; round++) resayil_error_set_attempts(error, (uint32_t)round);
    return NULL;
}

int main(void) {
    resayil_error *error = NULL;
    pthread_t other;
    if (resayil_error_new(RESAYIL_KIND_NETWORK, "cut", 3, &error) != RESAYIL_STATUS_OK) return 1;
    if (pthread_create(&other, NULL, change, error) != 0) return 1;
    change(error);
    pthread_join(other, NULL);
    resayil_error_free(error);
    return 0;
}
