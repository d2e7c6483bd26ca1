/*
 * resayil: what went wrong with a call to an LLM API, and what to do about it.
 *
 * What holds for all functions:
 *
 * - Handles are opaque. A function that ends in `_new`, or that has an out pointer to a handle, gives
 *   a handle that is yours: free it once, with the `_free` of its type. `_free(NULL)` does nothing.
 * - Out pointers are set to NULL (or to zero) first, then the arguments are checked. They may not be
 *   NULL, but for the last `resayil_error **` of a function that may fail: it is for those who want it.
 * - A NULL where a handle is needed is answered: with RESAYIL_STATUS_NULL_PARAMETER, or by a getter
 *   with zero, false or an absent string. A pointer to data may be NULL if its length is 0.
 * - A `resayil_str` that a getter returns is borrowed: valid until its handle is freed or changed by
 *   a function named `_set_`. It is UTF-8 and NUL-terminated, but may have a NUL inside: `len` counts.
 *   An absent text has `data` NULL. Getters do not allocate.
 * - Names that come in (`const char *`) are NUL-terminated. Texts and bytes come in with a length.
 * - Times are seconds as `double`. "Unix" times are the wall clock, seconds since 1970 UTC. Others
 *   are points on a clock of yours that never goes back (CLOCK_MONOTONIC), always the same one.
 * - Numbers of kinds, severities and so on are `uint32_t`; expect numbers that this header does not
 *   know, from a newer library.
 * - There is no error that hides in a thread: what a function has to say, it returns.
 * - A panic inside the library, which would be a bug, ends in RESAYIL_STATUS_PANIC or in a getter's
 *   zero, never in your code. Callbacks must return: no exception and no longjmp may leave them.
 * - Threads: getters may be called from any thread at once. Each type says what else may.
 */

#ifndef RESAYIL_H
#define RESAYIL_H

/* Made by `cargo xtask header` from crates/capi. Do not edit. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>


/**
 * How many retries a successful call earns, if nothing else is asked for.
 */
#define RESAYIL_BUDGET_RATIO 1.0

/**
 * How many retries a budget holds at the beginning and at the most, if nothing else is asked for.
 */
#define RESAYIL_BUDGET_RESERVE 10.0

/**
 * How many numbers the server answers to a call of a fleet.
 */
#define RESAYIL_FLEET_NUMBERS 29

/**
 * The most bytes that a problem of a fleet's call is told in.
 */
#define RESAYIL_FLEET_PROBLEM_SIZE 256

/**
 * The server answered with an array of integers.
 */
#define RESAYIL_FLEET_ANSWERED 0

/**
 * The server answered with an error, whose text was written.
 */
#define RESAYIL_FLEET_ERROR 1

/**
 * The server was not reached, or did not answer in time; why may have been written.
 */
#define RESAYIL_FLEET_LOST 2

/**
 * Nothing is known about the failure.
 */
#define RESAYIL_KIND_UNKNOWN 0

/**
 * The request is malformed, and no closer kind fits: 400, other 4xx.
 */
#define RESAYIL_KIND_BAD_REQUEST 100

/**
 * Fields of the request are missing or invalid: 422.
 */
#define RESAYIL_KIND_VALIDATION 101

/**
 * The model or the path does not exist: 404.
 */
#define RESAYIL_KIND_NOT_FOUND 102

/**
 * The request collided with another one: 409.
 */
#define RESAYIL_KIND_CONFLICT 103

/**
 * The request is larger than the service accepts: 413.
 */
#define RESAYIL_KIND_PAYLOAD_TOO_LARGE 104

/**
 * The prompt and the answer do not fit into the model's context window.
 */
#define RESAYIL_KIND_CONTEXT_LENGTH 105

/**
 * A content filter refused the prompt or the answer.
 */
#define RESAYIL_KIND_CONTENT_FILTER 106

/**
 * The key is missing, malformed, revoked or unknown: 401.
 */
#define RESAYIL_KIND_AUTHENTICATION 200

/**
 * The key is good, but may not do this: 403.
 */
#define RESAYIL_KIND_PERMISSION 201

/**
 * The account has no credits left: 402.
 */
#define RESAYIL_KIND_PAYMENT_REQUIRED 202

/**
 * A quota is used up that no short wait refills: 429 by code.
 */
#define RESAYIL_KIND_QUOTA_EXHAUSTED 203

/**
 * Too many requests in the current window: 429.
 */
#define RESAYIL_KIND_RATE_LIMIT 300

/**
 * The service or the model has no capacity right now: 503, 529.
 */
#define RESAYIL_KIND_OVERLOADED 301

/**
 * The service failed: 500, other 5xx.
 */
#define RESAYIL_KIND_SERVER 400

/**
 * No answer came in time: 408, 504, 524, or a local limit.
 */
#define RESAYIL_KIND_TIMEOUT 401

/**
 * The connection could not be made or broke.
 */
#define RESAYIL_KIND_NETWORK 402

/**
 * A success that cannot be read.
 */
#define RESAYIL_KIND_PROTOCOL 403

/**
 * The caller cancelled the call.
 */
#define RESAYIL_KIND_CANCELLED 500

/**
 * The wait that is needed would pass the caller's deadline.
 */
#define RESAYIL_KIND_DEADLINE 501

/**
 * An option or the key has no usable form; nothing was sent.
 */
#define RESAYIL_KIND_CONFIGURATION 502

/**
 * Nothing went wrong, or it was asked for.
 */
#define RESAYIL_SEVERITY_INFO 0

/**
 * The request has to change; the service is well.
 */
#define RESAYIL_SEVERITY_WARNING 1

/**
 * Somebody has to act: a key, credits, a wait.
 */
#define RESAYIL_SEVERITY_ERROR 2

/**
 * The service itself failed.
 */
#define RESAYIL_SEVERITY_CRITICAL 3

/**
 * Nothing: the operation was not asked, because the function failed.
 */
#define RESAYIL_STEP_NONE 0

/**
 * Ask again at `until_seconds` or as soon as the waker is called, whichever comes first; only then
 * where there is no time.
 */
#define RESAYIL_STEP_WAIT 1

/**
 * Send the request, then tell what came of it.
 */
#define RESAYIL_STEP_SEND 2

/**
 * The operation has succeeded.
 */
#define RESAYIL_STEP_DONE 3

/**
 * The operation has failed; `resayil_operation_take_error` has the error.
 */
#define RESAYIL_STEP_FAILED 4

/**
 * Nothing of the request reached the server.
 */
#define RESAYIL_REACHED_NOTHING 0

/**
 * The request went out on a kept connection which the server had closed already, as far as one can
 * tell: not one byte came back (RFC 9112, section 9.3.1). It is sent again at once, on a new one.
 */
#define RESAYIL_REACHED_STALE_CONNECTION 1

/**
 * The server may have got the request, and may have carried it out.
 */
#define RESAYIL_REACHED_SERVER 2

/**
 * The function did what it is for. `resayil_classify` says so too when it found an error.
 */
#define RESAYIL_STATUS_OK 0

/**
 * A pointer is NULL that must not be.
 */
#define RESAYIL_STATUS_NULL_PARAMETER 1

/**
 * A text is not UTF-8.
 */
#define RESAYIL_STATUS_INVALID_UTF8 2

/**
 * A number is out of range: not-a-number, a negative time, a length beyond the address space.
 */
#define RESAYIL_STATUS_INVALID_ARGUMENT 3

/**
 * A name or number stands for no provider, preset, form of jitter, language or kind.
 */
#define RESAYIL_STATUS_UNKNOWN_NAME 4

/**
 * The function failed; its `resayil_error **` says why.
 */
#define RESAYIL_STATUS_ERROR 5

/**
 * The handle is in use: by another thread, or by the function that called this callback.
 */
#define RESAYIL_STATUS_BUSY 6

/**
 * The library has a bug. The handles of the call are to be freed, and not used otherwise.
 */
#define RESAYIL_STATUS_PANIC 7

/**
 * The handle is not where this function belongs: a step was left out, or is told twice. Nothing was
 * changed.
 */
#define RESAYIL_STATUS_INVALID_STATE 8

/**
 * The whole answer was delivered.
 */
#define RESAYIL_STREAM_COMPLETE 0

/**
 * The service reported an error inside the stream.
 */
#define RESAYIL_STREAM_ERROR 1

/**
 * The stream broke off: it has no end that its protocol knows.
 */
#define RESAYIL_STREAM_TRUNCATED 2

/**
 * The major version of this header.
 */
#define RESAYIL_VERSION_MAJOR 0

/**
 * The minor version of this header.
 */
#define RESAYIL_VERSION_MINOR 1

/**
 * The patch version of this header.
 */
#define RESAYIL_VERSION_PATCH 0

/**
 * What LLM Resayil says of the account. Immutable; any thread may read it.
 */
typedef struct resayil_balance resayil_balance;

/**
 * A stock of retries that all calls of a client share, so that an outage is not answered with a
 * storm. Any thread may use it.
 */
typedef struct resayil_budget resayil_budget;

/**
 * One call: it is told each failure and answers what to do. It has no clock and does not sleep.
 * One thread at a time; a second one is told RESAYIL_STATUS_BUSY.
 */
typedef struct resayil_call resayil_call;

/**
 * Ends the calls that were given it. Any thread may use it, also while a call runs.
 */
typedef struct resayil_cancel resayil_cancel;

/**
 * A request for a chat completion that is being made. One thread at a time.
 */
typedef struct resayil_chat_request resayil_chat_request;

/**
 * An answer that comes piece by piece. As long as nothing was delivered, failures are retried
 * unseen; after that the error has what was delivered. Freeing it closes the connection. One thread
 * at a time; a second one, and a callback, is told RESAYIL_STATUS_BUSY.
 */
typedef struct resayil_chat_stream resayil_chat_stream;

/**
 * A client of one API with one key. It keeps connections, a quota, a retry budget and counters. Any
 * number of threads may call at once.
 */
typedef struct resayil_client resayil_client;

/**
 * The options of a client that is being made. One thread at a time.
 *
 * A setter that refuses its value says so by its status, and `resayil_client_builder_build` fails
 * with an error that names the option.
 */
typedef struct resayil_client_builder resayil_client_builder;

/**
 * A whole answer. Immutable; any thread may read it.
 */
typedef struct resayil_completion resayil_completion;

/**
 * Limits how many requests are in flight at once; first come, first served. Shared by all operations
 * that are given it. Any thread may use it.
 */
typedef struct resayil_concurrency_limiter resayil_concurrency_limiter;

/**
 * Why a call failed.
 *
 * The getters may be called from several threads at once. The functions named `_set_` need the
 * handle for themselves, and end the life of texts that were borrowed from it.
 */
typedef struct resayil_error resayil_error;

/**
 * One decision of a client, for a log. It holds no key and no prompt. Borrowed for the time of the
 * callback.
 */
typedef struct resayil_event resayil_event;

/**
 * An ordered list of models and services that take over a request which the one before does not
 * serve. Immutable; any thread may use it.
 *
 * The next target is taken: after `not_found` at once; after `overloaded` when the policy allows no
 * further attempt, after as many such attempts as `resayil_fallback_builder_overloaded_attempts` says,
 * or when the wait would be longer than `resayil_fallback_builder_max_wait` says; and after any error
 * that the closed budget keeps from being retried, but then only a target of another service. Never
 * when something of an answer was delivered, when the deadline is over, or when the request may have
 * been carried out and the policy does not allow to repeat it.
 */
typedef struct resayil_fallback resayil_fallback;

/**
 * The options of a fallback that is being made. One thread at a time.
 *
 * A setter that refuses its value says so by its status, and `resayil_fallback_builder_build` fails
 * with an error that names the option.
 */
typedef struct resayil_fallback_builder resayil_fallback_builder;

/**
 * One call's way through the targets of a fallback, for programs that have their own HTTP. One
 * thread at a time; a second one is told RESAYIL_STATUS_BUSY.
 */
typedef struct resayil_fallback_call resayil_fallback_call;

/**
 * The headers of an answer, read from their text. Immutable; any thread may read it.
 */
typedef struct resayil_headers resayil_headers;

