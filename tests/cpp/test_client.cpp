// The C++ face of the client, against a sandbox; see tests/c/sandbox.h for its environment.
#include <resayil.hpp>

extern "C" {
#include "check.h"
}

#include <thread>

using namespace resayil;

static Client client() {
    auto client = Client::from_env();
    CHECK(client.ok());
    return std::move(*client);
}

static std::string hello() {
    auto json = ChatRequest("mistral").system("Be brief.").user("Hello").to_json();
    CHECK(json.ok());
    return *json;
}

/// Pushes a fault through the sandbox's control plane.
static void push_fault(const char *json) {
    auto control = ClientBuilder().base_url(std::getenv("RESAYIL_SANDBOX")).no_quota().build();
    CHECK(control.ok());
    auto answer = control->post("_sandbox/faults", json);
    CHECK(answer.ok() && answer->status() == 200 && answer->attempts() == 1);
    CHECK(answer->header("content-type") && !answer->request_id() && !answer->body().empty());
}

static void test_chat_and_observer() {
    int retries = 0, warnings = 0;
    auto fast = PolicyBuilder().base_delay(Seconds(0.01)).build();
    auto budget = Budget::create();
    auto made = ClientBuilder()
                    .policy(*fast)
                    .budget(*budget)
                    .provider("resayil")
                    .allow_http(false)
                    .quota_window(1000, Seconds(60))
                    .tokens_per_minute(1000000)
                    .connect_timeout(Seconds(5))
                    .attempt_timeout(Seconds(20))
                    .idle_timeout(Seconds(5))
                    .max_response_bytes(1 << 20)
                    .first_byte_timeout(Seconds(0))
                    .max_wire_bytes(1 << 20)
                    .max_head_bytes(1 << 16)
                    .max_headers(100)
                    .expect_continue_above(1 << 20)
                    .proxy("")
                    .user_agent("test/1")
                    .observer([&](const Event &event) {
                        warnings += event.action() == "warning" && !event.error();
                        if (event.action() == "retry") {
                            retries++;
                            CHECK(event.error()->kind() == Kind::server && event.delay() && event.attempt() == 1);
                            CHECK(event.reason() == "backoff" && event.kind() == Kind::server);
                            CHECK(event.status() == 500u && !event.code() && !event.request_id());
                            CHECK(event.summary().find("attempt 1 failed, next in 0.0") == 0);
                        }
                    })
                    .build();
    CHECK(made.ok() && warnings == 1);
    // The observer moves with its client.
    Client client = std::move(*made);
    push_fault("\"server_error\"");
    auto answer = client.chat(hello());
    CHECK(answer.ok() && answer->attempts() == 2 && retries == 1);
    CHECK(answer->content().find("Hello") != std::string_view::npos && answer->finish_reason() == "stop");
    CHECK(answer->model() && !answer->request_id() && answer->json().front() == '{');
    CHECK(answer->usage()->total_tokens > 0);
    CHECK(client.stats().retries == 1 && client.quota_state()->limit == 1000u);
    CHECK(client.budget_remaining() == budget->remaining());
    int found = 0;
    for (const Metric &metric : client.metrics()) {
        if (metric.name == "resayil.client.retries") {
            found++;
            CHECK(metric.value == 1 && metric.unit == "{retry}" && metric.instrument == "counter");
            CHECK(metric.attributes.size() == 2 && metric.attributes[0].first == "error.type");
            CHECK(metric.attributes[0].second == "server" && metric.attributes[1].second == "backoff");
        } else if (metric.name == "resayil.client.quota.limit") {
            found++;
            CHECK(metric.value == 1000 && metric.instrument == "gauge" && metric.attributes.empty());
        }
    }
    CHECK(found == 2 && client.stats().backoff_waits == 1);
}

