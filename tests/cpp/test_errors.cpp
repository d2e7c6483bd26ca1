// The C++ face of errors, policies, streams and quotas. What the C functions do is tested in
// tests/c; here it is that the face passes it on, and that handles free themselves.
#include <resayil.hpp>

extern "C" {
#include "check.h"
}

#include <type_traits>

using namespace resayil;

static_assert(!std::is_copy_constructible_v<Error> && std::is_nothrow_move_constructible_v<Error>);
static_assert(!std::is_copy_constructible_v<Policy> && std::is_nothrow_move_constructible_v<Policy>);
static_assert(!std::is_copy_constructible_v<Call> && std::is_nothrow_move_assignable_v<Call>);
static_assert(!std::is_copy_constructible_v<Client> && std::is_nothrow_move_constructible_v<Client>);
static_assert(!std::is_copy_constructible_v<StreamDecoder>);
static_assert(!std::is_copy_constructible_v<Ticket>);

static Error rate_limit() {
    const char *body = "{\"error\":{\"message\":\"Rate limit exceeded\",\"code\":429},\"retry_after\":45}";
    auto error = classify(429, {{"X-RateLimit-Limit", "20"}, {"X-Request-Id", "req_1"}}, body, "resayil", 0);
    CHECK(error.ok() && error->has_value());
    return std::move(**error);
}

static void test_getters() {
    Error error = rate_limit();
    CHECK(error.kind() == Kind::rate_limit && error.kind_name() == "rate_limit");
    CHECK(name(error.kind()) == "rate_limit" && name(static_cast<Kind>(9999)).empty());
    CHECK(error.status() == 429u && error.severity() == Severity::error);
    CHECK(error.is_retryable() && !error.is_exhausted() && !error.is_ambiguous());
    CHECK(error.is_safe_to_replay() && error.attempts() == 0);
    CHECK(error.message() == "Rate limit exceeded" && error.code() == "429");
    CHECK(!error.type() && !error.param() && !error.model() && !error.partial_text());
    CHECK(error.request_id() == "req_1" && error.provider() == "resayil");
    CHECK(error.retry_after() == Seconds(45) && error.retry_after_source() == "body");
    CHECK(error.rate_limit().limit == 20u && !error.rate_limit().remaining);
    CHECK(!error.rate_limit().reset_after && error.field_errors().empty());
    CHECK(!error.rate_limit("tokens").limit && !error.rate_limit("spend").limit);
    CHECK(!error.retry_at() && !error.stop_reason());
    CHECK(error.request_state() == "answered" && Error(Kind::network, "gone").request_state() == "not_sent");
    CHECK(error.header("x-ratelimit-limit") == "20" && !error.header("date"));
    CHECK(error.body().find("retry_after") != std::string_view::npos);
    CHECK(error.summary().find("rate_limit (429)") == 0);
    CHECK(error.user_message().find("45 seconds") != std::string_view::npos);
    CHECK(error.user_message("ar") != error.user_message() && error.user_message("fr").empty());
    CHECK(!error.advice().empty() && error.advice("fr").empty() && error.help_url());
    CHECK(error.to_json().front() == '{' && error.to_json("fr").empty());
}

static void test_own_texts() {
    Error error = rate_limit();
    auto texts = Messages::create("en", "{\"kinds\":{\"rate_limit\":{\"user_message\":\"Wait[ {wait}].\"}}}");
    CHECK(texts.ok() && texts->user_message(error) == "Wait 45 seconds.");
    CHECK(texts->to_json(error).find("Wait 45 seconds.") != std::string::npos);
    auto steps = texts->advice(error);
    CHECK(steps.size() == error.advice().size() && steps[0] == error.advice()[0]);
    CHECK(!Messages::create("fr") && !Messages::create("en", "[]"));
}

static void test_fields() {
    auto error = classify(422, {}, "{\"errors\":{\"model\":[\"one\",\"two\"],\"messages\":[\"three\"]}}");
    CHECK(error.ok() && *error);
    auto fields = (*error)->field_errors();
    CHECK(fields.size() == 2 && fields[0].field == "model" && fields[0].messages.size() == 2);
    CHECK(fields[0].messages[1] == "two" && fields[1].messages[0] == "three");
}

static void test_success_and_misuse() {
    auto fine = classify(200, {}, "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}");
    CHECK(fine.ok() && !*fine);
    auto wrong = classify(500, {}, "", "nobody");
    CHECK(!wrong && wrong.error().kind() == Kind::configuration);
    CHECK(classify(99999, {}, "").error().message() == resayil_status_text(RESAYIL_STATUS_INVALID_ARGUMENT));
}

