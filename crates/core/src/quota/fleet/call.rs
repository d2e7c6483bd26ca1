//! One call of the script.

/// How many arguments the script takes.
pub(super) const ARGUMENTS: usize = 39;

/// One call of the script: its key and its arguments, to be sent as `EVALSHA` or `EVAL`.
///
/// Whoever has the connection sends its [`command`](Self::command) as it is and tells the
/// [`FleetLink`](super::FleetLink) what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetCall {
    key: String,
    numbers: [i64; ARGUMENTS],
    by_text: bool,
}

/// What the numbers are. Their order is that of the script's arguments.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbers {
    /// How the provider counts: 0 in windows of its clock, 1 evenly, 2 unknown.
    pub(super) mode: i64,
    /// The length of a window in milliseconds.
    pub(super) len: i64,
    /// What the provider's clock shows more than the store's, at least and at the most, if it is known.
    pub(super) clock: Option<(i64, i64)>,
    /// After so many milliseconds without a refusal a request is taken for admitted.
    pub(super) presumed: i64,
    pub(super) weight: i64,
    /// The window in which this member was counted last.
    pub(super) counted_in: i64,
    /// The birth of the key that this member knows, and what it sent in which window.
    pub(super) birth: i64,
    pub(super) own_window: i64,
    pub(super) own: [i64; 4],
    /// In which window more or less was used than is counted, and how much.
    pub(super) settle_window: i64,
    pub(super) delta: [i64; 4],
    /// How many proved to be admitted, and to be refused.
    pub(super) good: i64,
    pub(super) refused: i64,
    /// So many milliseconds nobody is admitted.
    pub(super) latch: i64,
    /// Turns in this window that are not wanted any more.
    pub(super) back_window: i64,
    pub(super) back: [i64; 4],
    pub(super) limits: [i64; 4],
    /// How many ask, how many of them have a turn in `due_window`, and how many turns the member has in all.
    pub(super) asks: i64,
    pub(super) due: i64,
    pub(super) due_window: i64,
    pub(super) held: i64,
    pub(super) cost: [i64; 4],
}

impl FleetCall {
    pub(super) fn new(key: &str, n: &Numbers) -> Self {
        let (lo, hi) = n.clock.unwrap_or_default();
        let [own1, own2, own3, own4] = n.own;
        let [delta1, delta2, delta3, delta4] = n.delta;
        let [back1, back2, back3, back4] = n.back;
        let [limit1, limit2, limit3, limit4] = n.limits;
        let [cost1, cost2, cost3, cost4] = n.cost;
        let numbers = [
            n.mode,
            n.len,
            i64::from(n.clock.is_some()),
            lo,
            hi,
            n.presumed,
            n.weight,
            n.counted_in,
            n.birth,
            n.own_window,
            own1,
            own2,
            own3,
            own4,
            n.settle_window,
            delta1,
            delta2,
            delta3,
            delta4,
            n.good,
            n.refused,
            n.latch,
            n.back_window,
            n.due_window,
            back1,
            back2,
            back3,
            back4,
            limit1,
            limit2,
            limit3,
            limit4,
            n.asks,
            n.due,
            n.held,
            cost1,
            cost2,
            cost3,
            cost4,
        ];
        FleetCall { key: key.to_owned(), numbers, by_text: false }
    }

    /// The key, whole in a hash tag, so that it lies on one node of a cluster.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The arguments after the key: whole numbers.
    pub fn numbers(&self) -> &[i64; 39] {
        &self.numbers
    }

    /// Whether the script's text has to be sent (`EVAL`), since the server does not know it by its hash.
    pub fn is_by_text(&self) -> bool {
        self.by_text
    }

    /// The same by the script's text.
    pub(super) fn with_text(mut self) -> Self {
        self.by_text = true;
        self
    }

    /// All words of the command: `EVALSHA` and the hash or `EVAL` and the text, `1`, the key, the arguments.
    pub fn command(&self) -> Vec<String> {
        let (name, script) =
            if self.by_text { ("EVAL", super::SCRIPT) } else { ("EVALSHA", super::SCRIPT_SHA1) };
        let head = [name, script, "1", &self.key].map(str::to_owned);
        head.into_iter().chain(self.numbers.iter().map(i64::to_string)).collect()
    }
}