/**
 * The texts for people of one language, some of them an application's own. Immutable; any thread may
 * use it. Who is content with the built-in texts does not need it: see
 * `resayil_error_user_message`.
 */
typedef struct resayil_messages resayil_messages;

/**
 * What a client counted, at one moment: a list of values for OpenTelemetry, Prometheus and their like;
 * docs/observability.md has the table. Immutable; any thread may read it.
 */
typedef struct resayil_metrics resayil_metrics;

/**
 * The models that a key may use. Immutable; any thread may read it.
 */
typedef struct resayil_models resayil_models;

/**
 * One operation of an API client, such as a chat completion, from its first wait to its answer or its
 * error, over any number of attempts: a state machine for programs that have an event loop and HTTP
 * of their own, such as libcurl's multi interface or epoll. It waits for a place and for the quota,
 * numbers the attempts, keeps the idempotency key, settles the quota, classifies, decides, changes to
 * the fallback's targets, and marks the error. It does not send, block or sleep.
 *
 * `resayil_operation_poll` says what to do next. When it says RESAYIL_STEP_SEND, send the request and
 * tell what came of it: `resayil_operation_on_headers` when the head of the answer is there, then
 * `resayil_operation_on_body` when the body is, then `resayil_operation_on_success` if that claims
 * success; or `resayil_operation_on_failure` where no answer came. Then poll again. Whatever is told out
 * of this order is refused at once with RESAYIL_STATUS_INVALID_STATE, and changes nothing.
 *
 * One thread at a time; a second one is told RESAYIL_STATUS_BUSY.
 */
typedef struct resayil_operation resayil_operation;

/**
 * The options of one operation, or of several. One thread at a time may set; any may use it then.
 */
typedef struct resayil_operation_options resayil_operation_options;

/**
 * The options of one call, or of several: what is not set is as the client has it. One thread at a
 * time may set; any may use it then.
 */
typedef struct resayil_options resayil_options;

/**
 * When to try again. Immutable; any thread may use it.
 */
typedef struct resayil_policy resayil_policy;

/**
 * The options of a policy that is being made. One thread at a time.
 *
 * A setter that refuses its value says so by its status, and `resayil_policy_builder_build` fails
 * with an error that names the option.
 */
typedef struct resayil_policy_builder resayil_policy_builder;

/**
 * The quota of one API key, shared by all senders in this process. Any thread may use it.
 *
 * It has no clock and does not sleep: `now_seconds` is a point on a clock that never goes back, the
 * same one in all functions of the quota and of its tickets.
 */
typedef struct resayil_quota resayil_quota;

/**
 * A successful answer as it came: status, headers and body. Immutable; any thread may read it.
 */
typedef struct resayil_response resayil_response;

/**
 * What all operations at one service with one key share: whose API it is, and what holds them back.
 * One thread at a time may set; any may use it then. What is set later holds for options that are
 * made later.
 *
 * At the beginning nothing is set: then the provider is recognised by each answer, no budget is drawn
 * from, and no operation waits.
 */
typedef struct resayil_service resayil_service;

/**
 * Reads a streamed answer as it arrives: server-sent events or NDJSON, split anywhere. One thread
 * at a time; a second one, and a callback, is told RESAYIL_STATUS_BUSY.
 */
typedef struct resayil_stream resayil_stream;

/**
 * A text that is yours. Immutable; any thread may read it.
 */
typedef struct resayil_string resayil_string;

/**
 * A sender's place in the line, then its admission. One thread at a time; a second one is told
 * RESAYIL_STATUS_BUSY.
 */
typedef struct resayil_ticket resayil_ticket;

/**
 * A borrowed text: UTF-8 and NUL-terminated, `len` bytes before that NUL. `data` is NULL if there
 * is no text, which is not the same as an empty one.
 */
typedef struct {
    /**
     * The first byte, or NULL.
     */
    const char *data;
    /**
     * How many bytes; 0 if there is no text.
     */
    size_t len;
} resayil_str;

/**
 * How a function of this library ended: `RESAYIL_STATUS_OK`, which is 0, or another constant of
 * that name. It is no kind of error: those are in `resayil_error`.
 */
typedef uint32_t resayil_status;

/**
 * What to do after a failed attempt.
 */
typedef struct {
    /**
     * Whether to send the same request again, after the delay.
     */
    bool retry;
    /**
     * How long to wait before, in seconds; 0 if there is no next attempt.
     */
    double delay_seconds;
    /**
     * Why, for log lines and metrics: a static text such as `quota_window`, `server_hint`,
     * `backoff`, `not_retryable`, `max_attempts`, `budget` or `deadline`.
     */
    resayil_str reason;
} resayil_decision;

/**
 * Is given each event of an answer: the text that it adds, often empty, and its JSON, both
 * NUL-terminated and borrowed for the time of the callback. 0 goes on, anything else stops. `user`
 * is the pointer that was passed in beside the callback.
 */
typedef int (*resayil_chat_callback)(const char *text,
                                     size_t text_len,
                                     const char *data,
                                     size_t data_len,
                                     void *user);

/**
 * One header of an answer, to be passed in as an array of them. Names are taken in any case;
 * values are bytes. Nothing has to be NUL-terminated. A pointer may be NULL if its length is 0.
 */
typedef struct {
    /**
     * The name, such as `retry-after`.
     */
    const char *name;
    /**
     * How many bytes the name has.
     */
    size_t name_len;
    /**
     * The value, without the line end.
     */
    const char *value;
    /**
     * How many bytes the value has.
     */
    size_t value_len;
} resayil_header;

/**
 * What a client did since it was made.
 */
typedef struct {
    /**
     * Calls that were begun.
     */
    uint64_t calls;
    /**
     * Requests that were sent, refused ones included.
     */
    uint64_t attempts;
    /**
     * Calls that gave an answer. A stream counts when its end was read.
     */
    uint64_t answered;
    /**
     * Calls that gave an error.
     */
    uint64_t failed;
    /**
     * Requests that the server refused for quota.
     */
    uint64_t refused;
    /**
     * Attempts that followed a failed one.
     */
    uint64_t retries;
    /**
     * Requests that were sent again because a kept connection proved to be closed.
     */
    uint64_t stale_connections;
    /**
     * How often a call waited for the quota.
     */
    uint64_t quota_waits;
    /**
     * Seconds that calls waited for the quota, added up over all calls.
     */
    double quota_wait_seconds;
    /**
     * How often a call waited between attempts for other reasons.
     */
    uint64_t backoff_waits;
    /**
     * Seconds that calls waited between attempts for other reasons, added up over all calls.
     */
    double backoff_wait_seconds;
} resayil_stats;

/**
 * What a quota knows, to be shown.
 */
typedef struct {
    /**
     * Whether `limit` and `remaining` are known.
     */
    bool has_limit;
    /**
     * Whether `reset_after_seconds` is known.
     */
    bool has_reset;
    /**
     * Requests a window admits.
     */
    uint32_t limit;
    /**
     * How many more this window admits.
     */
    uint32_t remaining;
    /**
     * Seconds until the window ends, or until a refusal is over.
     */
    double reset_after_seconds;
    /**
     * How many senders wait.
     */
    uint64_t waiting;
    /**
     * How many requests were admitted since the beginning.
     */
    uint64_t admitted;
    /**
     * How many of them the server refused.
     */
    uint64_t refused;
} resayil_quota_state;

/**
 * Is told each decision of a client, in the thread of the call, which waits for it; several threads
 * may call it at once. It may not free the client. `user` is the pointer that was passed in beside
 * the callback.
 */
typedef void (*resayil_event_callback)(const resayil_event *event, void *user);

/**
 * Says of an answer that came well whether to treat it as a failure all the same, in the thread of the
 * call, which waits for it; several threads may call it at once. The answer is borrowed for the time of
 * the callback. `user` is the pointer that was passed in beside the callback.
 */
typedef bool (*resayil_result_callback)(const resayil_response *response, void *user);

/**
 * Carries one call of a fleet's quota to its Redis or Valkey: sends the `count` words as one command, each with
 * its length, waits no longer than some 150 ms for the answer, and says what came: `RESAYIL_FLEET_ANSWERED`
 * after having written the `RESAYIL_FLEET_NUMBERS` integers of the answer to `numbers`, or
 * `RESAYIL_FLEET_ERROR` or `RESAYIL_FLEET_LOST` after having written a text that ends in NUL to `problem`, which
 * has room for `RESAYIL_FLEET_PROBLEM_SIZE` bytes. The text must hold no secret.
 *
 * It is called by a thread of the client's, one call at a time, and may not use the client.
 */
typedef uint32_t (*resayil_fleet_callback)(const char *const *words,
                                           const size_t *lengths,
                                           size_t count,
                                           int64_t *numbers,
                                           char *problem,
                                           void *user);

/**
 * Is called once when `user` is not used any more, by whatever thread.
 */
typedef void (*resayil_fleet_release_callback)(void *user);

/**
 * A limiter as it stands.
 */
typedef struct {
    /**
     * How many requests may be in flight now.
     */
    uint32_t limit;
    /**
     * How many are. More than the limit only after it has shrunk.
     */
    uint32_t in_flight;
    /**
     * How many wait for a place.
     */
    uint32_t waiting;
} resayil_concurrency_state;

/**
 * Borrowed bytes: any bytes, not terminated. `data` may be NULL if `len` is 0.
 */
typedef struct {
    /**
     * The first byte.
     */
    const uint8_t *data;
    /**
     * How many bytes.
     */
    size_t len;
} resayil_bytes;

/**
 * A limit as the headers of an answer tell it.
 */
typedef struct {
    /**
     * Whether `limit` is told.
     */
    bool has_limit;
    /**
     * Whether `remaining` is told.
     */
    bool has_remaining;
    /**
     * Whether `reset_after_seconds` is told.
     */
    bool has_reset_after;
    /**
     * How much a window admits.
     */
    uint64_t limit;
    /**
     * How much the window still admits.
     */
    uint64_t remaining;
    /**
     * Seconds until the window ends, or until the bucket is full.
     */
    double reset_after_seconds;
} resayil_rate_limit;

/**
 * Is called once when it is worth asking again before the time that was named: because an answer to
 * another request arrived, or somebody in front left the line. Any thread may call it: the one that
 * tells an answer, or that polls or frees another handle of the same quota or limiter. It may come
 * for nothing; asking again is always right.
 *
 * It has to be short, such as a write to a pipe or an eventfd. It may not free a handle, and may not
 * wait for a lock that is held while its own handle is polled or freed. `user` is the pointer that was
 * passed in beside it, and has to be valid until the handle's next poll or its end returns: after that
 * it is not called any more, nor still at work.
 */
typedef void (*resayil_waker_callback)(void *user);

/**
 * What an operation does next. Times are on the clock of the operation.
 */
typedef struct {
    /**
     * A RESAYIL_STEP constant. It decides which of the others mean anything.
     */
    uint32_t action;
    /**
     * To wait: whether there is a time to ask again.
     */
    bool has_until;
    /**
     * To send: whether there is a time at which the request has to be given up.
     */
    bool has_ends_at;
    /**
     * To send: whether it must not go out on a kept connection, because one proved to be closed.
     */
    bool needs_fresh_connection;
    /**
     * To send: which request of the operation it is, from 1.
     */
    uint32_t attempt;
    /**
     * To send: the index of the fallback's target, or -1 for the request's own.
     */
    int64_t target;
    /**
     * To wait: when to ask again at the latest.
     */
    double until_seconds;
    /**
     * To send: when the request has to be given up: at the end of its own time or at the deadline.
     */
    double ends_at_seconds;
    /**
     * To wait: for what, a static text: `quota`, `concurrency`, `budget` or `backoff`.
     */
    resayil_str reason;
} resayil_step;

/**
 * Is given each event of a stream: the text that it adds to the answer, often empty, and its JSON.
 * Both are borrowed for the time of the callback and are not NUL-terminated. `user` is the pointer
 * that was passed in beside the callback.
 */
typedef void (*resayil_stream_callback)(const char *text,
                                        size_t text_len,
                                        const uint8_t *data,
                                        size_t data_len,
                                        void *user);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * How many models there are.
 */
size_t resayil_models_count(const resayil_models *models);