static void test_own_errors_and_moves() {
    Error error(Kind::timeout, "no answer in 30 s");
    error.set_ambiguous(true).set_attempts(2).set_exhausted(true).set_retryable(false);
    CHECK(error.set_status(504).ok() && !error.set_status(99).ok());
    CHECK(error.set_retry_after(Seconds(2)).ok() && !error.set_retry_after(Seconds(-1)).ok());
    CHECK(error.set_stop_reason("deadline").ok() && !error.set_stop_reason("tea").ok());
    CHECK(error.stop_reason() == "deadline" && !error.limit_scope() && !error.limit_window());
    CHECK(error.set_model("m").ok() && error.model() == "m");
    CHECK(!error.is_rejected() && error.clone().set_rejected(true).is_rejected());
    CHECK(error.is_ambiguous() && error.attempts() == 2 && error.is_exhausted());
    CHECK(!error.is_retryable() && error.status() == 504u && error.retry_after() == Seconds(2));
    Error clone = error.clone();
    Error moved = std::move(error);
    CHECK(moved.kind() == Kind::timeout && clone.kind() == Kind::timeout);
    // What was moved from answers with nothing.
    CHECK(error.get() == nullptr && !error.message() && !error.set_status(500).ok());
    moved = std::move(clone);
    CHECK(moved.model() == "m");
}

static void test_policy_and_call() {
    auto policy = PolicyBuilder().max_attempts(2).deadline(Seconds(100)).base_delay(Seconds(2)).factor(3)
                      .max_delay(Seconds(5)).max_hint(Seconds(60)).jitter("none").max_quota_waits(3).patience(Seconds(9))
                      .retry_ambiguous(false).retry_kind(Kind::not_found, true).build();
    CHECK(policy.ok() && policy->max_attempts() == 2);
    auto call = policy->start(7, 10);
    CHECK(call.ok());
    auto decision = call->on_error(Error(Kind::not_found, ""), 11);
    CHECK(decision.ok() && decision->retry && decision->delay == Seconds(2) && decision->reason == "backoff");
    CHECK(call->remaining(50) == Seconds(60) && call->failures() == 1);
    CHECK(call->on_error(rate_limit(), 12)->reason == "quota_window");
    decision = call->on_error(Error(Kind::server, ""), 13);
    CHECK(!decision->retry && decision->reason == "max_attempts" && call->on_success().ok());
    CHECK(PolicyBuilder(*policy).max_attempts(4).build()->max_attempts() == 4);

    auto refused = PolicyBuilder().base_delay(Seconds(-1)).build();
    CHECK(!refused && refused.error().message()->find("base_delay") != std::string_view::npos);
    CHECK(!PolicyBuilder().max_attempts(0).build() && !PolicyBuilder().jitter("some").build());
    CHECK(!Policy::preset("desperate") && Policy::preset("patient")->max_attempts() == 10);
    CHECK(!policy->start(1, -1));
}

static void test_budget() {
    auto budget = Budget::create(0.1, 1);
    auto policy = Policy::preset();
    CHECK(budget.ok() && policy.ok());
    auto first = policy->start(1, 0), second = policy->start(2, 0);
    CHECK(first->set_budget(*budget).ok() && second->set_budget(*budget).ok());
    CHECK(first->on_error(Error(Kind::server, ""), 0)->retry);
    CHECK(second->on_error(Error(Kind::server, ""), 0)->reason == "budget" && budget->remaining() == 0);
    CHECK(!Budget::create(-1));
}

static void test_stream() {
    auto decoder = StreamDecoder::create({{"x-request-id", "req_2"}}, "resayil");
    CHECK(decoder.ok());
    std::string text;
    auto collect = [&text](std::string_view piece, std::string_view json) {
        CHECK(!json.empty());
        text += piece;
    };
    CHECK(decoder->feed("data: {\"choices\":[{\"delta\":{\"content\":\"Hel", collect).ok());
    CHECK(text.empty() && !decoder->has_delivered());
    CHECK(decoder->feed("lo\"}}]}\n\n", collect).ok() && text == "Hello");
    CHECK(!decoder->is_finished() && !decoder->finish_reason() && decoder->partial_text() == "Hello");
    auto end = decoder->finish([](std::string_view, std::string_view) {});
    CHECK(end.ok() && end->end == End::truncated && end->error->request_id() == "req_2");
    CHECK(end->error->partial_text() == "Hello" && !end->error->is_safe_to_replay());
    CHECK(!StreamDecoder::create({}, "nobody"));
}

static void test_quota() {
    auto quota = Quota::create(1, Seconds(60), 50, 0);
    CHECK(quota.ok());
    auto first = quota->enter(), second = quota->enter();
    CHECK(first->poll(0)->count() == 0 && second->poll(0).value() == Seconds(10));
    auto state = quota->state(0);
    CHECK(state->limit == 1u && state->remaining == 0u && state->waiting == 1 && state->admitted == 1);
    CHECK(state->reset_after == Seconds(10) && state->refused == 0);
    CHECK(first->settle(429, {}, rate_limit(), 50, 0).ok() && !first->settle(200, {}, std::nullopt));
    CHECK(quota->state(0)->refused == 1 && !first->poll(1));
    CHECK(!Quota::create(1, Seconds(-1)));
}

int main() {
    RUN(test_getters());
    RUN(test_own_texts());
    RUN(test_fields());
    RUN(test_success_and_misuse());
    RUN(test_own_errors_and_moves());
    RUN(test_policy_and_call());
    RUN(test_budget());
    RUN(test_stream());
    RUN(test_quota());
    return done();
}
