//! What the machine-readable codes and types of all dialects mean.

use crate::kind::Kind;

/// The meaning of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Says only that the request is bad; the message may say more.
    Generic,
    /// Says exactly which mistake the request has; the message says no more.
    Specific,
    Authentication,
    Conflict,
    ContentFilter,
    ContextLength,
    NotFound,
    Overloaded,
    PayloadTooLarge,
    PaymentRequired,
    Permission,
    QuotaExhausted,
    RateLimit,
    Network,
    Server,
    Timeout,
    /// Whoever the gateway asked failed; how, the message may say.
    Upstream,
    /// More tokens than allowed: of one request, or, where the status says so, of a rate.
    TokenLimit,
    Validation,
}

impl Meaning {
    pub(super) fn kind(self) -> Kind {
        match self {
            Meaning::Generic | Meaning::Specific => Kind::BadRequest,
            Meaning::Authentication => Kind::Authentication,
            Meaning::Conflict => Kind::Conflict,
            Meaning::ContentFilter => Kind::ContentFilter,
            Meaning::ContextLength | Meaning::TokenLimit => Kind::ContextLength,
            Meaning::Network => Kind::Network,
            Meaning::NotFound => Kind::NotFound,
            Meaning::Overloaded => Kind::Overloaded,
            Meaning::PayloadTooLarge => Kind::PayloadTooLarge,
            Meaning::PaymentRequired => Kind::PaymentRequired,
            Meaning::Permission => Kind::Permission,
            Meaning::QuotaExhausted => Kind::QuotaExhausted,
            Meaning::RateLimit => Kind::RateLimit,
            Meaning::Server | Meaning::Upstream => Kind::Server,
            Meaning::Timeout => Kind::Timeout,
            Meaning::Validation => Kind::Validation,
        }
    }

    /// This meaning, or another one of the same error that outweighs it.
    pub(super) fn or_stronger(self, other: Meaning) -> Meaning {
        let outweighs = other == Meaning::QuotaExhausted && matches!(self, Meaning::RateLimit)
            || self == Meaning::Generic
            || self == Meaning::Upstream && other != Meaning::Generic;
        if outweighs { other } else { self }
    }
}

/// The meaning of a code or type. Case, separators and a prefix such as `litellm.` do not matter:
/// `RateLimitError`, `rate_limit_error` and `litellm.RateLimitError` are the same.
pub(super) fn meaning(code: &str) -> Option<Meaning> {
    if code.as_bytes().first().is_none_or(u8::is_ascii_digit) {
        return None;
    }
    let mut folded = [0; MAX_CODE];
    let mut len = 0;
    for byte in code.bytes() {
        match FOLD[usize::from(byte)] {
            // `ThrottlingException:http://…` and `com.amazon#ThrottlingException`.
            b':' => break,
            b'#' => len = 0,
            0 => {}
            letter => {
                if let Some(place) = folded.get_mut(len) {
                    *place = letter;
                }
                len += 1;
            }
        }
    }
    let folded = folded.get(..len)?;
    let stem = folded.strip_suffix(b"exception").unwrap_or(folded);
    let stem = stem.strip_suffix(b"error").unwrap_or(stem);
    // `AuthFailure.SignatureFailure`: what the last part leaves open, the first one may say.
    let by_group = || meaning(code.split_once('.')?.0);
    let by_stem = || (stem.len() < folded.len()).then(|| lookup(stem))?;
    lookup(folded)
        .or_else(by_stem)
        .or_else(|| by_part(folded))
        .or_else(|| unless_number(folded))
        .or_else(by_group)
        // `subscription:free-usage-exhausted`
        .or_else(|| meaning(code.split_once(':')?.1))
}