/**
 * The name of a model, to use in requests. Absent beyond the last one.
 */
resayil_str resayil_models_id(const resayil_models *models, size_t index);

/**
 * Whose a model is. Absent beyond the last one.
 */
resayil_str resayil_models_owned_by(const resayil_models *models, size_t index);

/**
 * Frees the list and with it all texts that were borrowed from it; NULL is nothing.
 */
void resayil_models_free(resayil_models *models);

/**
 * The tier, such as `basic`, `starter`, `pro` or `enterprise`.
 */
resayil_str resayil_balance_tier(const resayil_balance *balance);

/**
 * The state of the subscription, such as `active`.
 */
resayil_str resayil_balance_status(const resayil_balance *balance);

/**
 * When the subscription ends, as the service writes it.
 */
resayil_str resayil_balance_expires_at(const resayil_balance *balance);

/**
 * The credits left. Says whether they are known; if not, `*credits` is 0.
 */
bool resayil_balance_credits(const resayil_balance *balance, double *credits);

/**
 * Frees the handle and with it all texts that were borrowed from it; NULL is nothing.
 */
void resayil_balance_free(resayil_balance *balance);

/**
 * Makes a full budget. `ratio` is how many retries a successful call earns, 0 to 10
 * (RESAYIL_BUDGET_RATIO); `reserve` how many there are at the beginning and at the most, 0 to 10000
 * (RESAYIL_BUDGET_RESERVE). `*budget` is yours.
 *
 * RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION if one is out of its range.
 */
resayil_status resayil_budget_new(double ratio,
                                  double reserve,
                                  resayil_budget **budget,
                                  resayil_error **error);

/**
 * The same, kept where the quota's model is kept: all processes that share the quota (see
 * `resayil_quota_new_shared`) share the budget with it, so that in an outage many processes of one call each
 * are no storm. The quota stays yours.
 */
resayil_status resayil_budget_new_shared(double ratio,
                                         double reserve,
                                         const resayil_quota *quota,
                                         resayil_budget **budget,
                                         resayil_error **error);

/**
 * How many retries are left.
 */
double resayil_budget_remaining(const resayil_budget *budget);

/**
 * Frees the handle; NULL is nothing. Calls and clients that draw from the budget keep it.
 */
void resayil_budget_free(resayil_budget *budget);

/**
 * Begins one call. `now_seconds` is a point on a clock that never goes back; the same clock is meant
 * in all functions of the call. `seed` decides the jitter. `*call` is yours.
 */
resayil_status resayil_policy_start(const resayil_policy *policy,
                                    double now_seconds,
                                    uint64_t seed,
                                    resayil_call **call);

/**
 * Lets the call draw its retries from a shared budget.
 */
resayil_status resayil_call_set_budget(resayil_call *call, const resayil_budget *budget);

/**
 * Tells a failed attempt, and answers what to do next in `*decision`. `now_seconds` is when the
 * attempt failed. The error stays yours.
 *
 * What the budget does not afford is a retry for the reason `budget`: after the delay this call may try whether
 * the service is back, which spends neither an attempt nor budget.
 */
resayil_status resayil_call_on_error(resayil_call *call,
                                     const resayil_error *error,
                                     double now_seconds,
                                     resayil_decision *decision);

/**
 * Tells that the call succeeded, which fills the budget.
 */
resayil_status resayil_call_on_success(resayil_call *call);

/**
 * Begins the attempts anew, at another target: see `resayil_fallback_call_next`. The deadline and the
 * budget stay; for another service set its own.
 */
resayil_status resayil_call_restart(resayil_call *call);

/**
 * How many failed attempts were told so far, refusals for quota included; 0 while the call is busy.
 */
uint32_t resayil_call_failures(const resayil_call *call);

/**
 * How many seconds are left until the deadline. Says whether there is a deadline; if not, or if
 * `now_seconds` is no time, `*seconds` is 0.
 */
bool resayil_call_remaining(const resayil_call *call, double now_seconds, double *seconds);

/**
 * Frees the call; NULL is nothing.
 */
void resayil_call_free(resayil_call *call);

/**
 * Makes a token that is not cancelled. `*cancel` is yours.
 */
resayil_status resayil_cancel_new(resayil_cancel **cancel);

/**
 * Ends at once all calls that have this token, and those that get it later: they give an error of
 * RESAYIL_KIND_CANCELLED.
 */
resayil_status resayil_cancel_cancel(const resayil_cancel *cancel);

/**
 * Whether the token is cancelled.
 */
bool resayil_cancel_is_cancelled(const resayil_cancel *cancel);

/**
 * Frees the handle; NULL is nothing. Calls that have the token keep it.
 */
void resayil_cancel_free(resayil_cancel *cancel);

/**
 * Starts a request to a model, without messages. `*request` is yours.
 */
resayil_status resayil_chat_request_new(const char *model, resayil_chat_request **request);

/**
 * Adds a message. `role` is `system`, `user` or `assistant`.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for another role.
 */
resayil_status resayil_chat_request_message(resayil_chat_request *request,
                                            const char *role,
                                            const char *content,
                                            size_t content_len);

/**
 * Sets any field, such as `temperature`, to a value that is written as JSON. A field `stream` has no
 * effect: the function that sends the request decides.
 *
 * RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION if the value is no JSON.
 */
resayil_status resayil_chat_request_set(resayil_chat_request *request,
                                        const char *name,
                                        const char *json,
                                        size_t json_len,
                                        resayil_error **error);

/**
 * Writes the request as JSON, as `resayil_client_chat` takes it. `*json` is yours.
 */
resayil_status resayil_chat_request_to_json(const resayil_chat_request *request,
                                            resayil_string **json);

/**
 * Frees the request; NULL is nothing.
 */
void resayil_chat_request_free(resayil_chat_request *request);

/**
 * Waits for the next event: `*text` is what it adds to the answer, often empty, and `*data` its
 * JSON; both are valid until the next function that takes this stream. After the last event
 * RESAYIL_STATUS_OK with both absent.
 *
 * RESAYIL_STATUS_ERROR with an error for whatever broke the answer. Nothing follows an error.
 */
resayil_status resayil_chat_stream_next(resayil_chat_stream *stream,
                                        resayil_str *text,
                                        resayil_str *data,
                                        resayil_error **error);

/**
 * Gives all events that are left to `callback`, until it says stop. `*stopped` says whether it did;
 * the stream can go on then.
 *
 * RESAYIL_STATUS_ERROR with an error for whatever broke the answer.
 */
resayil_status resayil_chat_stream_run(resayil_chat_stream *stream,
                                       resayil_chat_callback callback,
                                       void *user,
                                       bool *stopped,
                                       resayil_error **error);

/**
 * A copy of the text so far, cut to 1 MiB. `*text` is yours.
 */
resayil_status resayil_chat_stream_partial_text(const resayil_chat_stream *stream,
                                                resayil_string **text);

/**
 * A copy of the provider's word for why the model stopped. `*reason` is yours; NULL as long as that
 * is not known.
 */
resayil_status resayil_chat_stream_finish_reason(const resayil_chat_stream *stream,
                                                 resayil_string **reason);

/**
 * A copy of the provider's id of the request. `*id` is yours; NULL if there is none.
 */
resayil_status resayil_chat_stream_request_id(const resayil_chat_stream *stream,
                                              resayil_string **id);

/**
 * How many requests were sent for this call so far; 0 while the stream is busy.
 */
uint32_t resayil_chat_stream_attempts(const resayil_chat_stream *stream);

/**
 * Which target of the client's fallback answers, counted from 0. Says whether it was one; if not, `*index`
 * is 0: the target that was asked first does.
 */
bool resayil_chat_stream_fallback(const resayil_chat_stream *stream,
                                  size_t *index);

/**
 * Frees the stream and closes its connection; NULL is nothing. Not from its own callback.
 */
void resayil_chat_stream_free(resayil_chat_stream *stream);

/**
 * Reads an answer of an LLM API.
 *
 * `status` is the HTTP status; headers and body are the answer's, any bytes. `provider` names whose
 * API it is (`resayil`, `openai` and so on); NULL or `auto` recognises it by the answer.
 * `now_unix_seconds` is the wall clock when the answer arrived, for waits that are given as dates.
 *
 * RESAYIL_STATUS_OK with `*error` NULL for a success; RESAYIL_STATUS_OK with an error that is yours
 * for anything else, an error inside a 200 included. The body of a stream is for `resayil_stream`.
 * RESAYIL_STATUS_UNKNOWN_NAME for an unknown provider, RESAYIL_STATUS_INVALID_ARGUMENT for a status
 * above 65535, a time that is no number or a length beyond the address space.
 */
resayil_status resayil_classify(uint32_t status,
                                const resayil_header *headers,
                                size_t header_count,
                                const uint8_t *body,
                                size_t body_len,
                                const char *provider,
                                double now_unix_seconds,
                                resayil_error **error);

/**
 * Reads the counters of a client into `*stats`. Any thread may ask, at any time.
 */
resayil_status resayil_client_get_stats(const resayil_client *client, resayil_stats *stats);

/**
 * The same with more detail, by kind of error and by reason, and what quota and budget have left; as a
 * list for an exporter. `*metrics` is yours.
 */
resayil_status resayil_client_get_metrics(const resayil_client *client,
                                          resayil_metrics **metrics);

/**
 * Reads what the quota of a client knows at this moment into `*state`. Says whether the client has
 * a quota.
 */
bool resayil_client_get_quota_state(const resayil_client *client, resayil_quota_state *state);

/**
 * How many retries the budget of a client has left.
 */
double resayil_client_budget_remaining(const resayil_client *client);

/**
 * Frees the client; NULL is nothing. Calls that run go on, and what they gave stays valid.
 */
void resayil_client_free(resayil_client *client);

/**
 * Starts from the defaults. `*builder` is yours.
 */
resayil_status resayil_client_builder_new(resayil_client_builder **builder);

/**
 * The API key, without `Bearer`. By default the environment variable RESAYIL_API_KEY.
 */
resayil_status resayil_client_builder_api_key(resayil_client_builder *builder, const char *key);

/**
 * The address that paths such as `chat/completions` are added to. By default the environment
 * variable RESAYIL_BASE_URL, else `https://llmapi.resayil.io/v1`. Plain `http` is taken for this
 * machine alone, unless `resayil_client_builder_allow_http` says otherwise.
 */
resayil_status resayil_client_builder_base_url(resayil_client_builder *builder, const char *url);

/**
 * Whether key and prompts may go over plain `http` to other machines; false by default.
 */
resayil_status resayil_client_builder_allow_http(resayil_client_builder *builder, bool allow);

/**
 * Whose API it is, by name such as `resayil`; NULL or `auto` to know it by the host of the base URL,
 * or else by each answer, which is the default.
 */
resayil_status resayil_client_builder_provider(resayil_client_builder *builder,
                                               const char *name);

/**
 * When calls are tried again. The policy stays yours.
 */
resayil_status resayil_client_builder_policy(resayil_client_builder *builder,
                                             const resayil_policy *policy);

/**
 * The retry budget of all calls, perhaps shared with other clients; by default one of the client's
 * own. The handle stays yours.
 */
resayil_status resayil_client_builder_budget(resayil_client_builder *builder,
                                             const resayil_budget *budget);

/**
 * A quota that is shared with other clients of the same key. It has to measure time by
 * `resayil_monotonic_seconds`. The handle stays yours.
 */
resayil_status resayil_client_builder_quota(resayil_client_builder *builder,
                                            const resayil_quota *quota);

/**
 * A quota of the client's own: how many requests a window admits, 0 if that is unknown, and the
 * length of the window in seconds, 0 for none, at most 86400. By default windows of 60 s whose limit
 * is learned, if the provider is LLM Resayil, else no windows.
 */
resayil_status resayil_client_builder_quota_window(resayil_client_builder *builder,
                                                   uint32_t limit,
                                                   double window_seconds);

/**
 * Tokens of prompts and answers that the key has in a minute, if you know; 0, the default, if that is to be
 * learned. It comes to the quota of the client's own, and has no effect together with
 * `resayil_client_builder_quota` or `resayil_client_builder_no_quota`. What a call costs is told by
 * `resayil_options_cost`, or else estimated by its text; what costs more than the limit fails at once, with
 * the stop reason `exceeds_limit`.
 */
