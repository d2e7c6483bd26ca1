// What a client counts, under the names by which it is exported.
#ifndef RESAYIL_METRICS_HPP
#define RESAYIL_METRICS_HPP

#include "result.hpp"

#include <string>
#include <utility>
#include <vector>

namespace resayil {

/// One value; docs/observability.md has the table of names.
struct Metric {
    /// Such as `resayil.client.retries`.
    std::string name;
    /// `counter` for a sum that only grows, `gauge` for a value as it is now.
    std::string instrument;
    /// By UCUM: `s` is seconds, what is in braces is counted.
    std::string unit;
    /// What tells it from other values of the same name, such as `error.type`.
    std::vector<std::pair<std::string, std::string>> attributes;
    /// Its value, in `unit`.
    double value;
};

namespace detail {

inline std::vector<Metric> metrics(const resayil_metrics *from) {
    std::vector<Metric> list;
    for (std::size_t at = 0; at < resayil_metrics_count(from); at++) {
        Metric metric{std::string(view(resayil_metrics_name(from, at))),
                      std::string(view(resayil_metrics_instrument(from, at))),
                      std::string(view(resayil_metrics_unit(from, at))),
                      {},
                      resayil_metrics_value(from, at)};
        for (std::size_t n = 0; n < resayil_metrics_attribute_count(from, at); n++) {
            metric.attributes.emplace_back(view(resayil_metrics_attribute_name(from, at, n)),
                                           view(resayil_metrics_attribute_value(from, at, n)));
        }
        list.push_back(std::move(metric));
    }
    return list;
}

} // namespace detail

} // namespace resayil

#endif