/// The meaning of a code that is not in the table, by a part of it.
fn by_part(folded: &[u8]) -> Option<Meaning> {
    let mut best = usize::MAX;
    for at in 0..folded.len() {
        let rest = &folded[at..];
        let mut index = usize::from(FIRST_PART[usize::from(rest[0] & 0x1f)]);
        // Those behind the best one so far say less.
        while index < best.min(PARTS.len()) {
            if rest.starts_with(PARTS[index].0.as_bytes()) {
                best = index;
            }
            index = usize::from(NEXT_PART[index]);
        }
    }
    PARTS.get(best).map(|(_, meaning)| *meaning)
}

/// The first part that begins with each letter, by its lowest five bits.
static FIRST_PART: [u8; 32] = {
    let mut first = [NO_PART; 32];
    let mut at = PARTS.len();
    while at > 0 {
        at -= 1;
        first[(PARTS[at].0.as_bytes()[0] & 0x1f) as usize] = at as u8;
    }
    first
};

/// The next part with the same first letter.
static NEXT_PART: [u8; PARTS.len()] = {
    let (mut next, mut last) = ([NO_PART; PARTS.len()], [NO_PART; 32]);
    let mut at = PARTS.len();
    while at > 0 {
        at -= 1;
        let letter = (PARTS[at].0.as_bytes()[0] & 0x1f) as usize;
        next[at] = last[letter];
        last[letter] = at as u8;
    }
    next
};

const NO_PART: u8 = u8::MAX;
const _: () = assert!(PARTS.len() < NO_PART as usize);

/// Parts of codes that mean the same in whatever company, the more telling ones first.
#[rustfmt::skip]
const PARTS: &[(&str, Meaning)] = &[
    ("contentfilter", Meaning::ContentFilter),
    ("contentpolicy", Meaning::ContentFilter),
    ("policyviolation", Meaning::ContentFilter),
    ("biopolicy", Meaning::ContentFilter),
    ("cyberpolicy", Meaning::ContentFilter),
    ("usagepolicy", Meaning::ContentFilter),
    ("sensitivecontent", Meaning::ContentFilter),
    ("riskdetection", Meaning::ContentFilter),
    ("contextlength", Meaning::ContextLength),
    ("contextwindow", Meaning::ContextLength),
    ("maxprompttokens", Meaning::ContextLength),
    ("insufficientpermission", Meaning::Permission),
    ("insufficientscope", Meaning::Permission),
    ("insufficientuserquota", Meaning::QuotaExhausted),
    ("quotaexhausted", Meaning::QuotaExhausted),
    ("usageexhausted", Meaning::QuotaExhausted),
    ("usagelimit", Meaning::QuotaExhausted),
    ("spendlimit", Meaning::QuotaExhausted),
    ("spendinglimit", Meaning::QuotaExhausted),
    ("creditsbalance", Meaning::PaymentRequired),
    ("insufficientbalance", Meaning::PaymentRequired),
    ("insufficientcredit", Meaning::PaymentRequired),
    ("insufficientfund", Meaning::PaymentRequired),
    ("accountoverdue", Meaning::PaymentRequired),
    ("ratelimit", Meaning::RateLimit),
    ("concurrencylimit", Meaning::RateLimit),
    ("overloaded", Meaning::Overloaded),
    ("timeout", Meaning::Timeout),
    ("invalidapikey", Meaning::Authentication),
    ("incorrectapikey", Meaning::Authentication),
    ("missingapikey", Meaning::Authentication),
    ("authenticationtoken", Meaning::Authentication),
    ("accesstokenexpired", Meaning::Authentication),
    ("accesstokeninvalid", Meaning::Authentication),
    ("authfailure", Meaning::Authentication),
    ("arrears", Meaning::PaymentRequired),
    ("noavailable", Meaning::Overloaded),
    ("unavailable", Meaning::Overloaded),
    ("capacity", Meaning::Overloaded),
    ("degraded", Meaning::Overloaded),
    ("busy", Meaning::Overloaded),
    ("timedout", Meaning::Timeout),
    ("upstream", Meaning::Upstream),
    ("badgateway", Meaning::Upstream),
    ("badresponse", Meaning::Upstream),
    ("streamread", Meaning::Upstream),
    ("earlyeof", Meaning::Upstream),
    ("interrupted", Meaning::Upstream),
    ("aborted", Meaning::Upstream),
    ("disconnected", Meaning::Upstream),
    ("providererror", Meaning::Upstream),
    ("requestfailed", Meaning::Upstream),
    ("internalserver", Meaning::Server),
    ("servererror", Meaning::Server),
    ("generationfailed", Meaning::Server),
    ("inferencefailed", Meaning::Server),
    ("runfailed", Meaning::Server),
    ("connection", Meaning::Network),
    ("unreachable", Meaning::Network),
    ("network", Meaning::Network),
    ("econn", Meaning::Network),
];

