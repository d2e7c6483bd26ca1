//! The fields `RateLimit` and `RateLimit-Policy` of the IETF's draft "RateLimit header fields for
//! HTTP".

use std::cmp::Reverse;
use std::time::Duration;

use super::Limit;
use super::name::LimitId;
use crate::answer::wait::Wait;
use crate::limit_scope::LimitScope;
use crate::text::structured_fields::{self, Item, MAX_ITEMS};

/// What the two fields tell, over all their lines.
#[derive(Default)]
pub(super) struct Ietf {
    limits: Vec<Item>,
    policies: Vec<Item>,
}

impl Ietf {
    /// `"default";r=1;t=7`
    pub(super) fn read_limits(&mut self, value: &str) {
        extend(&mut self.limits, value);
    }

    /// `"burst";q=100;w=60`
    pub(super) fn read_policies(&mut self, value: &str) {
        extend(&mut self.policies, value);
    }

    /// The limit that binds: the one with the least left, and of these the longest.
    pub(super) fn binding(&self) -> Limit {
        let limits = self.limits.iter().filter_map(|limit| Some((limit, natural(limit, "r")?)));
        let wait = |limit: &Item| natural(limit, "t").map(Duration::from_secs);
        let binding = limits.min_by_key(|(limit, remaining)| (*remaining, Reverse(wait(limit))));
        let policy = match (binding, &self.policies[..]) {
            (None, [only]) => Some(only),
            (Some((limit, _)), [only]) if !(limit.has_name() && only.has_name()) => Some(only),
            (Some((limit, _)), policies) => {
                policies.iter().find(|policy| policy.is_named_as(limit))
            }
            _ => None,
        };
        let window = policy.and_then(|policy| policy.integer("w")).filter(|seconds| *seconds > 0);
        let id = LimitId {
            scope: policy.or(binding.map(|(limit, _)| limit)).map(scope),
            window: window.and_then(|seconds| seconds.try_into().ok()),
            ..LimitId::default()
        };
        Limit {
            id,
            limit: policy.and_then(quota),
            remaining: binding.map(|(_, remaining)| remaining),
            reset: binding.and_then(|(limit, _)| wait(limit)).map(Wait::In),
            ..Limit::default()
        }
    }
}

fn extend(items: &mut Vec<Item>, line: &str) {
    let parsed = structured_fields::parse_list(line).unwrap_or_default();
    items.extend(parsed.into_iter().take(MAX_ITEMS - items.len()));
}

/// The quota of a policy; that of an older draft is the item itself. A window has a length.
fn quota(policy: &Item) -> Option<u64> {
    let quota = policy.integer("q").or(policy.bare_integer())?;
    if policy.integer("w") == Some(0) { None } else { quota.try_into().ok() }
}

/// What a policy counts, by its unit; requests, if it names none.
fn scope(policy: &Item) -> LimitScope {
    if policy.has("qu", "concurrent-requests") {
        LimitScope::Concurrency
    } else {
        LimitScope::Requests
    }
}

fn natural(item: &Item, name: &str) -> Option<u64> {
    item.integer(name)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    fn binding(limits: &[&str], policies: &[&str]) -> (Option<u64>, Option<u64>, Option<u64>) {
        let mut ietf = Ietf::default();
        limits.iter().for_each(|limit| ietf.read_limits(limit));
        policies.iter().for_each(|policy| ietf.read_policies(policy));
        let Limit { limit, remaining, reset, .. } = ietf.binding();
        let reset = reset.map(|reset| reset.from(Timestamp::UNIX_EPOCH));
        (limit, remaining, reset.map(|wait| wait.as_secs()))
    }

    #[test]
    fn the_limit_with_the_least_left_binds_with_the_policy_of_its_name() {
        let policies = r#""daily";q=1000;w=86400, "burst";q=10;w=10"#;
        let limits = r#""daily";r=800;t=36000, "burst";r=0;t=5"#;
        assert_eq!(binding(&[limits], &[policies]), (Some(10), Some(0), Some(5)));
        let lines: Vec<_> = limits.split(", ").collect();
        assert_eq!(binding(&lines, &[policies]), (Some(10), Some(0), Some(5)));
        let both = r#""burst";r=0;t=5, "daily";r=0;t=500"#;
        assert_eq!(binding(&[both], &[policies]), (Some(1000), Some(0), Some(500)));
    }

    #[test]
    fn a_policy_counts_by_itself_only_where_it_is_the_only_one() {
        assert_eq!(binding(&[], &[r#""p";q=10;w=60"#]), (Some(10), None, None));
        assert_eq!(binding(&[r#""x";r=3"#], &["100;w=60"]), (Some(100), Some(3), None));
        assert_eq!(binding(&[r#""x";r=3"#], &["10;w=1, 50;w=60"]), (None, Some(3), None));
        assert_eq!(binding(&[r#""x";r=3"#], &[r#""y";q=10"#]), (None, Some(3), None));
        assert_eq!(binding(&[], &["10;w=1, 50;w=60"]), (None, None, None));
        assert_eq!(binding(&[r#""x";r=-1;t=3"#], &[r#""x";q=10;w=0"#]), (None, None, None));
    }
}
