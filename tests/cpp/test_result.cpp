// Result, as C++23's std::expected has it, and streams as ranges.
#include <resayil.hpp>

extern "C" {
#include "check.h"
}

#include <memory>

using namespace resayil;

static Result<int> good(int value) { return value; }

static Result<int> bad() { return Error(Kind::validation, "no"); }

static void test_value_or() {
    CHECK(good(1).value_or(2) == 1 && bad().value_or(2) == 2);
    const Result<std::string> text = std::string("a");
    CHECK(text.value_or("b") == "a" && text.has_value());
    // What can only be moved, too.
    CHECK(*Result<std::unique_ptr<int>>(std::make_unique<int>(3)).value_or(nullptr) == 3);
}

static void test_chains() {
    auto twice = [](int value) { return good(2 * value); };
    CHECK(good(1).and_then(twice).and_then(twice).value() == 4);
    CHECK(bad().and_then(twice).error().kind() == Kind::validation);
    int calls = 0;
    auto count = [&](int) -> Result<void> { return (void)calls++, Result<void>(); };
    CHECK(good(1).and_then(count).ok() && !bad().and_then(count).ok() && calls == 1);
    CHECK(Result<void>().and_then([] { return good(5); }).value() == 5);
    CHECK(!Result<void>(Error(Kind::timeout, "late")).and_then([] { return good(5); }));

    CHECK(good(7).transform([](int value) { return std::to_string(value); }).value() == "7");
    CHECK(bad().transform([](int value) { return std::to_string(value); }).error().message() == "no");
    CHECK(bad().or_else([](Error error) { return good(error.kind() == Kind::validation ? 8 : 9); }).value() == 8);
    CHECK(good(1).or_else([](Error) { return good(8); }).value() == 1);
#ifdef __cpp_lib_expected
    CHECK(good(1).expected().value() == 1 && bad().expected().error().kind() == Kind::validation);
#endif
}

static void test_a_stream_is_a_range() {
    auto client = Client::from_env();
    auto request = ChatRequest("mistral").user("Hello").to_json();
    CHECK(client.ok() && request.ok());
    std::string text;
    auto stream = client->chat_stream(*request);
    CHECK(stream.ok());
    for (auto &&event : *stream) {
        CHECK(event.ok());
        text += event->text;
    }
    CHECK(text == stream->partial_text() && text.find("Hello") != std::string::npos);
    CHECK(stream->begin() == stream->end());

    auto control = ClientBuilder().base_url(std::getenv("RESAYIL_SANDBOX")).no_quota().build();
    CHECK(control->post("_sandbox/faults", R"({"fault":"cut_stream","events":2})").ok());
    auto cut = client->chat_stream(*request);
    int events = 0, errors = 0;
    for (auto &&event : *cut) {
        CHECK(errors == 0);
        events += event.ok();
        errors += !event.ok();
    }
    CHECK(events > 0 && errors == 1);
}

int main() {
    RUN(test_value_or());
    RUN(test_chains());
    RUN(test_a_stream_is_a_range());
    return done();
}
