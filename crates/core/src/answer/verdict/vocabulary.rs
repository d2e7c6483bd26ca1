//! The words that count in a message.

use crate::text::words::{Key, Slots, key_of};

/// Declares the words that count, each with its spellings.
macro_rules! words {
    ($($name:ident: $($spelling:literal)|+;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[derive(Clone, Copy)]
        pub(super) enum Word { $($name,)* }

        /// Each spelling with its word.
        const SPELLINGS: &[(Key, Word)] = &[$($((key_of($spelling.as_bytes()), Word::$name),)+)*];
    };
}

words! {
    Access: "access";
    Again: "again";
    Api: "api";
    ApiKey: "apikey" | "credential" | "credentials" | "authorization";
    Arrears: "arrears" | "overdue" | "unpaid";
    Authenticate: "unauthorized" | "unauthenticated" | "authentication" | "authenticate";
    Available: "available" | "healthy";
    Bad: "bad";
    Balance: "balance";
    Billing: "billing" | "recharge";
    Blocked: "blocked" | "flagged" | "rejected" | "violates" | "violation" | "refused" | "triggered" | "prohibited" | "disallowed";
    Budget: "budget";
    Busy: "busy";
    Cache: "cache" | "slots";
    Capacity: "capacity";
    Characters: "characters" | "string";
    Completion: "completion" | "output";
    Connection: "connection" | "socket" | "network" | "transport" | "peer" | "pipe" | "tls" | "ssl" | "handshake" | "certificate" | "chunked";
    Content: "content";
    Context: "context" | "ctx";
    Credit: "credit" | "credits" | "funds";
    Day: "daily" | "tpd" | "rpd";
    Degraded: "degraded";
    Demand: "demand";
    Denied: "denied" | "forbidden" | "permission" | "banned" | "restricted";
    Empty: "empty" | "malformed" | "garbled" | "corrupted";
    Encountered: "encountered" | "occurred" | "happened";
    Ended: "ended" | "end" | "aborted" | "interrupted" | "closed" | "close" | "cut" | "canceled" | "cancelled";
    Engine: "engine" | "enginecore" | "inference" | "generation" | "generate" | "generating" | "decoder";
    Eof: "eof";
    Error: "error" | "exception" | "failure" | "failed" | "issue";
    Exceed: "exceed" | "exceeds" | "exceeded" | "exceeding" | "above" | "beyond" | "surpasses";
    Exhausted: "exhausted" | "depleted";
    Exist: "exist" | "exists" | "found";
    Expired: "expired" | "incorrect" | "missing" | "revoked";
    Field: "field" | "fields" | "value" | "values" | "json" | "schema" | "role" | "roles" | "property" | "properties" | "choice";
    Filter: "filter" | "filtered" | "filtering" | "moderation" | "inappropriate" | "injection" | "sensitive" | "guardrail" | "guardrails" | "risk" | "risky";
    Format: "format" | "formats";
    Full: "full";
    Gateway: "gateway";
    Host: "host";
    Input: "input" | "inputs" | "conversation" | "prompt" | "prompts" | "message" | "messages" | "question" | "sequence";
    Insufficient: "insufficient" | "negative" | "low" | "enough" | "purchase";
    Internal: "internal";
    Invalid: "invalid" | "valid" | "provide";
    Large: "large" | "long" | "longer" | "larger" | "greater" | "big";
    Least: "least";
    Length: "length";
    Limit: "limit" | "limits" | "limited";
    Loading: "loading" | "warming";
    Many: "many";
    Maximum: "maximum" | "max";
    Memory: "memory" | "oom";
    Minute: "minute" | "hourly" | "tpm" | "rpm" | "qpm" | "rps" | "qps";
    Model: "model";
    Month: "monthly" | "weekly" | "yearly";
    Must: "must" | "should" | "less";
    Not: "not" | "no" | "doesn" | "nonexistent" | "cannot";
    Over: "over";
    Overflow: "overflow" | "overflows" | "truncated" | "shift";
    Overloaded: "overloaded" | "overload" | "unavailable" | "maintenance" | "overloading";
    Parameter: "parameter" | "parameters" | "argument" | "temperature";
    Parse: "parse" | "parsing" | "render" | "rendering";
    Payment: "payment" | "payments";
    Plan: "plan" | "subscription" | "trial";
    Policy: "policy" | "policies" | "management" | "guidelines";
    Provider: "provider";
    Queue: "queue" | "queued";
    Quota: "quota" | "quotas";
    Rate: "rate" | "concurrency" | "concurrent";
    Reach: "reach" | "connect";
    Reached: "reached" | "reaching" | "hit";
    Reduce: "reduce" | "shorten" | "shorter";
    Region: "region" | "country" | "territory" | "location";
    Request: "request";
    Requested: "requested";
    Requests: "requests" | "calls";
    Required: "required" | "requires";
    Reset: "reset" | "rst" | "lost" | "broken" | "dropped" | "hang";
    Resource: "resource" | "resources";
    Respond: "respond" | "responding";
    Response: "response" | "responses";
    Retired: "decommissioned" | "discontinued" | "retired";
    Safety: "safety";
    Server: "server" | "backend" | "backends";
    Service: "service" | "services";
    Session: "session" | "jwt" | "oauth" | "login";
    Size: "size";
    Spend: "spend" | "spending";
    Stream: "stream" | "streaming";
    Support: "support" | "supported" | "supports";
    Temporarily: "temporarily";
    Terminated: "terminated" | "crashed" | "crash" | "stopped" | "disconnected" | "cuda" | "died" | "dead" | "killed" | "sigkill" | "sigterm" | "fatal" | "panicked" | "segfault" | "evicted" | "preempted" | "shutting" | "traceback" | "nonetype" | "keyerror" | "indexerror" | "attributeerror" | "runtimeerror" | "assertionerror";
    Throttled: "throttled" | "throttling";
    Timeout: "timeout" | "deadline" | "timed" | "etimedout" | "timedout" | "readtimeout" | "connecttimeout";
    Token: "token" | "tokens";
    Too: "too";
    Took: "took" | "takes" | "taking";
    Unable: "unable";
    Unexpected: "unexpected" | "unexpectedly" | "premature" | "prematurely" | "abruptly" | "incomplete";
    Unknown: "unknown" | "unrecognized";
    Unreachable: "econnreset" | "econnrefused" | "econnaborted" | "epipe" | "enotfound" | "getaddrinfo" | "dial" | "unreachable" | "goaway" | "dns";
    Unsupported: "unsupported" | "deserialize";
    Upstream: "upstream" | "channel" | "channels";
    Usage: "usage";
    Used: "used";
    Waiting: "waiting" | "waited";
    Window: "window";
    Worker: "worker" | "workers" | "deployment" | "deployments" | "instance" | "instances" | "replica" | "replicas" | "gpu" | "gpus" | "endpoint" | "endpoints";
    // These only change what the word behind them means, so they have no place in the set.
    Account: "account";
    All: "all" | "up";
    Allowed: "allowed" | "permitted";
    At: "at";
    Attribute: "attribute" | "subscriptable" | "iterable";
    Authenticated: "authenticated";
    Authorized: "authorized";
    Completed: "completed";
    DayOrMonth: "day" | "month" | "week" | "year";
    Deprecated: "deprecated";
    Disabled: "disabled" | "deactivated" | "suspended";
    Down: "down";
    Each: "per" | "a" | "this" | "each" | "every" | "the";
    Execution: "execution";
    Extra: "extra" | "additional";
    Fast: "fast" | "quickly" | "frequent" | "frequently";
    Fetch: "fetch";
    High: "high" | "heavy" | "peak" | "much";
    Is: "is" | "are" | "has" | "was" | "been";
    Key: "key";
    Load: "load" | "traffic";
    Metric: "metric";
    MinuteOrHour: "min" | "hour";
    More: "more";
    Name: "name";
    Of: "of";
    Out: "out";
    Range: "range";
    Ready: "ready";
    Resolution: "resolution";
    Slow: "slow";
    Status: "status" | "code" | "http" | "returned";
    Such: "such";
    Than: "than";
    Time: "time";
    Today: "today";
}

static SLOTS: Slots<1024> = Slots::of(SPELLINGS);

/// The word that is spelled so.
pub(super) fn word(key: Key) -> Option<Word> {
    SLOTS.find(SPELLINGS, key).copied()
}

/// Marks at the end of a Chinese sentence, or of a part that stands for itself.
pub(super) const CHINESE_ENDS: [&str; 5] = ["。", "，", "；", "！", "？"];

/// What stands in Chinese messages, which have no spaces between words.
#[rustfmt::skip]
pub(super) const CHINESE: &[(&str, &[Word])] = &[
    ("欠费", &[Word::Arrears]),
    ("充值", &[Word::Billing]),
    ("无可用资源包", &[Word::Not, Word::Credit]),
    ("资源包", &[Word::Credit]),
    ("额度", &[Word::Credit]),
    ("配额", &[Word::Quota]),
    ("用完", &[Word::Exhausted]),
    ("用尽", &[Word::Exhausted]),
    ("预扣费", &[Word::Arrears]),
    ("余额", &[Word::Balance]),
    ("不足", &[Word::Insufficient]),
    ("不够", &[Word::Insufficient]),
    ("每日", &[Word::Day]),
    ("单日", &[Word::Day]),
    ("当日", &[Word::Day]),
    ("每月", &[Word::Month]),
    ("上限", &[Word::Limit, Word::Reached]),
    ("限额", &[Word::Limit, Word::Reached]),
    ("限制", &[Word::Limit]),
    ("限流", &[Word::Throttled]),
    ("达到", &[Word::Reached]),
    ("超出", &[Word::Exceed]),
    ("超过", &[Word::Exceed]),
    ("超限", &[Word::Limit, Word::Exceed]),
    ("超长", &[Word::Too, Word::Large]),
    ("过长", &[Word::Too, Word::Large]),
    ("过大", &[Word::Too, Word::Large, Word::Exceed]),
    ("访问量", &[Word::Rate]),
    ("过高", &[Word::Exceed]),
    ("频繁", &[Word::Rate, Word::Exceed]),
    ("频率", &[Word::Rate]),
    ("速率", &[Word::Rate]),
    ("并发", &[Word::Rate]),
    ("每分钟", &[Word::Minute]),
    ("繁忙", &[Word::Busy]),
    ("饱和", &[Word::Overloaded]),
    ("负载", &[Word::Overloaded]),
    ("无可用", &[Word::Overloaded]),
    ("过载", &[Word::Overloaded]),
    ("超时", &[Word::Timeout]),
    ("内部错误", &[Word::Internal, Word::Error]),
    ("系统错误", &[Word::Internal, Word::Error]),
    ("系统异常", &[Word::Internal, Word::Error]),
    ("服务异常", &[Word::Server, Word::Error]),
    ("服务器错误", &[Word::Server, Word::Error]),
    ("服务不可用", &[Word::Overloaded]),
    ("暂时不可用", &[Word::Overloaded]),
    ("暂不可用", &[Word::Overloaded]),
    ("上游", &[Word::Upstream]),
    ("失败", &[Word::Error]),
    ("错误", &[Word::Error]),
    ("异常", &[Word::Error]),
    ("网络", &[Word::Connection]),
    ("连接", &[Word::Connection]),
    ("断开", &[Word::Ended]),
    ("中断", &[Word::Ended]),
    ("鉴权", &[Word::Authenticate]),
    ("身份验证", &[Word::Authenticate]),
    ("无权", &[Word::Denied]),
    ("权限", &[Word::Denied]),
    ("不支持", &[Word::Unsupported]),
    ("审核", &[Word::Filter]),
    ("违规", &[Word::Filter]),
    ("不合规", &[Word::Filter]),
    ("内容", &[Word::Content]),
    ("输入", &[Word::Input]),
    ("上下文", &[Word::Context]),
    ("长度", &[Word::Length]),
    ("模型参数", &[Word::Parameter]),
    ("模型", &[Word::Model]),
    ("不存在", &[Word::Not, Word::Exist]),
    ("未找到", &[Word::Not, Word::Exist]),
    ("找不到", &[Word::Not, Word::Exist]),
    ("密钥", &[Word::ApiKey]),
    ("令牌数", &[Word::Token]),
    ("令牌", &[Word::ApiKey]),
    ("参数错误", &[Word::Parameter, Word::Invalid]),
    ("参数", &[Word::Parameter]),
    ("请求", &[Word::Requests]),
    ("过多", &[Word::Too, Word::Many]),
    ("无效", &[Word::Invalid]),
    ("非法", &[Word::Invalid]),
    ("有误", &[Word::Invalid]),
    ("过期", &[Word::Expired]),
    ("过快", &[Word::Throttled]),
    ("人数", &[Word::Requests]),
    ("下线", &[Word::Retired]),
    ("生成", &[Word::Engine]),
    ("推理", &[Word::Engine]),
    ("重置", &[Word::Reset]),
    ("敏感", &[Word::Filter, Word::Content]),
];

#[cfg(test)]
mod tests {
    use super::Word;

    #[test]
    fn the_words_fit_into_the_set() {
        assert!((Word::Worker as u32) < u128::BITS);
        assert!(Word::Account as u32 == Word::Worker as u32 + 1);
    }
}
