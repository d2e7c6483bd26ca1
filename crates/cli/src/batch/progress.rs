//! Showing how far a batch is: a bar on a terminal, plain lines elsewhere.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use resayil::Client;

use super::estimate::{self, Facts};
use super::feed::Extent;
use super::output::Earlier;
use super::queue::Queue;
use super::tally::Tally;
use crate::told::{Told, ToldArgs};

/// Where progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Display {
    /// On standard error: a bar if it is a terminal, else a line now and then.
    Standard,
    /// On standard error, a line now and then, among other lines.
    Lines,
    /// Nowhere.
    Quiet,
}

impl Display {
    /// As the options say.
    pub(crate) fn of(told: ToldArgs, quiet: bool) -> Self {
        match told.or(Told::Warnings) {
            Told::Nothing => Display::Quiet,
            Told::All => Display::Lines,
            _ if quiet => Display::Quiet,
            _ => Display::Standard,
        }
    }
}

/// How often a bar is drawn.
const BAR_INTERVAL: Duration = Duration::from_millis(200);
/// How often a line is written.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// What is shown.
pub(super) struct Progress<'a> {
    pub(super) client: &'a Client,
    pub(super) tally: &'a Tally,
    pub(super) queue: &'a Queue,
    pub(super) start: Instant,
    pub(super) window: Option<Duration>,
}

impl Progress<'_> {
    /// Shows the progress while `work` goes on.
    pub(super) fn show_while(&self, display: Display, work: impl FnOnce()) {
        if display == Display::Quiet {
            return work();
        }
        let has_bar = display == Display::Standard && std::io::stderr().is_terminal();
        let bar = has_bar.then(|| self.bar());
        let (sender, ended) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let bar = bar.as_ref();
            scope.spawn(move || {
                let interval = if bar.is_some() { BAR_INTERVAL } else { LINE_INTERVAL };
                while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    self.show(bar);
                }
            });
            self.show(bar);
            work();
            // The display ends with its channel.
            drop(sender);
        });
        self.show(bar.as_ref());
        if let Some(bar) = bar {
            bar.abandon();
        }
    }

    fn bar(&self) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(
            Some(self.queue.extent().total),
            ProgressDrawTarget::stderr(),
        );
        let style = ProgressStyle::with_template("[{bar:25}] {msg}");
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "))
    }

    fn show(&self, bar: Option<&ProgressBar>) {
        match bar {
            Some(bar) => {
                bar.set_length(self.queue.extent().total);
                bar.set_position(self.done(&self.queue.extent()));
                bar.set_message(self.text());
            }
            None => eprintln!("{}", self.text()),
        }
    }

    /// Requests that have their result.
    fn done(&self, extent: &Extent) -> u64 {
        let Earlier { answered, failed } = extent.earlier;
        answered + failed + self.tally.answered() + self.tally.failed()
    }

    fn text(&self) -> String {
        let quota = self.client.quota_state();
        let extent = self.queue.extent();
        let left = extent.total.saturating_sub(self.done(&extent));
        let in_line = quota.map_or(0, |quota| quota.waiting as u64);
        let under_way = self.tally.under_way().saturating_sub(in_line);
        let stats = self.client.stats();
        let mut text = format!(
            "{}/{}{} answered, {} waiting, {} retried, {} failed",
            extent.earlier.answered + self.tally.answered(),
            extent.total,
            // More may come of a pipe.
            if extent.is_whole { "" } else { "+" },
            left,
            stats.retries + stats.stale_connections,
            extent.earlier.failed + self.tally.failed(),
        );
        if left > 0 && extent.is_whole {
            let facts = Facts {
                left,
                under_way,
                done: self.tally.answered() + self.tally.failed(),
                elapsed: self.start.elapsed(),
                window: self.window,
            };
            // Writing to a string does not fail.
            let _ = match estimate::time_left(&facts, quota.as_ref()) {
                Some(wait) => write!(text, ", about {} left", rounded(wait)),
                None => Ok(()),
            };
        }
        if let Some(trouble) = self.tally.trouble().as_deref() {
            let _ = write!(text, " ({trouble})");
        }
        text
    }
}

/// A time for people.
fn rounded(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_for_people() {
        let text = |seconds| rounded(Duration::from_secs_f64(seconds));
        assert_eq!(text(0.4), "1 s");
        assert_eq!(text(119.0), "119 s");
        assert_eq!(text(121.0), "3 min");
        assert_eq!(text(7260.0), "2 h 1 min");
    }
}