resayil_status resayil_client_builder_tokens_per_minute(resayil_client_builder *builder,
                                                        uint64_t tokens);

/**
 * Whether all processes of this host that use the same origin, key and window, and ask for this, too,
 * share one quota by a file, in whatever language they are written; false by default. The file is in
 * `folder`, which has to be the user's own and writable by nobody else; NULL for `resayil` in
 * `$XDG_RUNTIME_DIR`, or else a folder for temporary files. Where it cannot be done, the client has a
 * quota of its own, and its observer is told the warning `quota_not_shared` once. Linux only. It has no
 * effect together with `resayil_client_builder_quota` or `resayil_client_builder_no_quota`.
 */
resayil_status resayil_client_builder_share_quota(resayil_client_builder *builder,
                                                  bool share,
                                                  const char *folder);

/**
 * The name of what shares one quota with other processes, in place of origin and key: for an account that has
 * several keys or base URLs and one quota for all of them. It goes with `resayil_client_builder_share_quota` or
 * `resayil_client_builder_fleet`, and is the `group` of `resayil_quota_new_shared`. By default there is none. An empty one
 * is refused by `resayil_client_builder_build`.
 */
resayil_status resayil_client_builder_quota_group(resayil_client_builder *builder,
                                                  const char *name);

/**
 * No quota at all: every call is sent at once.
 */
resayil_status resayil_client_builder_no_quota(resayil_client_builder *builder);

/**
 * How long making a connection may take, in seconds: more than 0; 10 by default.
 */
resayil_status resayil_client_builder_connect_timeout(resayil_client_builder *builder,
                                                      double seconds);

/**
 * How long one attempt may take, in seconds: more than 0; 120 by default. The LLM Resayil guide asks
 * for 30 at least: a shorter one is told to the observer once.
 */
resayil_status resayil_client_builder_attempt_timeout(resayil_client_builder *builder,
                                                      double seconds);

/**
 * How long a stream that has begun may be silent, in seconds: more than 0; 60 by default.
 */
resayil_status resayil_client_builder_idle_timeout(resayil_client_builder *builder, double seconds);

/**
 * The largest answer that is read, in bytes after decompression: at least 1; 16 MiB by default.
 */
resayil_status resayil_client_builder_max_response_bytes(resayil_client_builder *builder,
                                                         size_t bytes);

/**
 * The `User-Agent`: visible ASCII and spaces; `resayil/` and the version by default.
 */
resayil_status resayil_client_builder_user_agent(resayil_client_builder *builder, const char *text);

/**
 * Is told every decision: retries, stops, waits for the quota, warnings. NULL for nobody. `user` is
 * given back to it, and has to be valid as long as the client and its streams are.
 */
resayil_status resayil_client_builder_observer(resayil_client_builder *builder,
                                               resayil_event_callback callback,
                                               void *user);

/**
 * Says of every whole answer of `resayil_client_chat` and `resayil_client_post` whether to treat it as
 * a failure: see `resayil_options_retry_if_result`. NULL for none, which is the default. `user` is given
 * back to it, and has to be valid as long as the client is.
 */
resayil_status resayil_client_builder_retry_if_result(resayil_client_builder *builder,
                                                      resayil_result_callback callback,
                                                      void *user);

/**
 * How many requests may be in flight at once, streams to their end: 1 to 100,000; further calls wait in
 * order, up to their deadline or cancellation. By default there is no limit. If it is `adaptive`, it is
 * the ceiling of a limit that starts at 20 or less, grows while all goes well, and shrinks when the
 * service is overloaded or does not answer in time. No place is held while a call waits for the quota or
 * between attempts. `resayil_client_get_metrics` tells how it stands.
 */
resayil_status resayil_client_builder_max_concurrency(resayil_client_builder *builder,
                                                      uint32_t max,
                                                      bool adaptive);

/**
 * Other models or services that take over chats (and what `resayil_client_post` sends to
 * `chat/completions`) which the client's own does not serve; none by default. The handle stays yours.
 *
 * Quota and budget are per origin and key: a target of another one has those of its own. Each change of
 * target is told to the observer as a retry with the reason `fallback`, and carries the idempotency key
 * with a number at its end. If all fail, the last target's error is given, with the attempts of all.
 */
resayil_status resayil_client_builder_fallback(resayil_client_builder *builder,
                                               const resayil_fallback *fallback);

/**
 * Checks the options and makes the client, which is yours. Nothing is sent. The options are used up:
 * the builder is still to be freed, and refuses everything else.
 *
 * RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION: no key, or a key, address or
 * option of bad form. RESAYIL_STATUS_INVALID_ARGUMENT if the builder is used up.
 */
resayil_status resayil_client_builder_build(resayil_client_builder *builder,
                                            resayil_client **client,
                                            resayil_error **error);

/**
 * Frees the builder; NULL is nothing.
 */
void resayil_client_builder_free(resayil_client_builder *builder);

/**
 * Asks for a chat completion and waits for the whole answer. `request` is the JSON object of the
 * request, such as `{"model":"m","messages":[{"role":"user","content":"Hello"}]}`; see
 * `resayil_chat_request` for a way to make it. `options` may be NULL. `*completion` is yours.
 *
 * RESAYIL_STATUS_ERROR with an error for whatever went wrong, after the retries that the policy
 * allows.
 */
resayil_status resayil_client_chat(const resayil_client *client,
                                   const char *request,
                                   size_t request_len,
                                   const resayil_options *options,
                                   resayil_completion **completion,
                                   resayil_error **error);

/**
 * Asks for a chat completion that comes piece by piece. Returns when the answer begins; `*stream`,
 * which is yours, has the rest. The request is that of `resayil_client_chat`; the deadline of the
 * options holds for the whole stream.
 *
 * RESAYIL_STATUS_ERROR with an error for whatever went wrong before, after the retries that the
 * policy allows.
 */
resayil_status resayil_client_chat_stream(const resayil_client *client,
                                          const char *request,
                                          size_t request_len,
                                          const resayil_options *options,
                                          resayil_chat_stream **stream,
                                          resayil_error **error);

/**
 * Sends a JSON body to `{base}/{path}`, with quota, retries and budget as `resayil_client_chat`, and
 * gives the answer as it came. `options` may be NULL. `*response` is yours.
 *
 * RESAYIL_STATUS_ERROR with an error for whatever went wrong, after the retries that the policy
 * allows: an answer that is no success is an error, too.
 */
resayil_status resayil_client_post(const resayil_client *client,
                                   const char *path,
                                   const uint8_t *body,
                                   size_t body_len,
                                   const resayil_options *options,
                                   resayil_response **response,
                                   resayil_error **error);

/**
 * Asks for the models that the key may use. `*models` is yours.
 *
 * RESAYIL_STATUS_ERROR with an error for whatever went wrong, after the retries that the policy
 * allows.
 */
resayil_status resayil_client_models(const resayil_client *client,
                                     resayil_models **models,
                                     resayil_error **error);

/**
 * Asks for the account's subscription and credits, which only LLM Resayil has. `*balance` is yours.
 *
 * RESAYIL_STATUS_ERROR with an error for whatever went wrong, after the retries that the policy
 * allows. The service is known to answer 500 here at times while all else works.
 */
resayil_status resayil_client_balance(const resayil_client *client,
                                      resayil_balance **balance,
                                      resayil_error **error);

/**
 * Shares the quota of the base URL's origin and the key with all processes that are given the same Redis or
 * Valkey, on whatever hosts and in whatever language: its URL, such as `redis://host:6379` or `rediss://`. A
 * password may be in it, or in the environment variable `RESAYIL_FLEET_PASSWORD`. Where the server cannot be
 * reached, the client goes on with its share of the limit, and its observer is told the warning
 * `quota_not_shared` once. It has no effect together with `resayil_client_builder_quota` or
 * `resayil_client_builder_no_quota`, and excludes `resayil_client_builder_share_quota`.
 */
resayil_status resayil_client_builder_fleet(resayil_client_builder *builder,
                                            const char *url);

/**
 * The same over a connection of the program's own: `callback` carries the calls. `user` is given back to it, and
 * has to be valid until `release`, which may be NULL, is called with it: some time after the client and its
 * streams are gone, or when the builder is freed.
 */
resayil_status resayil_client_builder_fleet_with(resayil_client_builder *builder,
                                                 resayil_fleet_callback callback,
                                                 resayil_fleet_release_callback release,
                                                 void *user);

/**
 * How long the first byte of an answer may take, in seconds, from the end of the request on; 0 for no limit
 * but that of the attempt, which is the default.
 */
resayil_status resayil_client_builder_first_byte_timeout(resayil_client_builder *builder,
                                                         double seconds);

/**
 * The largest answer that is read, in bytes as they come, packed, with what frames them: at least 1; 32 MiB by
 * default. Raise it with `resayil_client_builder_max_response_bytes`.
 */
resayil_status resayil_client_builder_max_wire_bytes(resayil_client_builder *builder,
                                                     uint64_t bytes);

/**
 * The largest head of an answer, in bytes, with those of interim answers in front of it: at least 1; 64 KiB by
 * default.
 */
resayil_status resayil_client_builder_max_head_bytes(resayil_client_builder *builder,
                                                     size_t bytes);

/**
 * The most headers that an answer may have: at least 1; 128 by default.
 */
resayil_status resayil_client_builder_max_headers(resayil_client_builder *builder, size_t count);

/**
 * Announces bodies of more than this many bytes with `Expect: 100-continue`, and sends them when the server has
 * agreed, or after a second of silence; SIZE_MAX for none, which is the default.
 */
resayil_status resayil_client_builder_expect_continue_above(resayil_client_builder *builder,
                                                            size_t bytes);

/**
 * The proxy of all requests: `http://`, `https://`, `socks5://` (names are looked up here) or `socks5h://` (by the
 * proxy), with `user:password@` before the host if need be; an empty text for no proxy at all. By default the one
 * that the environment names, as curl reads it: `https_proxy` or `http_proxy` by the scheme of the base URL, else
 * `all_proxy`, each in small letters first, then in capitals, but for the hosts in `no_proxy`. Nothing is ever
 * sent past a proxy that is named.
 */
resayil_status resayil_client_builder_proxy(resayil_client_builder *builder,
                                            const char *proxy);

/**
 * A PEM file of the certificates that may sign a server's: they alone are trusted; NULL for the platform's, or those
 * in the file that the environment variable `SSL_CERT_FILE` names, which is the default.
 */
resayil_status resayil_client_builder_ca_file(resayil_client_builder *builder,
                                              const char *path);

/**
 * The same as `resayil_client_builder_ca_file`, given as PEM text. The last of the two counts.
 */
resayil_status resayil_client_builder_ca_pem(resayil_client_builder *builder,
                                             const char *pem,
                                             size_t pem_len);

/**
 * PEM files of the certificate that the client shows where a server asks for one, with those that sign it, and of
 * its private key. By default none.
 */
resayil_status resayil_client_builder_client_cert_file(resayil_client_builder *builder,
                                                       const char *certificate,
                                                       const char *key);

/**
 * The same as `resayil_client_builder_client_cert_file`, given as PEM text. The last of the two counts.
 */
resayil_status resayil_client_builder_client_cert_pem(resayil_client_builder *builder,
                                                      const char *certificate,
                                                      size_t certificate_len,
                                                      const char *key,
                                                      size_t key_len);

/**
 * The text of the first choice; empty if the model only calls tools.
 */
resayil_str resayil_completion_content(const resayil_completion *completion);

/**
 * Why the model stopped: `stop`, `length` and others.
 */
resayil_str resayil_completion_finish_reason(const resayil_completion *completion);

/**
 * The model that answered, as the service calls it.
 */
resayil_str resayil_completion_model(const resayil_completion *completion);

/**
 * The provider's id of the request.
 */
resayil_str resayil_completion_request_id(const resayil_completion *completion);

/**
 * The whole answer as it came: JSON.
 */
resayil_str resayil_completion_json(const resayil_completion *completion);

/**
 * How many requests were sent for this call.
 */
uint32_t resayil_completion_attempts(const resayil_completion *completion);