static void test_errors_and_options() {
    Client client = ::client();
    auto wrong = client.chat("{\"model\":\"mistral\",\"messages\":[]}");
    CHECK(!wrong && wrong.error().kind() == Kind::validation && !wrong.error().field_errors().empty());
    CancelToken token;
    token.cancel();
    CHECK(token.is_cancelled());
    auto cancelled = client.chat(hello(), Options().cancel(token));
    CHECK(!cancelled && cancelled.error().kind() == Kind::cancelled);
    auto none = Policy::preset("none");
    push_fault("\"server_error\"");
    auto once = client.chat(hello(), Options().policy(*none).idempotency_key("key-1").deadline(Seconds(30)));
    CHECK(!once && once.error().attempts() == 1);
    auto refused = client.chat(hello(), Options().deadline(Seconds(-1)));
    CHECK(!refused && refused.error().kind() == Kind::configuration);
    ChatRequest request("m");
    CHECK(!request.set("top_p", "much") && request.set("top_p", "1").ok());
    CHECK(!request.user("\xff").to_json());
    CHECK(!ClientBuilder().api_key("two words").build() && !ClientBuilder().idle_timeout(Seconds(0)).build());
}

static void test_streams() {
    Client client = ::client();
    auto stream = client.chat_stream(hello());
    CHECK(stream.ok());
    std::string text;
    for (auto event = stream->next(); event.ok() && *event; event = stream->next()) {
        CHECK(!(*event)->data.empty());
        text += (*event)->text;
    }
    CHECK(!text.empty() && text == stream->partial_text() && stream->finish_reason() == "stop");
    CHECK(stream->attempts() == 1 && !stream->request_id());

    push_fault("{\"fault\":\"cut_stream\",\"events\":2}");
    auto cut = client.chat_stream(hello());
    CHECK(cut.ok());
    auto event = cut->next();
    while (event.ok() && *event) {
        event = cut->next();
    }
    CHECK(!event.ok() && !event.error().is_safe_to_replay());
    CHECK(event.error().partial_text() == cut->partial_text());
}

static void test_answers_that_are_not_taken() {
    const char *empty = R"({"fault":"status","status":200,"body":"{\"choices\":[{\"message\":{\"content\":\"\"}}],)"
                        R"(\"usage\":{\"completion_tokens\":1}}"})";
    auto is_empty = [](const ResponseView &answer) { return answer.content().value_or("").empty(); };
    auto fast = PolicyBuilder().base_delay(Seconds(0.001)).max_attempts(2).build();
    auto made = ClientBuilder().policy(*fast).retry_if_result(is_empty).build();
    CHECK(made.ok());
    // The predicate moves with its client.
    Client client = std::move(*made);
    push_fault(empty);
    auto answer = client.chat(hello());
    CHECK(answer.ok() && answer->content() == "echo: Hello" && answer->attempts() == 2);
    auto never_good = [](const ResponseView &) { return true; };
    auto rejected = client.chat(hello(), Options().retry_if_result(never_good));
    CHECK(!rejected && rejected.error().kind() == Kind::protocol && rejected.error().is_rejected());
    CHECK(rejected.error().is_exhausted() && rejected.error().attempts() == 2);
    auto posted = client.post("chat/completions", hello());
    CHECK(posted.ok() && posted->content() == "echo: Hello");
    Response moved = std::move(*posted);
    CHECK(posted->status() == 0 && moved.status() == 200);
}

static void test_fallback() {
    auto fallback = FallbackBuilder()
                        .model("nor is this")
                        .target("mistral", std::getenv("RESAYIL_BASE_URL"))
                        .on({Kind::not_found, Kind::overloaded})
                        .overloaded_attempts(3)
                        .max_wait(Seconds(5))
                        .build();
    CHECK(fallback.ok());
    int switches = 0;
    auto made = ClientBuilder()
                    .fallback(*fallback)
                    .observer([&](const Event &event) { switches += event.reason() == "fallback"; })
                    .build();
    CHECK(made.ok());
    std::string missing = *ChatRequest("no such model").user("Hello").to_json();
    auto answer = made->chat(missing);
    CHECK(answer.ok() && answer->fallback() == 1u && answer->attempts() == 3 && switches == 2);
    auto stream = made->chat_stream(missing);
    CHECK(stream.ok() && stream->fallback() == 1u);
    auto posted = made->post("chat/completions", hello());
    CHECK(posted.ok() && !posted->fallback());

    auto call = Policy::preset()->start(1, 0);
    auto targets = fallback->start();
    Error error(Kind::not_found, "no such model");
    CHECK(call->on_error(error, 0).ok());
    auto next = targets->next(*call, error, 0);
    CHECK(next.ok() && *next == std::optional<std::size_t>(0) && call->restart().ok());
    auto refused = FallbackBuilder().target(nullptr, nullptr, "secret").build();
    CHECK(!refused && refused.error().kind() == Kind::configuration);
}