/// Letters in lower case, digits, `:` that ends a code and `#` for what ends its prefix; else 0.
static FOLD: [u8; 256] = {
    let mut fold = [0; 256];
    let mut byte = 0u8;
    while byte < 128 {
        fold[byte as usize] = match byte {
            b'.' | b'#' | b'/' => b'#',
            b':' => b':',
            _ if byte.is_ascii_alphanumeric() => byte.to_ascii_lowercase(),
            _ => 0,
        };
        byte += 1;
    }
    fold
};

fn lookup(folded: &[u8]) -> Option<Meaning> {
    let letter = usize::from(folded.first()?.checked_sub(b'a')?);
    let (first, end) = (*STARTS.get(letter)?, *STARTS.get(letter + 1)?);
    let found = CODES[first..end].iter().find(|(code, _)| code.as_bytes() == folded)?;
    Some(found.1)
}

/// Where the codes of each letter begin in the table: few share one.
static STARTS: [usize; 27] = {
    let mut starts = [CODES.len(); 27];
    let mut index = CODES.len();
    while index > 0 {
        index -= 1;
        starts[(CODES[index].0.as_bytes()[0] - b'a') as usize] = index;
    }
    // A letter without codes begins where the next one does.
    let mut letter = 26;
    while letter > 0 {
        letter -= 1;
        if starts[letter] > starts[letter + 1] {
            starts[letter] = starts[letter + 1];
        }
    }
    starts
};

/// A code that is not in the table names a mistake that this version does not know; a number says
/// nothing beyond the status.
fn unless_number(folded: &[u8]) -> Option<Meaning> {
    // `invalid_request_prompt`: a class of mistakes, which leaves the mistake to the message.
    if folded.starts_with(b"invalidrequest") || folded.starts_with(b"invalidinput") {
        return Some(Meaning::Generic);
    }
    let named = folded.len() > 3 && folded.iter().any(u8::is_ascii_alphabetic);
    (named && folded.starts_with(b"invalid")).then_some(Meaning::Specific)
}

/// A longer code than any in the table is not looked up.
const MAX_CODE: usize = 48;