/**
 * Which target of the client's fallback answered, counted from 0. Says whether it was one; if not, `*index`
 * is 0: the target that was asked first did.
 */
bool resayil_completion_fallback(const resayil_completion *completion,
                                 size_t *index);

/**
 * What the answer cost, in tokens: of the request, of the answer, of both. Says whether the service
 * tells; if not, all are 0.
 */
bool resayil_completion_usage(const resayil_completion *completion,
                              uint64_t *prompt_tokens,
                              uint64_t *completion_tokens,
                              uint64_t *total_tokens);

/**
 * Frees the answer and with it all texts that were borrowed from it; NULL is nothing.
 */
void resayil_completion_free(resayil_completion *completion);

/**
 * Makes a limiter with all places free. `max` is 1 to 100000 requests; `adaptive` finds the limit by
 * trying, from 20 up to `max`. `*limiter` is yours.
 *
 * RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION, which names the option
 * `max_concurrency`, if `max` is out of its range.
 */
resayil_status resayil_concurrency_limiter_new(uint32_t max,
                                               bool adaptive,
                                               resayil_concurrency_limiter **limiter,
                                               resayil_error **error);

/**
 * Reads how the limiter stands into `*state`.
 */
resayil_status resayil_concurrency_limiter_get_state(const resayil_concurrency_limiter *limiter,
                                                     resayil_concurrency_state *state);

/**
 * Frees the handle; NULL is nothing. Operations that have the limiter keep it.
 */
void resayil_concurrency_limiter_free(resayil_concurrency_limiter *limiter);

/**
 * What went wrong: a RESAYIL_KIND constant, or a number that this header does not know.
 */
uint32_t resayil_error_kind(const resayil_error *error);

/**
 * The name of the kind, such as `rate_limit`.
 */
resayil_str resayil_error_kind_name(const resayil_error *error);

/**
 * The HTTP status of the answer; 0 when there was none. For an error inside a success or a stream
 * it is the status that the error stands for, where the body names one.
 */
uint32_t resayil_error_status(const resayil_error *error);

/**
 * How grave it is: a RESAYIL_SEVERITY constant.
 */
uint32_t resayil_error_severity(const resayil_error *error);

/**
 * The name of the severity, such as `warning`.
 */
resayil_str resayil_error_severity_name(const resayil_error *error);

/**
 * Whether another try of the same request may succeed. A `resayil_call` looks at more than this.
 */
bool resayil_error_is_retryable(const resayil_error *error);

/**
 * One line for a log: kind, status, message, wait and request id, without secrets.
 */
resayil_str resayil_error_summary(const resayil_error *error);

/**
 * Makes a second handle of the same error, which is yours.
 */
resayil_status resayil_error_clone(const resayil_error *error, resayil_error **clone);

/**
 * Frees the error and with it all texts that were borrowed from it; NULL is nothing.
 */
void resayil_error_free(resayil_error *error);

/**
 * The provider's message, redacted, for the developer's eyes. What to show a user is
 * `resayil_error_user_message`.
 */
resayil_str resayil_error_message(const resayil_error *error);

/**
 * The provider's error code; a number as its digits.
 */
resayil_str resayil_error_code(const resayil_error *error);

/**
 * The provider's error type, such as `invalid_request_error`.
 */
resayil_str resayil_error_type(const resayil_error *error);

/**
 * The parameter of the request that the provider complains of.
 */
resayil_str resayil_error_param(const resayil_error *error);

/**
 * The provider's id of the request, to name when asking for support.
 */
resayil_str resayil_error_request_id(const resayil_error *error);

/**
 * Whose API answered, such as `resayil`.
 */
resayil_str resayil_error_provider(const resayil_error *error);

/**
 * The model that the request named, where the client told.
 */
resayil_str resayil_error_model(const resayil_error *error);

/**
 * What a stream had delivered before it failed.
 */
resayil_str resayil_error_partial_text(const resayil_error *error);

/**
 * How long the server asks to wait, uncapped, in seconds. Says whether it asks; if not, `*seconds`
 * is 0.
 */
bool resayil_error_retry_after(const resayil_error *error, double *seconds);

/**
 * Where the wait was read: `body`, `window`, `retry_after_ms`, `retry_after`, `rate_limit_reset`,
 * `message` or `quota`.
 */
resayil_str resayil_error_retry_after_source(const resayil_error *error);

/**
 * How many requests a window admits, by the answer's headers. Says whether they tell; if not,
 * `*limit` is 0.
 */
bool resayil_error_rate_limit_limit(const resayil_error *error, uint64_t *limit);

/**
 * How many requests the window still admits, by the answer's headers. Says whether they tell; if
 * not, `*remaining` is 0.
 */
bool resayil_error_rate_limit_remaining(const resayil_error *error, uint64_t *remaining);

/**
 * How many seconds are left until the window ends, by the answer's headers. Says whether they tell;
 * if not, `*seconds` is 0.
 */
bool resayil_error_rate_limit_reset_after(const resayil_error *error, double *seconds);

/**
 * What the limit counts that refused the request: `requests`, `tokens`, `input_tokens`,
 * `output_tokens`, `concurrency`, `images` or `spend`. Absent where the answer does not tell.
 */
resayil_str resayil_error_limit_scope(const resayil_error *error);

/**
 * The length of the window in which that limit counts, in seconds; a month is 30 days. Says whether
 * the answer tells; if not, `*seconds` is 0.
 */
bool resayil_error_limit_window(const resayil_error *error, double *seconds);

/**
 * When the server expects the next request, in seconds since 1970 by its own clock, uncapped. Says
 * whether it names a time, and not a wait; if not, `*seconds` is 0.
 */
bool resayil_error_retry_at(const resayil_error *error, double *seconds);

/**
 * Which rule ended the call, such as `max_attempts`: the reasons that a `resayil_call` gives for
 * stopping. Absent if nobody decided about another attempt.
 */
resayil_str resayil_error_stop_reason(const resayil_error *error);

/**
 * What became of the request: `not_sent`, `perhaps_processed` (the service may have carried it out, and
 * billed it, though no whole answer arrived) or `answered`.
 */
resayil_str resayil_error_request_state(const resayil_error *error);

/**
 * How many requests were sent for this call, refused ones included; 0 if none was or if nobody
 * counted.
 */
uint32_t resayil_error_attempts(const resayil_error *error);

/**
 * Whether retries are used up below, so that an outer layer must not multiply them.
 */
bool resayil_error_is_exhausted(const resayil_error *error);

/**
 * Whether the server may have carried out the request although no whole answer arrived.
 */
bool resayil_error_is_ambiguous(const resayil_error *error);

/**
 * Whether the answer was a success that the caller would not take: see
 * `resayil_options_retry_if_result`.
 */
bool resayil_error_is_rejected(const resayil_error *error);

/**
 * Whether the request can be sent again without delivering anything twice: nothing of an answer
 * had been delivered.
 */
bool resayil_error_is_safe_to_replay(const resayil_error *error);

/**
 * The raw body of the answer, cut to 64 KiB. It may hold the prompt: do not print it. Borrowed as
 * texts are.
 */
resayil_bytes resayil_error_body(const resayil_error *error);

/**
 * How many headers of the answer are kept: at most 128.
 */
size_t resayil_error_header_count(const resayil_error *error);

/**
 * A header of the answer, in the order in which they came. Says whether there is one of this
 * number. Values may hold secrets: do not print them. Borrowed as texts are, not NUL-terminated.
 */
bool resayil_error_header_at(const resayil_error *error,
                             size_t index,
                             resayil_bytes *name,
                             resayil_bytes *value);

/**
 * The value of the first header of this name, in any case; `data` is NULL if there is none.
 * Borrowed as texts are, not NUL-terminated.
 */
resayil_bytes resayil_error_header(const resayil_error *error, const char *name);

/**
 * How many fields of the request are invalid: at most 100.
 */
size_t resayil_error_field_count(const resayil_error *error);

/**
 * The path of an invalid field, as the provider writes it: `messages.0.role`. Absent beyond the
 * last one.
 */
resayil_str resayil_error_field_name(const resayil_error *error, size_t field);

/**
 * How many messages there are about a field; 0 beyond the last one.
 */
size_t resayil_error_field_message_count(const resayil_error *error, size_t field);

/**
 * A message about a field, redacted, in the provider's language. Absent beyond the last one.
 */
resayil_str resayil_error_field_message(const resayil_error *error, size_t field, size_t message);

/**
 * Makes an error of a kind, for a failure that no answer describes: RESAYIL_KIND_NETWORK for a
 * connection that broke, RESAYIL_KIND_TIMEOUT for a local limit. The message is redacted. A number
 * that this version does not know makes an error of RESAYIL_KIND_UNKNOWN.
 */
resayil_status resayil_error_new(uint32_t kind,
                                 const char *message,
                                 size_t message_len,
                                 resayil_error **error);

/**
 * Sets the HTTP status: 100 to 999.
 */
resayil_status resayil_error_set_status(resayil_error *error, uint32_t status);

/**
 * Sets whether another try of the same request may succeed.
 */
resayil_status resayil_error_set_retryable(resayil_error *error, bool retryable);

/**
 * Sets the wait that is needed, in seconds: 0 or more.
 */
resayil_status resayil_error_set_retry_after(resayil_error *error, double seconds);

/**
 * Sets how many requests were sent for this call.
 */
resayil_status resayil_error_set_attempts(resayil_error *error, uint32_t attempts);

/**
 * Marks the error as the end of a layer's retries, or not.
 */
resayil_status resayil_error_set_exhausted(resayil_error *error, bool exhausted);

/**
 * Sets which rule ended the call, by the name that a `resayil_decision` gives, such as
 * `max_attempts`.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for a name that this version does not know.
 */
resayil_status resayil_error_set_stop_reason(resayil_error *error, const char *reason);

/**
 * Marks the error as one after which the request may have been carried out, or not: a time-out or
 * a connection that broke after the request was sent.
 */
resayil_status resayil_error_set_ambiguous(resayil_error *error, bool ambiguous);

/**
 * Sets whether the answer was a success that you do not take: an empty text, JSON that breaks off. A
 * `resayil_call` retries such an error, of RESAYIL_KIND_PROTOCOL, as long as attempts are left, and
 * without cost to the budget.
 */
resayil_status resayil_error_set_rejected(resayil_error *error,
                                          bool rejected);

/**
 * Sets the model that the request named, for the texts for people; cut to 200 bytes.
 */
resayil_status resayil_error_set_model(resayil_error *error, const char *model);

/**
 * Sets whose API it was, by name such as `resayil`; NULL for nobody's.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for a name that this version does not know.
 */
resayil_status resayil_error_set_provider(resayil_error *error, const char *provider);

/**
 * A friendly sentence that is safe to show to an end user. `language` is a tag such as `en`, `ar`
 * or `ar-KW`, NULL for English; absent in a language that this version does not speak.
 */
resayil_str resayil_error_user_message(const resayil_error *error, const char *language);

/**
 * How many steps of advice there are; 0 in a language that this version does not speak.
 */
size_t resayil_error_advice_count(const resayil_error *error, const char *language);

/**
 * One step of advice on what to do about the error. Absent beyond the last one, and in a language
 * that this version does not speak.
 */
resayil_str resayil_error_advice(const resayil_error *error, const char *language, size_t index);

/**
 * The page of the provider that explains this kind of error.
 */
resayil_str resayil_error_help_url(const resayil_error *error);

/**
 * The error record: one JSON object, the same from every language, with the texts for people in
 * `language` (NULL for English). `*json` is yours.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for a language that this version does not speak.
 */
resayil_status resayil_error_to_json(const resayil_error *error,
                                     const char *language,
                                     resayil_string **json);

/**
 * Reads what the answer's headers tell of a limit into `*rate_limit`. `scope` is `tokens`, or `input_tokens`
 * or `output_tokens` where the server counts them apart, as Anthropic does; NULL for requests, or for the one
 * limit that is told where requests are not.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for another scope.
 */
resayil_status resayil_error_get_rate_limit(const resayil_error *error,
                                            const char *scope,
                                            resayil_rate_limit *rate_limit);

/**
 * What was decided: `retry`, `stop`, `quota_wait` or `warning`.
 */