static void test_max_concurrency() {
    auto made = ClientBuilder().max_concurrency(2).build();
    CHECK(made.ok());
    std::vector<std::thread> threads;
    std::string request = hello();
    std::vector<int> answered(6);
    for (int &slot : answered) {
        threads.emplace_back([&] { slot = made->chat(request).ok(); });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    CHECK(answered == std::vector<int>(6, 1));
    double limit = 0, in_flight = -1;
    for (const Metric &metric : made->metrics()) {
        limit = metric.name == "resayil.client.concurrency.limit" ? metric.value : limit;
        in_flight = metric.name == "resayil.client.concurrency.in_flight" ? metric.value : in_flight;
    }
    CHECK(limit == 2 && in_flight == 0);
    auto refused = ClientBuilder().max_concurrency(0, true).build();
    CHECK(!refused && refused.error().kind() == Kind::configuration);
}

static void test_account() {
    Client client = ::client();
    auto models = client.models();
    CHECK(models.ok() && models->size() == 3 && !models->front().id.empty());
    CHECK(!models->front().owned_by.empty());
    auto balance = client.balance();
    CHECK(balance.ok() && !balance->tier.empty() && balance->credits);
}

static void test_threads_share_a_client_and_a_quota() {
    auto quota = Quota::create(1000, Seconds(60));
    auto made = ClientBuilder().quota(*quota).build();
    CHECK(made.ok());
    Client &client = *made;
    std::string request = hello();
    std::vector<std::thread> threads;
    std::vector<int> answered(4);
    for (int &slot : answered) {
        threads.emplace_back([&] {
            for (int call = 0; call < 5; call++) {
                slot += client.chat(request).ok();
            }
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    CHECK(answered == std::vector<int>(4, 5));
    CHECK(client.stats().answered == 20 && quota->state()->admitted == 20);
}

/// How a call stands in the quota's line.
static void test_the_order_of_the_line() {
    auto quota = Quota::create(1, Seconds(60), 0, 0);
    auto first = quota->enter(), patient = quota->enter(Options().priority("low").tenant("acme", 3));
    auto urgent = quota->enter(Options().priority("high").cost(100, 20));
    CHECK(urgent->poll(0)->count() == 0 && first->poll(0)->count() == 60 && patient->poll(0)->count() == 120);
    CHECK(!Options().priority("lowest").ok().ok() && !Options().tenant("acme", 1001).ok().ok());
    auto client = ClientBuilder().quota_group("").share_quota().build();
    CHECK(!client.ok());
    CHECK(Budget::shared(*quota)->remaining() == RESAYIL_BUDGET_RESERVE);
}

/// A token that another thread cancels ends a call that hangs.
static void test_cancelling_from_outside() {
    Client client = ::client();
    CancelToken token;
    push_fault("\"hang\"");
    std::thread other([&token] {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        token.cancel();
    });
    double before = monotonic_now();
    auto answer = client.chat(hello(), Options().cancel(token));
    other.join();
    CHECK(!answer && answer.error().kind() == Kind::cancelled && monotonic_now() - before < 5);
}

int main() {
    RUN(test_chat_and_observer());
    RUN(test_errors_and_options());
    RUN(test_streams());
    RUN(test_answers_that_are_not_taken());
    RUN(test_fallback());
    RUN(test_max_concurrency());
    RUN(test_account());
    RUN(test_threads_share_a_client_and_a_quota());
    RUN(test_the_order_of_the_line());
    RUN(test_cancelling_from_outside());
    return done();
}
