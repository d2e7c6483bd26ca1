/* A request by libcurl that is tried again as the server asks for.
 *
 * Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with. */
#define _POSIX_C_SOURCE 200809L
#include <curl/curl.h>
#include <resayil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct text {
    char *data;
    size_t len;
};

/* Keeps what libcurl receives. */
static size_t append(char *data, size_t size, size_t count, void *user) {
    struct text *text = user;
    char *longer = realloc(text->data, text->len + size * count + 1);
    if (longer == NULL) return 0;
    memcpy(longer + text->len, data, size * count);
    text->data = longer;
    text->len += size * count;
    text->data[text->len] = '\0';
    return size * count;
}

static void sleep_for(double seconds) {
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

/* What libcurl came back with, as an error; NULL for a good answer. */
static resayil_error *verdict(CURLcode code, const struct text *head, const struct text *body) {
    resayil_error *error = NULL;
    resayil_headers *headers = NULL;
    if (code != CURLE_OK) {
        const char *why = curl_easy_strerror(code);
        resayil_error_new(code == CURLE_OPERATION_TIMEDOUT ? RESAYIL_KIND_TIMEOUT : RESAYIL_KIND_NETWORK, why,
                          strlen(why), &error);
        /* Whether the server may have done the work all the same. */
        resayil_error_set_ambiguous(error, code != CURLE_COULDNT_RESOLVE_HOST && code != CURLE_COULDNT_CONNECT);
        return error;
    }
    resayil_headers_parse(head->data, head->len, &headers);
    resayil_classify(resayil_headers_status(headers), resayil_headers_data(headers), resayil_headers_count(headers),
                     (const uint8_t *)body->data, body->len, NULL, resayil_unix_seconds(), &error);
    resayil_headers_free(headers);
    return error;
}

/* Sends the request until it is answered or there is no use in it; says whether it was answered. */
static bool perform(CURL *curl, const resayil_policy *policy, struct text *head, struct text *body) {
    resayil_call *call = NULL;
    resayil_error *error = NULL;
    resayil_decision decision = {0};
    bool answered;
    if (resayil_policy_start(policy, resayil_monotonic_seconds(), (uint64_t)time(NULL), &call) != RESAYIL_STATUS_OK)
        return false;
    do {
        sleep_for(decision.delay_seconds);
        resayil_error_free(error);
        head->len = body->len = 0;
        error = verdict(curl_easy_perform(curl), head, body);
        if (error == NULL) break;
        fprintf(stderr, "%s\n", resayil_error_summary(error).data);
    } while (resayil_call_on_error(call, error, resayil_monotonic_seconds(), &decision) == RESAYIL_STATUS_OK &&
             decision.retry);
    if (error != NULL) fprintf(stderr, "%s\n", resayil_error_user_message(error, NULL).data);
    answered = error == NULL;
    resayil_error_free(error);
    resayil_call_free(call);
    return answered;
}

int main(void) {
    const char *key = getenv("RESAYIL_API_KEY"), *base = getenv("RESAYIL_BASE_URL");
    struct text head = {NULL, 0}, body = {NULL, 0};
    struct curl_slist *headers = NULL;
    resayil_policy *policy = NULL;
    char url[512], authorization[512];
    bool answered = false;
    CURL *curl = curl_easy_init();
    if (key == NULL || base == NULL || curl == NULL) {
        fprintf(stderr, "set RESAYIL_API_KEY and RESAYIL_BASE_URL\n");
        return 2;
    }
    snprintf(url, sizeof url, "%s/chat/completions", base);
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", key);
    headers = curl_slist_append(headers, authorization);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Accept: application/json");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                     "{\"model\":\"mistral\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &head);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    if (resayil_policy_new(NULL, &policy) == RESAYIL_STATUS_OK) answered = perform(curl, policy, &head, &body);
    if (answered) printf("%s\n", body.data);
    resayil_policy_free(policy);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    free(head.data);
    free(body.data);
    return answered ? 0 : 1;
}