resayil_str resayil_event_action(const resayil_event *event);

/**
 * Why: the reason of a `resayil_decision`, or `quota`, `stale_connection`, `attempt_timeout` or
 * `quota_not_shared`.
 */
resayil_str resayil_event_reason(const resayil_event *event);

/**
 * How many requests were sent for this call so far.
 */
uint32_t resayil_event_attempt(const resayil_event *event);

/**
 * How many seconds the call waits before the next attempt. Says whether it waits; if not, `*seconds`
 * is 0.
 */
bool resayil_event_delay(const resayil_event *event,
                         double *seconds);

/**
 * All of it in one line, for a log: without secrets.
 */
resayil_str resayil_event_summary(const resayil_event *event);

/**
 * The kind of the failure that led to the decision, a RESAYIL_KIND constant; RESAYIL_KIND_UNKNOWN if
 * there is none.
 */
uint32_t resayil_event_kind(const resayil_event *event);

/**
 * The HTTP status of the failure that led to the decision; 0 if there is none.
 */
uint32_t resayil_event_status(const resayil_event *event);

/**
 * The provider's code of the failure that led to the decision. May be absent.
 */
resayil_str resayil_event_code(const resayil_event *event);

/**
 * The provider's id of the request that failed. May be absent.
 */
resayil_str resayil_event_request_id(const resayil_event *event);

/**
 * The failure that led to the decision, NULL if there is none. Borrowed: not to be freed.
 */
const resayil_error *resayil_event_error(const resayil_event *event);

/**
 * Starts without targets, and from the defaults. `*builder` is yours.
 */
resayil_status resayil_fallback_builder_new(resayil_fallback_builder **builder);

/**
 * Adds a target at the end: a model, the address of a service, or both, NULL for what is as the
 * request has it. A service of another origin has to have its own key: the first one's is never sent
 * there. A fallback has 1 to 100 targets, which are counted from 0.
 */
resayil_status resayil_fallback_builder_target(resayil_fallback_builder *builder,
                                               const char *model,
                                               const char *base_url,
                                               const char *api_key);

/**
 * Which kinds of error (RESAYIL_KIND constants) lead to the next target; `overloaded` and `not_found`
 * by default. None at all leaves the closed budget alone.
 */
resayil_status resayil_fallback_builder_on(resayil_fallback_builder *builder,
                                           const uint32_t *kinds,
                                           size_t count);

/**
 * How many attempts that end `overloaded` a target gets: 1 to 1000; 2 by default. From the policy's
 * `max_attempts` on, the policy alone decides.
 */
resayil_status resayil_fallback_builder_overloaded_attempts(resayil_fallback_builder *builder,
                                                            uint32_t attempts);

/**
 * The longest wait for a target that is `overloaded`, in seconds: 0 to 86400; 10 by default. Instead of
 * a longer one the next target is asked at once.
 */
resayil_status resayil_fallback_builder_max_wait(resayil_fallback_builder *builder,
                                                 double seconds);

/**
 * Checks the options and makes the fallback, which is yours. The builder stays as it is.
 *
 * RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION, whose message names the option and
 * its range, if one is out of it.
 */
resayil_status resayil_fallback_builder_build(const resayil_fallback_builder *builder,
                                              resayil_fallback **fallback,
                                              resayil_error **error);

/**
 * Frees the builder; NULL is nothing.
 */
void resayil_fallback_builder_free(resayil_fallback_builder *builder);

/**
 * Frees the fallback; NULL is nothing. Calls and clients that use it keep it.
 */
void resayil_fallback_free(resayil_fallback *fallback);

/**
 * Begins one call, at the target that the request names itself. `*targets` is yours.
 */
resayil_status resayil_fallback_start(const resayil_fallback *fallback,
                                      resayil_fallback_call **targets);

/**
 * To be asked after each `resayil_call_on_error`, with the same error and time. Where `*taken` is true,
 * that decision is void: `resayil_call_restart` begins the attempts anew, and the request is sent to the
 * target of the number `*index` at once, with another idempotency key. Else `*index` is 0.
 */
resayil_status resayil_fallback_call_next(resayil_fallback_call *targets,
                                          const resayil_call *call,
                                          const resayil_error *error,
                                          double now_seconds,
                                          bool *taken,
                                          size_t *index);

/**
 * Frees the way; NULL is nothing.
 */
void resayil_fallback_call_free(resayil_fallback_call *targets);

/**
 * Reads a header block as libcurl's header callback, a proxy's log or a file has it: a status line,
 * which may be missing, and headers; lines end in CRLF or LF, and folded ones are joined. Any bytes can be
 * read; a line that is no header is passed over. Where several blocks follow each other, as after
 * `100 Continue`, a redirect or a proxy's answer, the last one counts. What comes behind its empty line
 * is not read. The text is copied. `*headers` is yours.
 */
resayil_status resayil_headers_parse(const char *text,
                                     size_t text_len,
                                     resayil_headers **headers);

/**
 * The HTTP status of the block; 0 if it has none.
 */
uint32_t resayil_headers_status(const resayil_headers *headers);

/**
 * The headers in their order, for every function that takes an array of them. Names and values are
 * NUL-terminated. Borrowed: valid until the handle is freed; NULL for NULL.
 */
const resayil_header *resayil_headers_data(const resayil_headers *headers);

/**
 * How many headers there are.
 */
size_t resayil_headers_count(const resayil_headers *headers);

/**
 * The value of the first header of this name, in any case. Absent if there is none.
 */
resayil_bytes resayil_headers_get(const resayil_headers *headers, const char *name);

/**
 * Frees the headers; NULL is nothing.
 */
void resayil_headers_free(resayil_headers *headers);

/**
 * How many kinds this version knows.
 */
size_t resayil_kind_count(void);

/**
 * The number of the kind at this place of the table, in rising order; `RESAYIL_KIND_UNKNOWN` beyond
 * its end.
 */
uint32_t resayil_kind_at(size_t index);

/**
 * The name of a kind, such as `rate_limit`: a static text, absent for a number that this version
 * does not know.
 */
resayil_str resayil_kind_name(uint32_t kind);

/**
 * The number of the kind of this name.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME, and `*kind` 0, for a name that this version does not know.
 */
resayil_status resayil_kind_from_name(const char *name, uint32_t *kind);

/**
 * How grave a kind is: a RESAYIL_SEVERITY constant; that of `unknown` for an unknown number.
 */
uint32_t resayil_kind_severity(uint32_t kind);

/**
 * Whether another try of the same request may succeed after this kind of error, if nothing more
 * is known; false for an unknown number.
 */
bool resayil_kind_is_retryable(uint32_t kind);

/**
 * The name of a severity: `info`, `warning`, `error` or `critical`. A static text, absent for an
 * unknown number.
 */
resayil_str resayil_severity_name(uint32_t severity);

/**
 * Makes texts from the built-in ones of a language (`en`, `ar`; NULL for English) and from data, a
 * JSON object such as
 * `{"language": "fr", "kinds": {"server": {"user_message": "...", "advice": ["..."]}}}`, whose texts
 * may hold `{wait}`, `{field}` and `{model}`. Without data `len` is 0. `*messages` is yours.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for a language that is not built in. RESAYIL_STATUS_ERROR with an error
 * of RESAYIL_KIND_CONFIGURATION for data that is no set of texts.
 */
resayil_status resayil_messages_new(const char *language,
                                    const char *data,
                                    size_t data_len,
                                    resayil_messages **messages,
                                    resayil_error **error);

/**
 * Writes the sentence that is safe to show to an end user. `*text` is yours.
 */
resayil_status resayil_messages_user_message(const resayil_messages *messages,
                                             const resayil_error *error,
                                             resayil_string **text);

/**
 * Writes one step of advice on what to do about the error. `*text` is yours; NULL beyond the last
 * step.
 */
resayil_status resayil_messages_advice(const resayil_messages *messages,
                                       const resayil_error *error,
                                       size_t index,
                                       resayil_string **text);

/**
 * Writes the error record with these texts. `*json` is yours.
 */
resayil_status resayil_messages_to_json(const resayil_messages *messages,
                                        const resayil_error *error,
                                        resayil_string **json);

/**
 * Frees the texts; NULL is nothing.
 */
void resayil_messages_free(resayil_messages *messages);

/**
 * How many values there are.
 */
size_t resayil_metrics_count(const resayil_metrics *metrics);

/**
 * The name of what is measured, such as `resayil.client.retries`. Absent beyond the last value.
 */
resayil_str resayil_metrics_name(const resayil_metrics *metrics, size_t index);

/**
 * `counter` for a sum that only grows, `gauge` for a value as it is now. Absent beyond the last value.
 */
resayil_str resayil_metrics_instrument(const resayil_metrics *metrics,
                                       size_t index);

/**
 * The unit by UCUM: `s` is seconds, what is in braces is counted. Absent beyond the last value.
 */
resayil_str resayil_metrics_unit(const resayil_metrics *metrics, size_t index);

/**
 * The value; 0 beyond the last one. Counts are exact up to 2^53.
 */
double resayil_metrics_value(const resayil_metrics *metrics, size_t index);

/**
 * How many attributes tell a value from others of the same name; 0 beyond the last value.
 */
size_t resayil_metrics_attribute_count(const resayil_metrics *metrics, size_t index);

/**
 * The name of an attribute, such as `error.type`. Absent beyond the last one.
 */
resayil_str resayil_metrics_attribute_name(const resayil_metrics *metrics,
                                           size_t index,
                                           size_t attribute);

/**
 * The value of an attribute, such as `rate_limit`. Absent beyond the last one.
 */
resayil_str resayil_metrics_attribute_value(const resayil_metrics *metrics,
                                            size_t index,
                                            size_t attribute);

/**
 * Frees the list and with it all texts that were borrowed from it; NULL is nothing.
 */
void resayil_metrics_free(resayil_metrics *metrics);

/**
 * Asks what to do now, and tells it in `*step`. Where that is RESAYIL_STEP_WAIT, `waker` is called with
 * `user` as soon as it is worth asking again before the time; it takes the place of the one before.
 * NULL for no call: then ask again at the time, and where there is none, whenever another operation has
 * ended.
 *
 * RESAYIL_STATUS_INVALID_STATE as long as a request is under way, of whose end nothing was told.
 */
resayil_status resayil_operation_poll(resayil_operation *operation,
                                      double now_seconds,
                                      resayil_waker_callback waker,
                                      void *user,
                                      resayil_step *step);

/**
 * The caller does not want the answer any more: the operation fails with an error of
 * RESAYIL_KIND_CANCELLED, unless it is over. A request that is under way is yours to break off; it
 * counts as one that may have been carried out, and is told by this, not to be told again.
 */
resayil_status resayil_operation_cancel(resayil_operation *operation, double now_seconds);

/**
 * The error of an operation that has failed, marked with what the operation knows: how many requests
 * were sent, which rule stopped it, whether retries are used up. `*error` is yours. It is given once;
 * NULL after that, and as long as the operation has not failed.
 */
resayil_status resayil_operation_take_error(resayil_operation *operation,
                                            resayil_error **error);

/**
 * Frees the operation and gives back what it held; NULL is nothing. One that is not over is cancelled.
 */
void resayil_operation_free(resayil_operation *operation);

/**
 * A copy of the `Idempotency-Key` to send with the request. It changes where the operation goes on as
 * another request, because its answer was rejected or at another target: ask for each attempt. `*key`
 * is yours; NULL if none was given.
 */
resayil_status resayil_operation_idempotency_key(const resayil_operation *operation,
                                                 resayil_string **key);

/**
 * A copy of the name of the model that the request is for, which is another one at a fallback's target.
 * `*model` is yours; NULL if it is not known.
 */
resayil_status resayil_operation_model(const resayil_operation *operation,
                                       resayil_string **model);

/**
 * How many requests were sent so far; 0 while the operation is busy.
 */
uint32_t resayil_operation_attempts(const resayil_operation *operation);

/**
 * Whether the operation has succeeded or failed; false while it is busy.
 */
bool resayil_operation_is_over(const resayil_operation *operation);

/**
 * When the operation has to be over, on its clock. Says whether there is a deadline; if not, or while
 * the operation is busy, `*seconds` is 0.
 */
