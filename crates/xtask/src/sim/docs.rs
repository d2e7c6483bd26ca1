//! The page of the documentation that shows what was measured.

use std::fmt::Write as _;

use super::policy;
use super::report::{self, Row};
use super::scenario::Scenario;

/// `docs/simulation.md`.
pub(crate) fn page(scenarios: &[Scenario], rows: &[Row], seeds: u64) -> String {
    let mut page = format!(
        "<!-- Written by `cargo xtask sim --docs`. Change crates/xtask/src/sim/, not this page. -->\n\n\
         # Retry and quota, simulated\n\n\
         A model of the server, processes with jobs, and policies, in virtual time. The policy \
         `resayil` is the code that ships, with its defaults: quota, retry policy, budget and \
         classifier, driven as the client drives them. The others are written anew from their \
         documentation; each says its source in `crates/xtask/src/sim/`. All numbers are medians over \
         {seeds} seeds. To measure again, with a release build because it takes minutes otherwise:\n\n\
         ```sh\n\
         cargo run --release -p xtask -- sim\n\
         cargo run --release -p xtask -- sim --scenario gateway-m1 --policy resayil,openai --json\n\
         cargo run --release -p xtask -- sim --goals  # what has to be true, and whether it is\n\
         ```\n\n\
         ![The main results as bars](simulation.svg)\n\n\
         ## The model\n\n\
         Unless a scenario says otherwise the server admits 60 requests in each minute of its clock. A \
         process has 16 workers, and there are 600 jobs in all. A job takes the model about one second \
         (log-normal); a refusal comes in some 40 ms; one way through the network takes 5 ms and a \
         random bit more. `Date` has whole seconds, and refusals carry a `retry_after` of whole seconds \
         and the headers of the limit. The time for one attempt is 120 s, as in the client. *p95* is the \
         95th percentile over the seeds of what stands before it. *A later one* is the most that was \
         refused in one clock minute after the first. *Of the limit* is the completion as a multiple of \
         that of the oracle. *Amplification* is requests for each job; in an outage for each job that \
         began in it. *Sent in it* are the requests that were sent in an outage for each job that began \
         in it. *Late ones lost* is the share of the jobs that began in the last 12 s of an outage and \
         had no answer. *Back* is the time from the end of an outage to the first answer, and *recovery* \
         that until calls that begin are answered within 10 s.\n\n\
         | policy | what it is |\n|---|---|\n",
    );
    for (name, about) in policy::ALL {
        let _ = writeln!(page, "| `{name}` | {about} |");
    }
    for scenario in scenarios {
        let _ = write!(page, "\n## {}\n\n{}.\n\n", scenario.name, capital(scenario.about));
        let rows: Vec<_> = rows.iter().filter(|row| row.scenario == scenario.name).collect();
        page.push_str(&report::table(&rows));
    }
    page
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
