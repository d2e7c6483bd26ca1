/* Reads an error that was freed: AddressSanitizer has to find it. No test runs this but `cargo xtask sanitize`. */
#include <resayil.h>

#include <stdio.h>

int main(void) {
    resayil_error *error = NULL;
    if (resayil_error_new(RESAYIL_KIND_NETWORK, "cut", 3, &error) != RESAYIL_STATUS_OK) return 1;
    resayil_error_free(error);
    printf("%u\n", (unsigned)resayil_error_attempts(error));
    return 0;
}
