// Asks a question, and prints the answer as it comes.
//
// Reads RESAYIL_API_KEY and RESAYIL_BASE_URL; `resayil sandbox` prints a pair to try it with.
#include <resayil.hpp>

#include <iostream>

int main() {
    auto client = resayil::Client::from_env();
    auto request = resayil::ChatRequest("mistral").user("Hello").to_json();
    if (!client || !request) {
        std::cerr << (client ? request.error() : client.error()).summary() << "\n";
        return 2;
    }
    auto stream = client->chat_stream(*request);
    if (!stream) {
        std::cerr << stream.error().user_message() << "\n";
        return 1;
    }
    for (auto &&event : *stream) {
        if (!event) {
            // Half an answer, and what became of the rest.
            std::cerr << "\n" << event.error().summary() << "\n";
            return 1;
        }
        std::cout << event->text << std::flush;
    }
    std::cout << "\n";
}
