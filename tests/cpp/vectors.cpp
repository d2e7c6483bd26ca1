// Runs the cases of tests/vectors through the C++ interface; prints what tests/c/vectors.c does.
#include <resayil.hpp>

#include "cases.h"

#include <iostream>

static void require(bool good, const char *what) {
    if (!good) {
        case_fail(what);
    }
}

static const char *provider_of(const test_case &one) {
    return one.provider[0] == '\0' ? nullptr : one.provider;
}

static resayil::Headers headers_of(const test_case &one) {
    resayil::Headers headers;
    for (std::size_t at = 0; at < one.header_count; at++) {
        const resayil_header &header = one.headers[at];
        headers.add({header.name, header.name_len}, {header.value, header.value_len});
    }
    return headers;
}

static std::string record_of(const std::optional<resayil::Error> &error) {
    return error ? error->to_json() : "null";
}

static void run_error(const test_case &one) {
    auto error = resayil::classify(one.status, headers_of(one), {one.body.data, one.body.len},
                                   provider_of(one), one.now);
    require(error.ok(), "classify");
    std::cout << record_of(*error) << "\n";
}

static void run_stream(const test_case &one) {
    static const char *const names[] = {"complete", "error", "truncated"};
    auto decoder = resayil::StreamDecoder::create(headers_of(one), provider_of(one));
    require(decoder.ok(), "create");
    std::string delivered;
    auto collect = [&](std::string_view text, std::string_view) { delivered += text; };
    require(decoder->feed({one.body.data, one.body.len}, collect).ok(), "feed");
    auto end = decoder->finish(collect, one.now);
    require(end.ok(), "finish");
    require(delivered == decoder->partial_text(), "the callback got the whole text");
    const auto which = static_cast<std::size_t>(end->end);
    // A complete answer is not replayed, not even an empty one.
    std::cout << names[which] << "\t" << (which != 0 && !decoder->has_delivered()) << "\t";
    for (unsigned char byte : delivered) {
        static const char digits[] = "0123456789abcdef";
        std::cout << digits[byte >> 4] << digits[byte & 15];
    }
    std::cout << "\t" << record_of(end->error) << "\n";
}

int main(int argc, char **argv) {
    require(argc == 3, "usage: vectors errors|streams FILE");
    bool streams = std::string_view(argv[1]) == "streams";
    case_file file = case_file_read(argv[2]);
    static test_case one;
    while (case_next(&file, &one)) {
        streams ? run_stream(one) : run_error(one);
    }
    std::free(file.data);
}
