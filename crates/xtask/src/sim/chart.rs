//! The chart for the documentation: one panel of bars for each question.

use std::fmt::Write as _;

use super::measure::Numbers;
use super::report::Row;

struct Panel {
    scenario: &'static str,
    title: &'static str,
    value: fn(&Numbers) -> f64,
    digits: usize,
}

const PANELS: &[Panel] = &[
    Panel {
        scenario: "gateway-m1",
        title: "One process, 600 jobs, 60 requests a minute: jobs that failed",
        value: |numbers| numbers.failed,
        digits: 0,
    },
    Panel {
        scenario: "gateway-m1",
        title: "The same: requests that were refused",
        value: |numbers| numbers.refused,
        digits: 0,
    },
    Panel {
        scenario: "gateway-m4",
        title: "Four processes that share nothing: requests that were refused",
        value: |numbers| numbers.refused,
        digits: 0,
    },
    Panel {
        scenario: "outage-500",
        title: "Everything fails for a minute: requests for each call",
        value: |numbers| numbers.amplification,
        digits: 2,
    },
    Panel {
        scenario: "outage-hang",
        title: "The server hangs for a minute: seconds until all is well again (515 is never)",
        value: |numbers| numbers.recovery,
        digits: 0,
    },
];

const WIDTH: usize = 760;
const NAMES: usize = 120;
const BAR: usize = 16;
const STEP: usize = 20;
const HEAD: usize = 34;

/// Draws the panels of those scenarios that were run.
pub(crate) fn svg(rows: &[Row]) -> String {
    let mut body = String::new();
    let mut y = 10;
    for panel in PANELS {
        let rows: Vec<_> = rows
            .iter()
            .filter(|row| row.scenario == panel.scenario && row.policy != "oracle")
            .collect();
        if rows.is_empty() {
            continue;
        }
        let most = rows.iter().map(|row| (panel.value)(&row.numbers)).fold(1e-9, f64::max);
        let _ = writeln!(
            body,
            "<text x=\"10\" y=\"{}\" font-weight=\"bold\">{}</text>",
            y + 18,
            panel.title
        );
        y += HEAD;
        for row in rows {
            let value = (panel.value)(&row.numbers);
            let room = (WIDTH - NAMES - 80) as f64;
            let width = (room * value / most).round().max(1.0);
            let fill = if row.policy == "resayil" { "#1a7f5a" } else { "#9aa5b1" };
            let middle = y + 12;
            let _ = writeln!(
                body,
                "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>\n\
                 <rect x=\"{NAMES}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\" fill=\"{fill}\"/>\n\
                 <text x=\"{}\" y=\"{middle}\">{value:.*}</text>",
                NAMES - 8,
                row.policy,
                NAMES as f64 + width + 6.0,
                panel.digits,
            );
            y += STEP;
        }
        y += 12;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" width=\"{WIDTH}\" \
         height=\"{y}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}