/// Sorted. Without case and separators; `error` and `exception` at the end are optional.
#[rustfmt::skip]
const CODES: &[(&str, Meaning)] = &[
    ("aborted", Meaning::Conflict),
    ("accessdenied", Meaning::Permission),
    ("accessterminated", Meaning::QuotaExhausted),
    ("accountdeactivated", Meaning::Authentication),
    ("accountsuspended", Meaning::Permission),
    ("allocationquota", Meaning::RateLimit),
    ("api", Meaning::Server),
    ("apiconnection", Meaning::Server),
    ("apikeyexpired", Meaning::Authentication),
    ("apikeyinvalid", Meaning::Authentication),
    ("apikeynotfound", Meaning::Authentication),
    ("apikeyservicequotaexceeded", Meaning::QuotaExhausted),
    ("arrearage", Meaning::PaymentRequired),
    ("authentication", Meaning::Authentication),
    ("badrequest", Meaning::Generic),
    ("billing", Meaning::PaymentRequired),
    ("billinghardlimitreached", Meaning::QuotaExhausted),
    ("billingnotactive", Meaning::QuotaExhausted),
    ("bodytoolarge", Meaning::PayloadTooLarge),
    ("budgetexceeded", Meaning::QuotaExhausted),
    ("clientspecifiedaninvalidargument", Meaning::Generic),
    ("conflict", Meaning::Conflict),
    ("contentblocked", Meaning::ContentFilter),
    ("contentfilter", Meaning::ContentFilter),
    ("contentpolicyviolation", Meaning::ContentFilter),
    ("contextlength", Meaning::ContextLength),
    ("contextlengthexceeded", Meaning::ContextLength),
    ("contextoverflow", Meaning::ContextLength),
    ("contextwindowexceeded", Meaning::ContextLength),
    ("creditbalanceexhausted", Meaning::QuotaExhausted),
    ("creditlimit", Meaning::QuotaExhausted),
    ("dailylimitexceeded", Meaning::QuotaExhausted),
    ("datainspectionfailed", Meaning::ContentFilter),
    ("deadlineexceeded", Meaning::Timeout),
    ("deploymentnotfound", Meaning::NotFound),
    ("engineoverloaded", Meaning::Overloaded),
    ("exceedcontextsize", Meaning::ContextLength),
    ("exceededcurrentquota", Meaning::QuotaExhausted),
    ("expiredtoken", Meaning::Authentication),
    ("failedprecondition", Meaning::Generic),
    ("forbidden", Meaning::Permission),
    ("freetieronly", Meaning::QuotaExhausted),
    ("freeusagelimit", Meaning::QuotaExhausted),
    ("gatewaytimeout", Meaning::Timeout),
    ("generation", Meaning::Server),
    ("gousagelimit", Meaning::QuotaExhausted),
    ("incompletegeneration", Meaning::Server),
    ("inputtoolong", Meaning::ContextLength),
    ("insufficientbalance", Meaning::PaymentRequired),
    ("insufficientcredit", Meaning::PaymentRequired),
    ("insufficientcredits", Meaning::PaymentRequired),
    ("insufficientfunds", Meaning::PaymentRequired),
    ("insufficientquota", Meaning::QuotaExhausted),
    ("internal", Meaning::Server),
    ("internalfailure", Meaning::Server),
    ("internalserver", Meaning::Server),
    ("invalidapikey", Meaning::Authentication),
    ("invalidargument", Meaning::Generic),
    ("invalidauthentication", Meaning::Authentication),
    ("invalidparameter", Meaning::Generic),
    ("invalidprompt", Meaning::ContentFilter),
    ("invalidrequest", Meaning::Generic),
    ("invalidsignature", Meaning::Authentication),
    ("invalidtoken", Meaning::Authentication),
    ("limitexceeded", Meaning::RateLimit),
    ("limitrequests", Meaning::RateLimit),
    ("maxtokensexceeded", Meaning::TokenLimit),
    ("missingauthenticationtoken", Meaning::Authentication),
    ("model", Meaning::Server),
    ("modelcontextwindowexceeded", Meaning::ContextLength),
    ("modeldecommissioned", Meaning::NotFound),
    ("modelnotallowed", Meaning::Permission),
    ("modelnotavailable", Meaning::NotFound),
    ("modelnotfound", Meaning::NotFound),
    ("modelnotready", Meaning::Overloaded),
    ("modeloverloaded", Meaning::Overloaded),
    ("modelstream", Meaning::Server),
    ("modeltimeout", Meaning::Timeout),
    ("moderation", Meaning::ContentFilter),
    ("moderationblocked", Meaning::ContentFilter),
    ("monthlylimitexceeded", Meaning::QuotaExhausted),
    ("notfound", Meaning::NotFound),
    ("organizationrestricted", Meaning::Permission),
    ("overloaded", Meaning::Overloaded),
    ("payloadtoolarge", Meaning::PayloadTooLarge),
    ("paymentrequired", Meaning::PaymentRequired),
    ("permission", Meaning::Permission),
    ("permissiondenied", Meaning::Permission),
    ("promptblocked", Meaning::ContentFilter),
    ("prompttoolong", Meaning::ContextLength),
    ("provideroverloaded", Meaning::Overloaded),
    ("providerunavailable", Meaning::Overloaded),
    ("quotaexceeded", Meaning::QuotaExhausted),
    ("ratelimit", Meaning::RateLimit),
    ("ratelimited", Meaning::RateLimit),
    ("ratelimitexceeded", Meaning::RateLimit),
    ("ratequota", Meaning::RateLimit),
    ("refusal", Meaning::ContentFilter),
    ("requesttimeout", Meaning::Timeout),
    ("requesttoolarge", Meaning::PayloadTooLarge),
    ("resourceexhausted", Meaning::RateLimit),
    ("resourcenotfound", Meaning::NotFound),
    ("responsibleaipolicyviolation", Meaning::ContentFilter),
    ("safety", Meaning::ContentFilter),
    ("server", Meaning::Server),
    ("serverbusy", Meaning::Overloaded),
    ("serverisoverloaded", Meaning::Overloaded),
    ("servicequotaexceeded", Meaning::QuotaExhausted),
    ("serviceunavailable", Meaning::Overloaded),
    ("setlimitexceeded", Meaning::QuotaExhausted),
    ("slowdown", Meaning::Overloaded),
    ("spendlimit", Meaning::QuotaExhausted),
    ("spendlimitexceeded", Meaning::QuotaExhausted),
    ("spendlimitreached", Meaning::QuotaExhausted),
    ("stringabovemaxlength", Meaning::Specific),
    ("stringtoolong", Meaning::Specific),
    ("systembusy", Meaning::Overloaded),
    ("throttled", Meaning::RateLimit),
    ("throttling", Meaning::RateLimit),
    ("timeout", Meaning::Timeout),
    ("tokenexpired", Meaning::Authentication),
    ("tokenlimitexceeded", Meaning::TokenLimit),
    ("toolusefailed", Meaning::Specific),
    ("toomanyrequests", Meaning::RateLimit),
    ("unauthenticated", Meaning::Authentication),
    ("unauthorized", Meaning::Authentication),
    ("unavailable", Meaning::Overloaded),
    ("unprocessableentity", Meaning::Validation),
    ("unrecognizedclient", Meaning::Authentication),
    ("unsupportedcountryregionterritory", Meaning::Permission),
    ("unsupportedparameter", Meaning::Specific),
    ("unsupportedvalue", Meaning::Specific),
    ("usagelimitexceeded", Meaning::QuotaExhausted),
    ("usagelimitreached", Meaning::QuotaExhausted),
    ("usagenotincluded", Meaning::Permission),
    ("validation", Meaning::Generic),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_folded() {
        for pair in CODES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} before {}", pair[0].0, pair[1].0);
        }
        for (code, _) in CODES {
            assert!(
                code.bytes().all(|byte| byte.is_ascii_lowercase()) && code.len() <= MAX_CODE,
                "{code}"
            );
        }
    }

    #[test]
    fn spellings_do_not_matter() {
        for code in [
            "rate_limit_error",
            "RateLimitError",
            "litellm.RateLimitError",
            "RESOURCE_EXHAUSTED",
            "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/",
            "too-many-requests",
        ] {
            assert_eq!(meaning(code), Some(Meaning::RateLimit), "{code}");
        }
        assert_eq!(meaning("insufficient_quota"), Some(Meaning::QuotaExhausted));
        assert_eq!(meaning("exceed_context_size_error"), Some(Meaning::ContextLength));
        assert_eq!(meaning("invalid_value"), Some(Meaning::Specific));
        assert_eq!(meaning("invalid_request_error"), Some(Meaning::Generic));
        assert_eq!(meaning("invalid_request_prompt"), Some(Meaning::Generic));
        assert_eq!(meaning("AccountOverdueError"), Some(Meaning::PaymentRequired));
        assert_eq!(meaning("InputTextSensitiveContentDetected"), Some(Meaning::ContentFilter));
        for nothing in ["429", "", "tokens", "compound", &"x".repeat(1000)] {
            assert_eq!(meaning(nothing), None, "{nothing}");
        }
    }
}
