// Three calls that fail, and what a program does about it. Reads RESAYIL_API_KEY and
// RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with.
#include <resayil.hpp>

#include <iomanip>
#include <iostream>

// What to tell the developer, if a field is wrong, and else the user.
static void explain(const resayil::Error &error) {
    for (const auto &field : error.field_errors()) {
        std::cout << error.kind_name() << ": " << field.field << ": " << field.messages.at(0) << "\n";
    }
    if (error.field_errors().empty()) {
        std::cout << error.kind_name() << ": " << error.user_message() << "\n";
        for (auto step : error.advice()) {
            std::cout << "- " << step << "\n";
        }
    }
}

static void ask(const resayil::Client &client, const std::string &request) {
    if (auto answer = client.chat(request)) {
        std::cout << "answer after " << answer->attempts() << " attempts: " << answer->content() << "\n";
    } else {
        explain(answer.error());
    }
}

int main() {
    // Retries are on by default. An observer is told about them.
    auto client = resayil::ClientBuilder()
                      .observer([](const resayil::Event &event) {
                          if (event.action() == "retry" && event.error() && event.delay()) {
                              std::cout << event.error()->kind_name() << ": trying again in " << std::fixed
                                        << std::setprecision(1) << event.delay()->count() << " s\n";
                          }
                      })
                      .build();
    auto request = resayil::ChatRequest("llama3.2:3b").user("What is a quota?").to_json();
    if (!client || !request) {
        std::cerr << (client ? request.error() : client.error()).summary() << "\n";
        return 1;
    }
    ask(*client, *request); // refused for quota: waits as long as the server says, and succeeds

    resayil::ChatRequest wrong("llama3.2:3b");
    if (wrong.user("What is a quota?").set("temperature", "9").ok()) {
        ask(*client, *wrong.to_json()); // a field is invalid: nothing to retry
    }
    ask(*client, *request); // no credits are left
}
