//! The names of headers about rate limits.

use crate::limit_scope::LimitScope;

/// What a header tells of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Limit,
    Remaining,
    Reset,
}

/// Which limit a header speaks of: of what, and in which window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LimitId {
    pub(super) tokens: bool,
    /// A mix of the other words of the name; 0 for the plain limits of requests and of tokens.
    pub(super) other: u64,
    pub(super) scope: Option<LimitScope>,
    /// Seconds.
    pub(super) window: Option<u32>,
}

/// The field and the limit in what follows the prefix of a name: `limit-requests`,
/// `tokens-remaining`, `remaining-tokens-day`.
pub(super) fn read(rest: &[u8]) -> Option<(Field, LimitId)> {
    // Most names are of two words, the field and the resource.
    let end = rest.iter().position(|byte| *byte == b'-').unwrap_or(rest.len());
    let (first, others) = rest.split_at(end);
    let mut field = field_of(first);
    let mut id = LimitId::default();
    match others {
        b"" | b"-requests" if field.is_some() => {}
        b"-tokens" if field.is_some() => id.add(b"tokens"),
        _ => {
            for word in rest.split(|byte| *byte == b'-') {
                match field_of(word) {
                    Some(found) => field = Some(found),
                    None => id.add(word),
                }
            }
        }
    }
    if id.other == 0 {
        // Where a name says nothing else, requests are meant.
        id.scope = id.scope.or(Some(LimitScope::Requests));
    }
    Some((field?, id))
}

fn field_of(word: &[u8]) -> Option<Field> {
    match word {
        b"limit" => Some(Field::Limit),
        b"remaining" => Some(Field::Remaining),
        b"reset" => Some(Field::Reset),
        _ => None,
    }
}

impl LimitId {
    fn add(&mut self, word: &[u8]) {
        match word {
            b"request" | b"requests" | b"req" => {
                self.scope = self.scope.or(Some(LimitScope::Requests));
            }
            b"minute" => self.window = Some(60),
            b"token" | b"tokens" => {
                self.tokens = true;
                self.scope = self.scope.or(Some(LimitScope::Tokens));
            }
            _ => {
                match word {
                    b"input" => self.scope = Some(LimitScope::InputTokens),
                    b"output" => self.scope = Some(LimitScope::OutputTokens),
                    b"image" | b"images" => self.scope = Some(LimitScope::Images),
                    b"concurrent" | b"concurrency" => self.scope = Some(LimitScope::Concurrency),
                    _ => self.window = window(word).or(self.window),
                }
                // FNV-1a: two names that collide share a limit, which does no harm.
                let hash =
                    |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
                self.other = word.iter().fold(self.other ^ 0xcbf2_9ce4_8422_2325, hash) | 1;
            }
        }
    }
}

/// The window that a word names, such as `day` or `5h`. Seconds.
fn window(word: &[u8]) -> Option<u32> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = word.split_at(digits);
    let unit = match (digits, unit) {
        (0, b"second") | (1.., b"s") => 1,
        (1.., b"m") => 60,
        (0, b"hour") | (1.., b"h") => 3600,
        (0, b"day" | b"daily") | (1.., b"d") => 86_400,
        (0, b"month" | b"monthly") => 30 * 86_400,
        _ => return None,
    };
    let digit =
        |number: u32, digit: &u8| number.checked_mul(10)?.checked_add((digit - b'0').into());
    let number = if digits == 0 { Some(1) } else { number.iter().try_fold(0, digit) };
    number?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use LimitScope::*;

    #[test]
    fn scope_and_window_are_words_of_the_name() {
        for (name, scope, window) in [
            ("limit", Some(Requests), None),
            ("remaining-tokens", Some(Tokens), None),
            ("tokens-remaining", Some(Tokens), None),
            ("input-tokens-remaining", Some(InputTokens), None),
            ("output-tokens-limit", Some(OutputTokens), None),
            ("limit-requests-day", Some(Requests), Some(86_400)),
            ("limit-tokens-minute", Some(Tokens), Some(60)),
            ("remaining-images", Some(Images), None),
            ("limit-concurrent-requests", Some(Concurrency), None),
            ("unified-5h-reset", None, Some(18_000)),
            ("unified-7d-reset", None, Some(604_800)),
            ("unified-overage-reset", None, None),
            ("s-reset", None, None),
            ("99999999999d-reset", None, None),
        ] {
            let (_, id) = read(name.as_bytes()).unwrap();
            assert_eq!((id.scope, id.window), (scope, window), "{name}");
        }
        assert_eq!(read(b"policy"), None);
    }
}
