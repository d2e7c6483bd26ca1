/* Many calls in one thread, by poll() and sockets that never block: what a program does that has an
 * event loop of its own. See sandbox.h for what the driver gives. */
#define _POSIX_C_SOURCE 200809L
#include "sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALLS 12

/* One call, and the connection of its request. */
struct call {
    resayil_operation *operation;
    int socket; /* -1 while it waits */
    double ask_at; /* -1 for when it is woken */
    bool woken;
    double ends_at;
    char out[1024], in[65536];
    size_t out_len, sent, in_len;
};

static struct sockaddr_in address;
static char path[128];
static int most_at_once;

/* `http://127.0.0.1:8080/v1` in parts. */
static void read_base_url(void) {
    unsigned port = 0;
    char host[64];
    CHECK(sscanf(need("RESAYIL_BASE_URL"), "http://%63[^:/]:%u%127s", host, &port, path) == 3);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    CHECK(inet_pton(AF_INET, host, &address.sin_addr) == 1);
}

/* Another call has ended: this one may be next. */
static void wake(void *user) { ((struct call *)user)->woken = true; }

static void disconnect(struct call *call) {
    close(call->socket);
    call->socket = -1;
    call->ask_at = 0;
}

static void fail(struct call *call, uint32_t kind, uint32_t reached) {
    resayil_error *error = NULL;
    disconnect(call);
    CHECK_OK(resayil_error_new(kind, NULL, 0, &error));
    CHECK_OK(resayil_operation_on_failure(call->operation, error, reached, resayil_monotonic_seconds()));
    resayil_error_free(error);
}

