// The C++ face of the state machine of a call, in virtual time.
#include <resayil.hpp>

extern "C" {
#include "check.h"
}

using namespace resayil;

static constexpr double unix_time = 1780000000;

static OperationOptions options_of(const Service &service) {
    auto policy = PolicyBuilder().max_attempts(3).base_delay(Seconds(2)).jitter("none").deadline(Seconds(50)).build();
    CHECK(policy.ok());
    return OperationOptions(*policy, service);
}

static void test_retry_and_success() {
    Service service;
    CHECK(service.set_provider("openai").ok() && !service.set_provider("nobody").ok());
    auto options = options_of(service);
    CHECK(options.set_idempotency_key("order-1").ok() && options.set_model("m").ok());
    CHECK(options.set_attempt_timeout(Seconds(10)).ok() && !options.set_attempt_timeout(Seconds(-1)).ok());
    CHECK(options.set_metered(true).ok());
    auto operation = options.start(1, 100);
    CHECK(operation.ok() && operation->deadline() == 150.0 && !operation->take_error());
    CHECK(operation->idempotency_key() == "order-1" && operation->model() == "m");
    auto step = operation->poll(100);
    CHECK(step.ok() && step->action == Step::Action::send && step->attempt == 1 && !step->target);
    CHECK(step->ends_at == 110.0 && !step->needs_fresh_connection && !step->until);
    // The request was forgotten.
    CHECK(!operation->poll(101).ok() && !operation->on_success(101).ok());
    auto block = HeaderBlock::parse("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n");
    CHECK(block.ok() && block->status() == 503u && block->size() == 1 && block->get("retry-after") == "7");
    CHECK(!block->get("date") && block->headers().size() == 1);
    CHECK(operation->on_headers(*block->status(), *block, unix_time, 101).ok());
    auto good = operation->on_body("{}", unix_time, 101);
    CHECK(good.ok() && !*good);
    step = operation->poll(101);
    CHECK(step->action == Step::Action::wait && step->reason == "backoff" && *step->until >= 108);
    step = operation->poll(*step->until);
    CHECK(step->action == Step::Action::send && step->attempt == 2);
    CHECK(operation->on_headers(200, Headers(), unix_time, 110).ok());
    good = operation->on_body("{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}", unix_time, 110);
    CHECK(good.ok() && *good && !operation->is_over());
    CHECK(operation->on_success(110).ok() && operation->is_over() && operation->attempts() == 2);
    CHECK(operation->poll(110)->action == Step::Action::done);
}

static void test_failures() {
    Service service, other;
    auto options = options_of(service);
    auto fallback = FallbackBuilder().model("b").target("c", "https://b.example/v1", "key").build();
    CHECK(fallback.ok() && options.set_fallback(*fallback, {nullptr, &other}).ok());
    auto operation = options.start(1, 0);
    CHECK(operation->poll(0).ok());
    CHECK(operation->on_failure(Error(Kind::network, "closed"), Reached::stale_connection, 0).ok());
    auto step = operation->poll(0);
    CHECK(step->needs_fresh_connection && step->attempt == 2);
    CHECK(operation->on_headers(404, Headers(), unix_time, 0).ok());
    CHECK(operation->on_body("", unix_time, 0).ok() && operation->poll(0)->target == 0u);
    CHECK(operation->on_headers(200, Headers(), unix_time, 0).ok());
    CHECK(operation->on_error(Error(Kind::network, "cut"), 0).ok());
    CHECK(operation->poll(0)->action == Step::Action::wait && operation->cancel(0).ok());
    auto error = operation->take_error();
    CHECK(error && error->kind() == Kind::cancelled && error->attempts() == 3 && !operation->take_error());
    CHECK(operation->poll(0)->action == Step::Action::failed);
    CHECK(operation->timeout_error(true, 60).kind() == Kind::deadline);
    operation = options.start(1, 0);
    CHECK(operation->poll(0).ok() && operation->on_headers(200, Headers(), unix_time, 0).ok());
    CHECK(operation->give_up(Error(Kind::server, "no"), 0).ok());
    CHECK(operation->take_error()->stop_reason() == "not_retryable");
    CHECK(options.set_idempotency_key("a b").ok() && !options.start(1, 0));
}

static void wake(void *user) { ++*static_cast<int *>(user); }

static void count(const resayil_event *event, void *user) {
    *static_cast<int *>(user) += Event(event).action() == "stop";
}

static void test_waiting_for_others() {
    Service service;
    auto limiter = ConcurrencyLimiter::create(1);
    auto quota = Quota::create(1, Seconds(60), 0, 0);
    auto budget = Budget::create();
    int calls = 0, stops = 0;
    CHECK(limiter.ok() && !ConcurrencyLimiter::create(0) && quota.ok() && budget.ok());
    CHECK(service.set_concurrency_limiter(*limiter).ok() && service.set_quota(*quota, 0).ok());
    CHECK(service.set_budget(*budget).ok());
    auto options = options_of(service);
    CHECK(options.set_observer(count, &stops).ok());
    auto first = options.start(1, 0), second = options.start(2, 0);
    CHECK(first->poll(0)->action == Step::Action::send);
    CHECK(second->poll(0, wake, &calls)->reason == "concurrency");
    CHECK(limiter->state()->in_flight == 1 && limiter->state()->waiting == 1);
    CHECK(first->on_headers(200, Headers(), 0, 1).ok() && first->on_success(1).ok() && calls == 1);
    // The place is free, and the minute is not over: it would be, beyond the deadline.
    CHECK(second->poll(1, wake, &calls)->action == Step::Action::failed);
    CHECK(second->take_error()->kind() == Kind::deadline && stops == 1);

    auto ticket = quota->enter();
    CHECK(ticket->poll_with(wake, &calls, 2)->count() > 0 && ticket->poll_at() && calls == 1);
    CHECK(ticket->poll_with(nullptr, nullptr, 61)->count() == 0 && !ticket->poll_at());
}

int main() {
    RUN(test_retry_and_success());
    RUN(test_failures());
    RUN(test_waiting_for_others());
    return done();
}
