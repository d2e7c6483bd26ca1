//! The page: one file that needs no other.

use super::Data;
use super::rows;
use super::sections;
use super::write::Facts;

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn html(facts: &Facts<'_>, data: &Data) -> String {
    let title = escape(&format!("Batch report: {}", facts.source));
    let parts = [
        sections::header(facts),
        sections::tiles(facts, data),
        sections::requests(data),
        sections::callers(data),
        sections::quota(data),
        sections::latency(data),
        sections::retries(data),
        sections::told(data),
        rows::failed(facts, data),
        rows::slowest(facts, data),
    ];
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{}\
         <footer>Made by resayil {}. It holds no key, and no prompt but where a message of the service \
         quotes one. The same as data: \
         <code>#data</code> in this page, or <code>resayil batch --json</code>.</footer>\n</main>\n\
         <script type=\"application/json\" id=\"data\">{}</script>\n</body>\n</html>\n",
        parts.concat(),
        env!("CARGO_PKG_VERSION"),
        // In a script nothing is escaped but its end.
        facts.summary.to_string().replace('<', "\\u003c"),
    )
}

/// A link.
pub(super) fn anchor(address: &str, shown: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escape(address), escape(shown))
}

/// A text in HTML, in an attribute, too.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            // What a page may not hold.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use resayil::observe::Stats;
    use resayil::{Error, Kind};

    use super::super::latency::Times;
    use super::super::notable::{Failed, Listed};
    use super::super::timeline::{Bin, Bins};
    use super::super::tokens::Tokens;
    use super::super::told::Groups;
    use super::super::write::Links;
    use super::*;
    use crate::batch::{Outcome, Target};

    /// As much as a batch of any length can have.
    fn fullest() -> Data {
        let bins = (0..240u64).map(|index| Bin {
            sent: 83_000 + index,
            answered: 70_000 + index * 31,
            refused: 5_000 + index * 17,
            errors: 8_000 + index * 13,
            in_flight: 100.123_456 + index as f64 / 7.0,
            waiting_for_quota: 50.123_456 + index as f64 / 3.0,
            waiting_to_retry: 6.123_456 + index as f64 / 11.0,
            quota_used: Some(1000 + index as u32),
            quota_limit: Some(1200),
        });
        let mut times = Times::new();
        (0..10_000_000u64).step_by(997).for_each(|it| times.add(Duration::from_micros(it * it)));
        let mut groups = Groups::default();
        (400..500)
            .for_each(|status| groups.failed(&Error::new(Kind::Server, "").with_status(status)));
        let listed = |failure: Option<Failed>| Listed {
            line: 999_999,
            result_line: 999_999,
            custom_id: Some("é\"".repeat(170)),
            seconds: 12_345.678_9,
            quota_wait_seconds: 12_345.678_9,
            retry_wait_seconds: 12_345.678_9,
            attempts: 30,
            failure,
        };
        let failure = Failed {
            kind: "server".to_owned(),
            status: Some(500),
            message: "<".repeat(300),
            request_id: Some("0123456789abcdef".repeat(4)),
        };
        Data {
            call_seconds: times.percentiles(),
            answer_seconds: times.percentiles(),
            tokens: Tokens::default(),
            retries_by_reason: Vec::new(),
            failures: groups.list(),
            slowest: vec![listed(None); 20],
            failed_requests: vec![listed(Some(failure)); 100],
            timeline: Bins { bin_seconds: 360.0, bins: bins.collect() },
        }
    }

    #[test]
    fn the_fullest_page_weighs_less_than_a_megabyte() {
        let data = fullest();
        let outcome = Outcome {
            total: 20_000_000,
            answered: 19_000_000,
            failed: 1_000_000,
            earlier: 0,
            elapsed: Duration::from_secs(86_400),
            interrupted: false,
            stopped_by: None,
        };
        let facts = Facts {
            source: "in.jsonl".to_owned(),
            target: &Target::Pipe,
            base_url: "https://example.com/v1",
            started: SystemTime::UNIX_EPOCH,
            outcome: &outcome,
            stats: &Stats::default(),
            concurrency: 256,
            summary: &serde_json::to_value(&data).unwrap(),
            links: Links { input: Some("./in".to_owned()), output: Some("./out".to_owned()) },
        };
        let page = html(&facts, &data);
        assert!(page.len() < 1_000_000, "{}", page.len());
        assert!(!page.contains("<<") && page.contains("999\u{202f}900 more"));
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escape("<a href='\"'>&\u{1b}"), "&lt;a href=&#39;&quot;&#39;&gt;&amp;\u{fffd}");
    }
}