/* Begins a request. */
static void send_request(struct call *call, const resayil_step *step) {
    resayil_string *key = NULL;
    CHECK_OK(resayil_operation_idempotency_key(call->operation, &key));
    call->out_len = (size_t)snprintf(
        call->out, sizeof call->out,
        "POST %s/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nAccept: application/json\r\n"
        "Content-Type: application/json\r\nIdempotency-Key: %s\r\nContent-Length: %lu\r\nConnection: close\r\n\r\n%s",
        path, need("RESAYIL_API_KEY"), resayil_string_data(key), (unsigned long)strlen(HELLO), HELLO);
    resayil_string_free(key);
    CHECK(call->out_len < sizeof call->out);
    call->sent = call->in_len = 0;
    call->ends_at = step->has_ends_at ? step->ends_at_seconds : -1;
    call->socket = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(call->socket >= 0 && fcntl(call->socket, F_SETFL, O_NONBLOCK) == 0);
    if (connect(call->socket, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
        fail(call, RESAYIL_KIND_NETWORK, RESAYIL_REACHED_NOTHING);
    }
}

/* The whole answer is there. */
static void read_answer(struct call *call) {
    double now = resayil_monotonic_seconds(), wall = resayil_unix_seconds();
    resayil_headers *headers = NULL;
    const char *body;
    bool is_success;
    call->in[call->in_len] = '\0';
    body = strstr(call->in, "\r\n\r\n");
    if (body == NULL) {
        fail(call, RESAYIL_KIND_NETWORK, RESAYIL_REACHED_SERVER);
        return;
    }
    body += 4;
    disconnect(call);
    CHECK_OK(resayil_headers_parse(call->in, (size_t)(body - call->in), &headers));
    CHECK(resayil_headers_get(headers, "transfer-encoding").data == NULL);
    CHECK_OK(resayil_operation_on_headers(call->operation, resayil_headers_status(headers), resayil_headers_data(headers),
                                          resayil_headers_count(headers), wall, now));
    CHECK_OK(resayil_operation_on_body(call->operation, (const uint8_t *)body, strlen(body), wall, now, &is_success));
    if (is_success) {
        CHECK(strstr(body, "Hello") != NULL);
        CHECK_OK(resayil_operation_on_success(call->operation, now));
    }
    resayil_headers_free(headers);
}

/* The socket is ready, or the time of the request is over. */
static void go_on(struct call *call, short events) {
    ssize_t count;
    if (events == 0) {
        fail(call, RESAYIL_KIND_TIMEOUT, RESAYIL_REACHED_SERVER);
    } else if (call->sent < call->out_len) {
        count = send(call->socket, call->out + call->sent, call->out_len - call->sent, MSG_NOSIGNAL);
        if (count > 0) call->sent += (size_t)count;
        else if (errno != EAGAIN) fail(call, RESAYIL_KIND_NETWORK, RESAYIL_REACHED_NOTHING);
    } else {
        count = recv(call->socket, call->in + call->in_len, sizeof call->in - 1 - call->in_len, 0);
        if (count > 0) call->in_len += (size_t)count;
        else if (count == 0) read_answer(call);
        else if (errno != EAGAIN) fail(call, RESAYIL_KIND_NETWORK, RESAYIL_REACHED_SERVER);
    }
}

/* Asks what to do now; says whether the call goes on. */
static bool step(struct call *call) {
    resayil_step step;
    call->woken = false;
    CHECK_OK(resayil_operation_poll(call->operation, resayil_monotonic_seconds(), wake, call, &step));
    if (step.action == RESAYIL_STEP_WAIT) call->ask_at = step.has_until ? step.until_seconds : -1;
    if (step.action == RESAYIL_STEP_SEND) send_request(call, &step);
    return !resayil_operation_is_over(call->operation);
}

/* The loop: it sleeps in poll() alone. */
static void run(struct call *calls) {
    for (;;) {
        struct pollfd sockets[CALLS];
        double now = resayil_monotonic_seconds(), next = now + 5;
        int going = 0, at_once = 0;
        for (int i = 0; i < CALLS; i++) {
            struct call *call = &calls[i];
            bool due = call->woken || (call->ask_at >= 0 && call->ask_at <= now);
            if (resayil_operation_is_over(call->operation)) continue;
            if (call->socket < 0 && due) step(call);
        }
        for (int i = 0; i < CALLS; i++) {
            struct call *call = &calls[i];
            double until = call->socket >= 0 ? call->ends_at : call->ask_at;
            bool over = resayil_operation_is_over(call->operation);
            sockets[i].fd = call->socket;
            sockets[i].events = call->sent < call->out_len ? POLLOUT : POLLIN;
            going += !over;
            at_once += call->socket >= 0;
            if (call->woken && !over) next = now;
            if (!over && until >= 0 && until < next) next = until;
        }
        if (at_once > most_at_once) most_at_once = at_once;
        if (going == 0) return;
        CHECK(poll(sockets, CALLS, next > now ? (int)((next - now) * 1000) + 1 : 0) >= 0);
        now = resayil_monotonic_seconds();
        for (int i = 0; i < CALLS; i++) {
            bool late = calls[i].ends_at >= 0 && calls[i].ends_at <= now;
            if (calls[i].socket >= 0 && (sockets[i].revents != 0 || late)) go_on(&calls[i], sockets[i].revents);
        }
    }
}

/* A service that bears three requests at once, whose failures are retried soon. */
static resayil_operation_options *options_new(void) {
    resayil_policy_builder *builder = NULL;
    resayil_policy *policy = NULL;
    resayil_service *service = NULL;
    resayil_concurrency_limiter *limiter = NULL;
    resayil_operation_options *options = NULL;
    CHECK_OK(resayil_policy_builder_new(NULL, &builder));
    CHECK_OK(resayil_policy_builder_base_delay(builder, 0.02));
    CHECK_OK(resayil_policy_builder_deadline(builder, 60));
    CHECK_OK(resayil_policy_builder_build(builder, &policy, NULL));
    CHECK_OK(resayil_concurrency_limiter_new(3, false, &limiter, NULL));
    CHECK_OK(resayil_service_new(&service));
    CHECK_OK(resayil_service_concurrency_limiter(service, limiter));
    CHECK_OK(resayil_operation_options_new(policy, service, &options));
    CHECK_OK(resayil_operation_options_attempt_timeout(options, 30));
    resayil_concurrency_limiter_free(limiter);
    resayil_service_free(service);
    resayil_policy_free(policy);
    resayil_policy_builder_free(builder);
    return options;
}

static void test_many_calls_in_one_thread(void) {
    static struct call calls[CALLS];
    resayil_operation_options *options = options_new();
    uint32_t attempts = 0;
    for (int i = 0; i < 2; i++) {
        sandbox("_sandbox/faults", "{\"fault\":\"status\",\"status\":500,\"body\":\"broken\"}");
    }
    for (int i = 0; i < CALLS; i++) {
        char key[32];
        snprintf(key, sizeof key, "loop-%d", i);
        CHECK_OK(resayil_operation_options_idempotency_key(options, key));
        CHECK_OK(resayil_operation_options_start(options, resayil_monotonic_seconds(), (uint64_t)i, &calls[i].operation, NULL));
        calls[i].socket = -1;
    }
    run(calls);
    for (int i = 0; i < CALLS; i++) {
        resayil_step end;
        CHECK_OK(resayil_operation_poll(calls[i].operation, resayil_monotonic_seconds(), NULL, NULL, &end));
        CHECK(end.action == RESAYIL_STEP_DONE);
        attempts += resayil_operation_attempts(calls[i].operation);
        resayil_operation_free(calls[i].operation);
    }
    /* All succeeded, two at the second attempt, and never more than three at once. */
    CHECK(attempts == CALLS + 2 && most_at_once == 3);
    resayil_operation_options_free(options);
}

int main(void) {
    read_base_url();
    RUN(test_many_calls_in_one_thread());
    return done();
}
