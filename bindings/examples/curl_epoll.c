/* Many calls in one thread that never blocks: libcurl's multi interface, an epoll loop, and a quota that
 * all calls share. What to send and when is decided by resayil; the loop only carries it out.
 *
 * Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with. */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <resayil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CALLS 12
#define BODY "{\"model\":\"mistral\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}"

struct text {
    char *data;
    size_t len;
};

struct call {
    resayil_operation *operation;
    CURL *curl;                /* the request that is on its way; NULL while it waits */
    struct curl_slist *headers;
    struct text head, body;
    bool due;                  /* worth asking at once: it was woken, or something came of its request */
    double until;              /* or at this time; -1 for none */
};

static struct call calls[CALLS];
static CURLM *multi;
static int epoll;
static double curl_until = -1; /* when libcurl wants to be asked again; -1 for none */

/* What libcurl calls: to keep what it receives, to watch its sockets, and to set its timer. */
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

static int watch_socket(CURL *curl, curl_socket_t socket, int what, void *user, void *known) {
    struct epoll_event event = {0};
    (void)curl, (void)user;
    event.data.fd = socket;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, socket, NULL);
    } else {
        epoll_ctl(epoll, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
        curl_multi_assign(multi, socket, &epoll);
    }
    return 0;
}

static int set_timer(CURLM *from, long milliseconds, void *user) {
    (void)from, (void)user;
    curl_until = milliseconds < 0 ? -1 : resayil_monotonic_seconds() + (double)milliseconds / 1000;
    return 0;
}

/* Another call has ended: this one may be next. In a program of several threads it would write to an eventfd. */
static void wake(void *user) { ((struct call *)user)->due = true; }

static void send_request(struct call *call, const resayil_step *step) {
    char line[512];
    resayil_string *key = NULL;
    call->curl = curl_easy_init();
    call->headers = curl_slist_append(NULL, "Content-Type: application/json");
    call->headers = curl_slist_append(call->headers, "Accept: application/json");
    snprintf(line, sizeof line, "Authorization: Bearer %s", getenv("RESAYIL_API_KEY"));
    call->headers = curl_slist_append(call->headers, line);
    /* All attempts have one key, so that the server does the work once. */
    if (resayil_operation_idempotency_key(call->operation, &key) == RESAYIL_STATUS_OK) {
        snprintf(line, sizeof line, "Idempotency-Key: %s", resayil_string_data(key));
        call->headers = curl_slist_append(call->headers, line);
        resayil_string_free(key);
    }
    snprintf(line, sizeof line, "%s/chat/completions", getenv("RESAYIL_BASE_URL"));
    curl_easy_setopt(call->curl, CURLOPT_URL, line);
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(call->curl, CURLOPT_POSTFIELDS, BODY);
    curl_easy_setopt(call->curl, CURLOPT_HEADERFUNCTION, append);
    curl_easy_setopt(call->curl, CURLOPT_HEADERDATA, &call->head);
    curl_easy_setopt(call->curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(call->curl, CURLOPT_WRITEDATA, &call->body);
    curl_easy_setopt(call->curl, CURLOPT_PRIVATE, call);
    curl_easy_setopt(call->curl, CURLOPT_FRESH_CONNECT, step->needs_fresh_connection ? 1L : 0L);
    if (step->has_ends_at) {
        double left = step->ends_at_seconds - resayil_monotonic_seconds();
        curl_easy_setopt(call->curl, CURLOPT_TIMEOUT_MS, left > 0 ? (long)(left * 1000) + 1 : 1L);
    }
    call->head.len = call->body.len = 0;
    curl_multi_add_handle(multi, call->curl);
}

/* Tells what came of a request. */
static void finish_request(struct call *call, CURLcode code) {
    double now = resayil_monotonic_seconds(), wall = resayil_unix_seconds();
    if (code == CURLE_OK) {
        resayil_headers *headers = NULL;
        bool is_success = false;
        resayil_headers_parse(call->head.data, call->head.len, &headers);
        resayil_operation_on_headers(call->operation, resayil_headers_status(headers), resayil_headers_data(headers),
                                     resayil_headers_count(headers), wall, now);
        resayil_operation_on_body(call->operation, (const uint8_t *)call->body.data, call->body.len, wall, now,
                                  &is_success);
        if (is_success) resayil_operation_on_success(call->operation, now);
        resayil_headers_free(headers);
    } else {
        bool sent = code != CURLE_COULDNT_RESOLVE_HOST && code != CURLE_COULDNT_CONNECT;
        const char *why = curl_easy_strerror(code);
        resayil_error *error = NULL;
        if (code == CURLE_OPERATION_TIMEDOUT) {
            resayil_operation_timeout_error(call->operation, sent, now, &error);
        } else {
            resayil_error_new(RESAYIL_KIND_NETWORK, why, strlen(why), &error);
        }
        resayil_operation_on_failure(call->operation, error, sent ? RESAYIL_REACHED_SERVER : RESAYIL_REACHED_NOTHING,
                                     now);
        resayil_error_free(error);
    }
    curl_multi_remove_handle(multi, call->curl);
    curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->headers);
    call->curl = NULL;
    call->due = true;
}