bool resayil_operation_deadline(const resayil_operation *operation,
                                double *seconds);

/**
 * The error for a request that took too long: of RESAYIL_KIND_DEADLINE if the deadline is over, and else
 * of RESAYIL_KIND_TIMEOUT. `ambiguous` says whether the server may have carried the request out. `*error`
 * is yours: tell it by `resayil_operation_on_failure` or `resayil_operation_on_error`.
 */
resayil_status resayil_operation_timeout_error(const resayil_operation *operation,
                                               bool ambiguous,
                                               double now_seconds,
                                               resayil_error **error);

/**
 * Makes the options of requests to this service that are retried by this policy. Both handles stay
 * yours. `*options` is yours.
 */
resayil_status resayil_operation_options_new(const resayil_policy *policy,
                                             const resayil_service *service,
                                             resayil_operation_options **options);

/**
 * What takes the request over if the service does not serve it, and the services of its targets, in
 * the same order: an entry that is NULL or missing stands for the request's own. Default: none. The
 * handles stay yours.
 *
 * A target with an address of its own has to have a service of its own: with the first one's it would
 * wait for that one's quota.
 */
resayil_status resayil_operation_options_fallback(resayil_operation_options *options,
                                                  const resayil_fallback *fallback,
                                                  const resayil_service *const *services,
                                                  size_t service_count);

/**
 * Whether the request counts against the quota, and so waits for it. Default: true.
 */
resayil_status resayil_operation_options_metered(resayil_operation_options *options, bool metered);

/**
 * The `Idempotency-Key` of its attempts: 1 to 255 visible ASCII characters, or
 * `resayil_operation_options_start` fails. Where the operation goes on as another request, the key has a
 * number at its end: see `resayil_operation_idempotency_key`. Default: none.
 */
resayil_status resayil_operation_options_idempotency_key(resayil_operation_options *options,
                                                         const char *key);

/**
 * How urgent the request is where several wait for the quota: `high`, `normal` (the default) or `low`.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for any other name.
 */
resayil_status resayil_operation_options_priority(resayil_operation_options *options,
                                                  const char *priority);

/**
 * On whose behalf the request is: while several tenants wait for the quota, each is admitted in proportion
 * to its weight, 1 to 1000. Default: one without a name, of weight 1.
 *
 * RESAYIL_STATUS_INVALID_ARGUMENT for a weight out of its range.
 */
resayil_status resayil_operation_options_tenant(resayil_operation_options *options,
                                                const char *name,
                                                uint32_t weight);

/**
 * What the request takes of limits of tokens: those of the prompt, and the most that the answer may have. A
 * negative number stands for unknown, which is the default: then it is taken for what requests cost lately.
 */
resayil_status resayil_operation_options_cost(resayil_operation_options *options,
                                              int64_t input_tokens,
                                              int64_t output_tokens);

/**
 * The model that the request names, for the error. Default: unknown.
 */
resayil_status resayil_operation_options_model(resayil_operation_options *options,
                                               const char *model);

/**
 * How long one attempt may take, in seconds. Default: no limit but the policy's deadline.
 */
resayil_status resayil_operation_options_attempt_timeout(resayil_operation_options *options,
                                                         double seconds);

/**
 * Is told each decision of the operations, in the thread that polls or tells them. NULL for none,
 * which is the default. `user` is given back to it, and has to be valid as long as the options are and
 * the operations that were started with them. It may not use the operation that it hears of.
 */
resayil_status resayil_operation_options_observer(resayil_operation_options *options,
                                                  resayil_event_callback callback,
                                                  void *user);

/**
 * Begins an operation. `now_seconds` is a point on a clock that never goes back, that which the quota
 * was made with; the same clock is meant in all functions of the operation. `seed` decides the
 * jitter. `*operation` is yours; the options stay as they are.
 *
 * RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION if the idempotency key is of bad
 * form.
 */
resayil_status resayil_operation_options_start(const resayil_operation_options *options,
                                               double now_seconds,
                                               uint64_t seed,
                                               resayil_operation **operation,
                                               resayil_error **error);

/**
 * Frees the options; NULL is nothing.
 */
void resayil_operation_options_free(resayil_operation_options *options);

/**
 * The head of the answer came: its HTTP status and headers, which are copied. A success settles the
 * quota at once. `now_unix_seconds` is the wall clock at `now_seconds`.
 *
 * RESAYIL_STATUS_INVALID_STATE if no request is under way, or its head was told already.
 */
resayil_status resayil_operation_on_headers(resayil_operation *operation,
                                            uint32_t status,
                                            const resayil_header *headers,
                                            size_t header_count,
                                            double now_unix_seconds,
                                            double now_seconds);

/**
 * The body of the answer came, or as much of it as is wanted of an error. `*is_success` says whether
 * it is a success: then make the result of it, and tell `resayil_operation_on_success`, or
 * `resayil_operation_on_error` if it is of no use. Of an error, one inside a success included, the
 * operation takes care itself: poll it.
 *
 * The body of a stream is for `resayil_stream`, and not told here: tell how it ended. A redirect is an
 * error that is not retried: whoever follows redirects tells the last answer.
 *
 * RESAYIL_STATUS_INVALID_STATE if the head of the answer was not told.
 */
resayil_status resayil_operation_on_body(resayil_operation *operation,
                                         const uint8_t *body,
                                         size_t body_len,
                                         double now_unix_seconds,
                                         double now_seconds,
                                         bool *is_success);

/**
 * The whole answer is there and good: the operation is done.
 *
 * RESAYIL_STATUS_INVALID_STATE if the head of the answer was not told.
 */
resayil_status resayil_operation_on_success(resayil_operation *operation, double now_seconds);

/**
 * The answer broke off after its head, or is of no use: an error that was made of what came of it, such
 * as the one that ends a stream. The error stays yours.
 *
 * RESAYIL_STATUS_INVALID_STATE if the head of the answer was not told.
 */
resayil_status resayil_operation_on_error(resayil_operation *operation,
                                          const resayil_error *error,
                                          double now_seconds);

/**
 * No answer came to the request. The error says why: make it by `resayil_error_new`, and with
 * `resayil_error_set_ambiguous` if the request may have been carried out; for a time-out there is
 * `resayil_operation_timeout_error`. `reached` is a RESAYIL_REACHED constant: how far the request got.
 * The error stays yours.
 *
 * RESAYIL_STATUS_INVALID_STATE if no request is under way, or the head of its answer was told;
 * RESAYIL_STATUS_UNKNOWN_NAME for another `reached`.
 */
resayil_status resayil_operation_on_failure(resayil_operation *operation,
                                            const resayil_error *error,
                                            uint32_t reached,
                                            double now_seconds);

/**
 * The operation fails with this error, whatever the policy: the request cannot be sent again, or what
 * came is nothing that the policy is to judge. To be told after the head of an answer. The error stays
 * yours.
 *
 * RESAYIL_STATUS_INVALID_STATE if the head of the answer was not told.
 */
resayil_status resayil_operation_give_up(resayil_operation *operation,
                                         const resayil_error *error,
                                         double now_seconds);

/**
 * Makes options in which nothing is set. `*options` is yours.
 */
resayil_status resayil_options_new(resayil_options **options);

/**
 * The time that the whole call may take, in seconds: waits, retries and reading the answer. By
 * default it is the policy's, which has none.
 */
resayil_status resayil_options_deadline(resayil_options *options, double seconds);

/**
 * A token that ends the call when it is cancelled. The token stays yours.
 */
resayil_status resayil_options_cancel(resayil_options *options, const resayil_cancel *cancel);

/**
 * The `Idempotency-Key` of all attempts of the call: 1 to 255 visible ASCII characters, or the call
 * gives an error of RESAYIL_KIND_CONFIGURATION. By default a random one for each call.
 */
resayil_status resayil_options_idempotency_key(resayil_options *options, const char *key);

/**
 * How urgent the call is where several wait for the quota: `high`, `normal` (the default) or `low`. One
 * that is more urgent passes those that came before it, but no more than 256 of them.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for any other name.
 */
resayil_status resayil_options_priority(resayil_options *options,
                                        const char *priority);

/**
 * On whose behalf the call is: while several tenants wait for the quota, each is admitted in proportion to
 * its weight, 1 to 1000. By default it is one without a name, of weight 1.
 *
 * RESAYIL_STATUS_INVALID_ARGUMENT for a weight out of its range.
 */
resayil_status resayil_options_tenant(resayil_options *options,
                                      const char *name,
                                      uint32_t weight);

/**
 * What the call takes of limits of tokens: those of the prompt, and the most that the answer may have. A
 * negative number stands for unknown. By default both are estimated by the request's body.
 */
resayil_status resayil_options_cost(resayil_options *options,
                                    int64_t input_tokens,
                                    int64_t output_tokens);

/**
 * When the call is tried again. The policy stays yours.
 */
resayil_status resayil_options_policy(resayil_options *options, const resayil_policy *policy);

/**
 * Says of an answer that came well whether to treat it as a failure all the same: one that is empty,
 * or whose JSON breaks off. It replaces the client's; NULL takes every answer. `user` is given back to
 * it, and has to be valid as long as the options are and the calls that have them.
 *
 * Such an answer is retried with back-off, as long as attempts and time are left. After that the call
 * gives an error of RESAYIL_KIND_PROTOCOL for which `resayil_error_is_rejected` holds, exhausted and
 * with the last answer as its body. Each answer may be billed. Streams are not asked about.
 */
resayil_status resayil_options_retry_if_result(resayil_options *options,
                                               resayil_result_callback callback,
                                               void *user);

/**
 * Frees the options; NULL is nothing.
 */
void resayil_options_free(resayil_options *options);

/**
 * The policy of a name: `default` (five attempts, back-off from 1 s to 60 s, hints of up to 120 s),
 * `none` (never again), `aggressive` (for people who wait at a screen: soon again, and soon given up:
 * three attempts, delays of 0.25 s to 4 s, hints of up to 10 s), `patient` (for jobs that nobody
 * waits for: ten attempts, hints of up to an hour, a day of patience in an outage) or `openai` (as OpenAI's SDKs: three attempts,
 * delays of 0.5 s to 8 s, hints of up to 60 s). NULL is `default`. `*policy` is yours.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for another name.
 */
resayil_status resayil_policy_new(const char *name,
                                  resayil_policy **policy);

/**
 * Frees the policy; NULL is nothing. Calls that were started with it go on.
 */
void resayil_policy_free(resayil_policy *policy);

/**
 * How many attempts one call may make, the first included; 0 for NULL.
 */
uint32_t resayil_policy_max_attempts(const resayil_policy *policy);

/**
 * How many seconds a call may take in all, waits included. Says whether there is such a limit; if
 * not, `*seconds` is 0.
 */
bool resayil_policy_deadline(const resayil_policy *policy, double *seconds);

/**
 * Starts a policy from the options of another one; NULL for the defaults. `*builder` is yours.
 */
resayil_status resayil_policy_builder_new(const resayil_policy *from,
                                          resayil_policy_builder **builder);

/**
 * Frees the builder; NULL is nothing.
 */
void resayil_policy_builder_free(resayil_policy_builder *builder);

/**
 * Attempts in all, the first included: 1 to 1000; 5 by default.
 */
resayil_status resayil_policy_builder_max_attempts(resayil_policy_builder *builder,
                                                   uint32_t attempts);

/**
 * The time that a whole call may take, waits included, in seconds. By default there is no limit.
 */
resayil_status resayil_policy_builder_deadline(resayil_policy_builder *builder, double seconds);

/**
 * The first back-off delay in seconds: 0 to 86400; 1 by default.
 */
resayil_status resayil_policy_builder_base_delay(resayil_policy_builder *builder, double seconds);

/**
 * How back-off delays grow: 1 to 10; 2 by default.
 */
resayil_status resayil_policy_builder_factor(resayil_policy_builder *builder, double factor);

/**
 * The longest back-off delay in seconds: from the base delay to 86400; 60 by default.
 */
resayil_status resayil_policy_builder_max_delay(resayil_policy_builder *builder, double seconds);

/**
 * The longest wait that a server may ask for, in seconds; 120 by default. A longer one stops the
 * call at once.
 */
