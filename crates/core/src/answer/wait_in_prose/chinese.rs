//! Waits in Chinese sentences, which name the unit behind the number: `请30秒后重试`, `请等待 2 分钟`.

use std::time::Duration;

use crate::text::duration;

/// The units, the longer ones first where one begins with another.
const UNITS: [(&str, f64); 10] = [
    ("毫秒", 0.001),
    ("秒钟", 1.0),
    ("秒", 1.0),
    ("分钟", 60.0),
    ("分鐘", 60.0),
    ("分", 60.0),
    ("个小时", 3600.0),
    ("小时", 3600.0),
    ("小時", 3600.0),
    ("天", 86_400.0),
];

/// What is done once the time is over: to try, again, to recover, to reset.
const AFTERWARDS: [&str; 6] = ["试", "試", "再", "恢复", "重新", "重置"];

/// How many characters behind the wait they are looked for in.
const NEAR: usize = 8;

/// The wait that a number stands for, by the text before it and from it on.
pub(super) fn wait(before: &str, text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (number, rest) = text.split_at(digits);
    let rest = rest.trim_start_matches(' ');
    // Few texts have a Chinese character here.
    if rest.bytes().next()? < 0xe4 {
        return None;
    }
    let (unit, seconds) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
    let rest = &rest[unit.len()..];
    let rest = rest.strip_prefix(['之', '以']).unwrap_or(rest);
    let is_after = rest.strip_prefix(['后', '後']).is_some_and(|rest| {
        let end = rest.char_indices().nth(NEAR).map_or(rest.len(), |(at, _)| at);
        AFTERWARDS.iter().any(|word| rest[..end].contains(word))
    });
    let is_told_to_wait = || before.trim_end_matches(' ').ends_with("等待");
    if !is_after && !is_told_to_wait() {
        return None;
    }
    duration::from_seconds(duration::decimal(number)? * seconds)
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use crate::timestamp::Timestamp;

    #[test]
    fn waits_in_chinese() {
        for (message, expected) in [
            ("请求过于频繁，请30秒后重试", Some(30.0)),
            ("请在 2 分钟之后再试。", Some(120.0)),
            ("请求过多，請1小時後再試", Some(3600.0)),
            ("已限流，60秒後重試", Some(60.0)),
            ("请等待10秒", Some(10.0)),
            ("500毫秒后自动恢复", Some(0.5)),
            ("请求超时，30秒后断开连接", None),
            ("每60秒最多20次", None),
            ("3天", None),
            ("12", None),
        ] {
            let wait = find(message).map(|it| it.from(Timestamp::UNIX_EPOCH).as_secs_f64());
            assert_eq!(wait, expected, "{message}");
        }
    }
}