/* Asks what the call does now. */
static void ask(struct call *call) {
    resayil_step step;
    call->due = false;
    call->until = -1;
    if (resayil_operation_poll(call->operation, resayil_monotonic_seconds(), wake, call, &step) != RESAYIL_STATUS_OK)
        abort();
    if (step.action == RESAYIL_STEP_WAIT && step.has_until) call->until = step.until_seconds;
    if (step.action == RESAYIL_STEP_SEND) send_request(call, &step);
}

/* Asks each call that is due; gives when the next one is, or -1 once all are over. */
static double ask_all(void) {
    double now = resayil_monotonic_seconds(), next = now + 3600;
    bool going = false;
    for (struct call *call = calls; call < calls + CALLS; call++) {
        if (resayil_operation_is_over(call->operation)) continue;
        going = true;
        if (call->curl == NULL && (call->due || (call->until >= 0 && call->until <= now))) ask(call);
    }
    for (struct call *call = calls; call < calls + CALLS; call++) {
        if (call->due && !resayil_operation_is_over(call->operation)) next = now;
        if (call->curl == NULL && call->until >= 0 && call->until < next) next = call->until;
    }
    if (curl_until >= 0 && curl_until < next) next = curl_until;
    return going ? next : -1;
}

static void run(void) {
    double next;
    while ((next = ask_all()) >= 0) {
        struct epoll_event events[CALLS];
        double wait = next - resayil_monotonic_seconds();
        int left, count = epoll_wait(epoll, events, CALLS, wait > 0 ? (int)(wait * 1000) + 1 : 0);
        CURLMsg *message;
        for (int i = 0; i < count; i++) {
            int what = (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
                       (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
            curl_multi_socket_action(multi, events[i].data.fd, what, &left);
        }
        if (curl_until >= 0 && curl_until <= resayil_monotonic_seconds()) {
            curl_until = -1;
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &left);
        }
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            struct call *call;
            if (message->msg != CURLMSG_DONE) continue;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
            finish_request(call, message->data.result);
        }
    }
}

/* What all calls share: a policy, and the quota of LLM Resayil's clock minute, whose limit is learned. */
static resayil_operation_options *options_new(void) {
    resayil_operation_options *options = NULL;
    resayil_service *service = NULL;
    resayil_policy *policy = NULL;
    resayil_quota *quota = NULL;
    double now = resayil_monotonic_seconds();
    resayil_policy_new(NULL, &policy);
    resayil_quota_new(0, 60, resayil_unix_seconds(), now, &quota, NULL);
    resayil_service_new(&service);
    resayil_service_quota(service, quota, now);
    resayil_operation_options_new(policy, service, &options);
    resayil_operation_options_attempt_timeout(options, 60);
    resayil_policy_free(policy);
    resayil_quota_free(quota);
    resayil_service_free(service);
    return options;
}

int main(void) {
    int answered = 0;
    resayil_operation_options *options = options_new();
    if (options == NULL || getenv("RESAYIL_API_KEY") == NULL || getenv("RESAYIL_BASE_URL") == NULL) {
        fprintf(stderr, "set RESAYIL_API_KEY and RESAYIL_BASE_URL\n");
        return 2;
    }
    epoll = epoll_create1(0);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    for (int i = 0; i < CALLS; i++) {
        char key[64];
        snprintf(key, sizeof key, "example-%ld-%d-%.0f", (long)getpid(), i, resayil_unix_seconds());
        resayil_operation_options_idempotency_key(options, key);
        resayil_operation_options_start(options, resayil_monotonic_seconds(), (uint64_t)i, &calls[i].operation, NULL);
        calls[i].due = true;
    }
    run();
    for (int i = 0; i < CALLS; i++) {
        resayil_error *error = NULL;
        resayil_operation_take_error(calls[i].operation, &error);
        if (error == NULL) answered++;
        else fprintf(stderr, "%d: %s\n", i, resayil_error_summary(error).data);
        resayil_error_free(error);
        resayil_operation_free(calls[i].operation);
        free(calls[i].head.data);
        free(calls[i].body.data);
    }
    resayil_operation_options_free(options);
    curl_multi_cleanup(multi);
    close(epoll);
    printf("%d of %d answered\n", answered, CALLS);
    return answered == CALLS ? 0 : 1;
}