resayil_status resayil_policy_builder_max_hint(resayil_policy_builder *builder, double seconds);

/**
 * How back-off delays are spread: `equal` (half fixed, half random; the default), `full`,
 * `additive` (up to one second more), `decorrelated`, `quarter` (as OpenAI's SDKs) or `none`.
 */
resayil_status resayil_policy_builder_jitter(resayil_policy_builder *builder, const char *name);

/**
 * How often one call may be refused for quota and wait for the next window: 0 to 1000; 20 by
 * default. These waits cost no attempts.
 */
resayil_status resayil_policy_builder_max_quota_waits(resayil_policy_builder *builder,
                                                      uint32_t refusals);

/**
 * How many seconds a call waits, in all and without sending, for a retry that its budget does not
 * afford: 0 (not at all) to 31536000 (a year). The sum of the back-off delays without jitter by default,
 * which is 15.
 */
resayil_status resayil_policy_builder_patience(resayil_policy_builder *builder,
                                               double seconds);

/**
 * Whether a request that may have been carried out is repeated; true by default. The cost: an
 * answer may be billed although nobody sees it.
 */
resayil_status resayil_policy_builder_retry_ambiguous(resayil_policy_builder *builder, bool retry);

/**
 * Retries a kind of error (a RESAYIL_KIND constant) always, or never, whatever the table of kinds
 * says.
 */
resayil_status resayil_policy_builder_retry_kind(resayil_policy_builder *builder,
                                                 uint32_t kind,
                                                 bool retry);

/**
 * Checks the options and makes the policy, which is yours. The builder stays as it is.
 *
 * RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION, whose message names the option and
 * its range, if one is out of it.
 */
resayil_status resayil_policy_builder_build(const resayil_policy_builder *builder,
                                            resayil_policy **policy,
                                            resayil_error **error);

/**
 * Makes a quota that nobody has used yet.
 *
 * `limit` is how many requests a window admits, 0 if that is unknown and has to be learned.
 * `window_seconds` is the length of the window, which is aligned to the server's clock: 60 for LLM
 * Resayil, 0 for a service without such windows, at most 86400. `now_unix_seconds` is the wall clock
 * at `now_seconds`, the first guess at the server's clock. `*quota` is yours.
 *
 * RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION for a window out of range.
 */
resayil_status resayil_quota_new(uint32_t limit,
                                 double window_seconds,
                                 double now_unix_seconds,
                                 double now_seconds,
                                 resayil_quota **quota,
                                 resayil_error **error);

/**
 * Makes a quota that all processes of this host share which name this group, limit and window, in whatever
 * language, by a file in `folder`, which has to be the user's own and writable by nobody else; NULL for
 * `resayil` in `$XDG_RUNTIME_DIR`, or else a folder for temporary files. A client shares it by
 * `resayil_client_builder_quota_group`. Limit and window are those of `resayil_quota_new`. Its clock is that of
 * `resayil_monotonic_now`. Linux only: elsewhere, and where the file cannot be used, it is this process's
 * own. `*quota` is yours.
 *
 * RESAYIL_STATUS_INVALID_ARGUMENT for an empty group; RESAYIL_STATUS_ERROR with an error of
 * RESAYIL_KIND_CONFIGURATION for a window out of range.
 */
resayil_status resayil_quota_new_shared(const char *group,
                                        const char *folder,
                                        uint32_t limit,
                                        double window_seconds,
                                        resayil_quota **quota,
                                        resayil_error **error);

/**
 * Reads what the quota knows at `now_seconds` into `*state`.
 */
resayil_status resayil_quota_get_state(const resayil_quota *quota,
                                       double now_seconds,
                                       resayil_quota_state *state);

/**
 * Frees the handle; NULL is nothing. Tickets and clients that use the quota keep it.
 */
void resayil_quota_free(resayil_quota *quota);

/**
 * Takes a place at the end of the line. `*ticket` is yours; freeing it leaves the line.
 */
resayil_status resayil_quota_enter(resayil_quota *quota, resayil_ticket **ticket);

/**
 * The same by the priority, the tenant and the cost of these options, of which nothing else counts; NULL for
 * none.
 */
resayil_status resayil_quota_enter_with(resayil_quota *quota,
                                        const resayil_options *options,
                                        resayil_ticket **ticket);

/**
 * The HTTP status: 200 to 299.
 */
uint32_t resayil_response_status(const resayil_response *response);

/**
 * The body, unpacked. Borrowed as texts are, not NUL-terminated.
 */
resayil_bytes resayil_response_body(const resayil_response *response);

/**
 * The value of the first header of this name, in any case; `data` is NULL if there is none.
 * Borrowed as texts are, not NUL-terminated.
 */
resayil_bytes resayil_response_header(const resayil_response *response, const char *name);

/**
 * The provider's id of the request.
 */
resayil_str resayil_response_request_id(const resayil_response *response);

/**
 * The text of the first choice, if the answer is a chat completion; empty if the model only calls
 * tools.
 */
resayil_str resayil_response_content(const resayil_response *response);

/**
 * How many requests were sent for this call.
 */
uint32_t resayil_response_attempts(const resayil_response *response);

/**
 * Which target of the client's fallback answered, counted from 0. Says whether it was one; if not, `*index`
 * is 0: the target that was asked first did.
 */
bool resayil_response_fallback(const resayil_response *response,
                               size_t *index);

/**
 * Frees the answer and with it all that was borrowed from it; NULL is nothing.
 */
void resayil_response_free(resayil_response *response);

/**
 * Makes a service of which nothing is known. `*service` is yours.
 */
resayil_status resayil_service_new(resayil_service **service);

/**
 * Whose API it is, by its name, such as `resayil`; NULL or `auto` recognises it by each answer.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for an unknown provider.
 */
resayil_status resayil_service_provider(resayil_service *service, const char *provider);

/**
 * The retry budget that its operations draw from. The handle stays yours.
 */
resayil_status resayil_service_budget(resayil_service *service, const resayil_budget *budget);

/**
 * The quota that its operations wait for. `now_seconds` is the time on the clock that the quota was
 * made with, which is that of the operations. The handle stays yours.
 */
resayil_status resayil_service_quota(resayil_service *service,
                                     const resayil_quota *quota,
                                     double now_seconds);

/**
 * What limits how many of its requests are in flight. The handle stays yours.
 */
resayil_status resayil_service_concurrency_limiter(resayil_service *service,
                                                   const resayil_concurrency_limiter *limiter);

/**
 * Frees the service; NULL is nothing. Options and operations that have it keep it.
 */
void resayil_service_free(resayil_service *service);

/**
 * What a status means, in English: a static text, never NULL.
 */
const char *resayil_status_text(uint32_t status);

/**
 * Makes a decoder. The headers are the answer's, and may be left out; they hold the request's id.
 * `provider` names whose stream it is; NULL or `auto` for any. `*stream` is yours.
 *
 * RESAYIL_STATUS_UNKNOWN_NAME for an unknown provider.
 */
resayil_status resayil_stream_new(const resayil_header *headers,
                                  size_t header_count,
                                  const char *provider,
                                  resayil_stream **stream);

/**
 * Takes the next bytes, and gives each event that they complete to `callback`, which may be NULL.
 * What follows the end of the answer is ignored.
 */
resayil_status resayil_stream_feed(resayil_stream *stream,
                                   const uint8_t *bytes,
                                   size_t len,
                                   resayil_stream_callback callback,
                                   void *user);

/**
 * Ends the stream: no more bytes will come. `*end` becomes RESAYIL_STREAM_COMPLETE,
 * RESAYIL_STREAM_ERROR or RESAYIL_STREAM_TRUNCATED; for the latter two `*error` is why, and yours; `error` may be NULL.
 * An event whose line end never came is given to `callback`, which may be NULL, if it is whole.
 * Call it once; a second call says truncated.
 */
resayil_status resayil_stream_finish(resayil_stream *stream,
                                     double now_unix_seconds,
                                     resayil_stream_callback callback,
                                     void *user,
                                     uint32_t *end,
                                     resayil_error **error);

/**
 * Whether the end of the answer has been read, so that no more bytes are needed.
 */
bool resayil_stream_is_finished(const resayil_stream *stream);

/**
 * Whether anything of the answer was delivered: text, a tool call, reasoning. If so, sending the
 * request again would deliver it twice.
 */
bool resayil_stream_has_delivered(const resayil_stream *stream);

/**
 * A copy of the text that was delivered so far, cut to 1 MiB. `*text` is yours.
 */
resayil_status resayil_stream_partial_text(const resayil_stream *stream, resayil_string **text);

/**
 * A copy of the provider's word for why the model stopped, such as `stop` or `length`. `*reason` is
 * yours; NULL as long as there is none.
 */
resayil_status resayil_stream_finish_reason(const resayil_stream *stream, resayil_string **reason);

/**
 * Frees the decoder; NULL is nothing. Not from its own callback.
 */
void resayil_stream_free(resayil_stream *stream);

/**
 * The text, NUL-terminated; NULL for NULL. Valid until the handle is freed.
 */
const char *resayil_string_data(const resayil_string *string);

/**
 * How many bytes the text has, without the NUL; 0 for NULL.
 */
size_t resayil_string_len(const resayil_string *string);

/**
 * Frees the text; NULL is nothing.
 */
void resayil_string_free(resayil_string *string);

/**
 * Asks whether to send now. `*wait_seconds` becomes 0 for yes, and otherwise the time after which to
 * ask again. A settled answer, or somebody in front who leaves the line, may bring the turn forward:
 * `resayil_ticket_poll_with` tells of that. Once it said yes it goes on to say so.
 *
 * RESAYIL_STATUS_INVALID_ARGUMENT for a ticket that is settled.
 */
resayil_status resayil_ticket_poll(resayil_ticket *ticket,
                                   double now_seconds,
                                   double *wait_seconds);

/**
 * Asks whether to send now, and if not leaves a callback, which takes the place of the one that was
 * left before. `*wait_seconds` becomes 0 for yes, and otherwise the time that the wait takes at least,
 * which is what to hold against a deadline; when to ask again is told by `resayil_ticket_poll_at`. So
 * any event loop can wait, with a timer of its own. NULL leaves no callback.
 *
 * RESAYIL_STATUS_INVALID_ARGUMENT for a ticket that is settled.
 */
resayil_status resayil_ticket_poll_with(resayil_ticket *ticket,
                                        double now_seconds,
                                        resayil_waker_callback waker,
                                        void *user,
                                        double *wait_seconds);

/**
 * When to ask again if the callback was not called, on the clock of the quota. Says whether there is
 * such a time; if not, because the ticket was not asked yet, may send or is settled, `*seconds` is 0.
 *
 * This may be later than `*wait_seconds` says: where answers under way are all that is missing, they
 * wake.
 */
bool resayil_ticket_poll_at(const resayil_ticket *ticket,
                            double *seconds);

/**
 * Tells what the answer says of the quota: its status and headers, and the error that it stands for,
 * or NULL. `now_seconds` is when it arrived, `now_unix_seconds` the wall clock then. Without an
 * answer, just free the ticket. A settled ticket is still to be freed.
 *
 * RESAYIL_STATUS_INVALID_ARGUMENT for a ticket that is settled already.
 */
resayil_status resayil_ticket_settle(resayil_ticket *ticket,
                                     uint32_t status,
                                     const resayil_header *headers,
                                     size_t header_count,
                                     const resayil_error *error,
                                     double now_unix_seconds,
                                     double now_seconds);

/**
 * Frees the ticket, and leaves the line if it is still in it; NULL is nothing.
 */
void resayil_ticket_free(resayil_ticket *ticket);

/**
 * Seconds on a clock that never goes back, the one by which clients measure time: for all functions
 * that ask for `now_seconds`, and for a `resayil_quota` that clients share.
 */
double resayil_monotonic_seconds(void);

/**
 * The wall clock, in seconds since 1970 UTC: for all functions that ask for `now_unix_seconds`.
 */
double resayil_unix_seconds(void);

/**
 * The version of the library that runs, such as `0.1.0`; it may be newer than the header. A static
 * text, never NULL.
 */
const char *resayil_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RESAYIL_H */
