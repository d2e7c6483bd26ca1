//! What sentences say, and what they only seem to say.

use super::Words;

#[test]
fn context_overflow_in_all_wordings() {
    for message in [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        "Input length (100500 tokens) exceeds the maximum allowed length (99999 tokens).",
        "prompt is too long: 208310 tokens > 200000 maximum",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "input is too long for requested model",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "the request exceeds the available context size. try increasing the context size",
        "`inputs` tokens + `max_new_tokens` must be <= 100000. Given: 99500 `inputs` tokens",
        "Trying to keep the first 6269 tokens when context the overflows.",
        "too many tokens: size limit exceeded by 11 tokens.",
        "Please reduce the length of the messages or completion.",
        "The decoder prompt (length 4000) is longer than the maximum model length of 2048",
        "Your request exceeded model token limit: 131072 (requested: 140000)",
        "tokens in request more than max tokens allowed",
        "Your input has 20000 tokens which is above the model limit of 16384 tokens.",
        "Request prompt has 9000 tokens in total, larger than the model capacity 8192.",
        "the input token count is 4 but model only supports up to 3. Reduce the input token count",
        "the max length of current question is 2000",
    ] {
        assert!(Words::of(message).say_context_length(), "{message}");
    }
    for message in [
        "temperature exceeds maximum allowed value",
        "Invalid 'user': string too long. Expected a string with maximum length 64, but got a string with length 93 instead.",
        "Number of request tokens has exceeded your per-minute rate limit.",
        "logit_bias has too many tokens; max 300",
        "Too many stop sequences: stop tokens",
        "Image URL in the request is too long",
        "`max_tokens` must be greater than `thinking.budget_tokens`. See https://x.y/#max-tokens-and-context-window-size",
        "`max_new_tokens` must be strictly positive. Given: 0 `inputs`",
        "max_tokens is too large: 100000. This model supports at most 16384 completion tokens.",
        "Invalid value for messages[0]: 'the prompt is too long, the context window too small'",
        "Could not finish the message because max_tokens or model output limit was reached.",
        "The maximum tokens you requested exceeds the output limit of the model",
    ] {
        assert!(!Words::of(message).say_context_length(), "{message}");
    }
}

#[test]
fn a_request_larger_than_the_limit() {
    let never =
        "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000.";
    assert!(Words::of(never).say_request_exceeds_limit());
    let later =
        "Rate limit reached on tokens per min (TPM): Limit 200000, Used 199821, Requested 2295.";
    assert!(!Words::of(later).say_request_exceeds_limit());
    assert!(Words::of("Quota exceeded for metric: x, limit: 0, model: y").say_limit_is_zero());
    assert!(!Words::of("limit: 20").say_limit_is_zero());
}

#[test]
fn caps_of_a_day_a_month_or_of_money() {
    for message in [
        "limited to 1000 API calls / month",
        "Monthly usage limit reached. Resets in 3 days.",
        "Rate limit reached on tokens per day (TPD): Limit 200000",
        "You exceeded your current quota, please check your plan and billing details.",
        "Your credit balance is insufficient",
        "You have exceeded the 5-hour usage quota.",
        "you have used up your daily free allocation",
        "You have used all your free usage.",
        "Your account is in arrears",
        "You have run out of credits.",
        "You have exceeded today's quota for this model.",
        "Your limit for today is reached",
        "Quota exceeded for quota metric 'Generate Content API requests per day'",
        "Quota exceeded: GenerateRequestsPerDayPerProjectPerModel",
        "Extra usage is required for long context requests.",
        "You have not yet added a payment method in the billing page",
        "您的账户已欠费，请充值后重试",
        "预扣费额度失败, 用户剩余额度: 0.3",
        "该API单日调用次数已达上限",
    ] {
        let words = Words::of(message);
        assert!(words.say_quota_exhausted() || words.say_daily_cap(), "{message}");
    }
    for message in [
        "Too many requests. Have a nice day.",
        "Rate limit exceeded. Add credits to raise your limits.",
        "Rate limit exceeded while we balance load",
        "Concurrent request limit exceeded for your plan. Quota: 5",
        "Rate limit reached: budget of 1M tokens/min used. Please slow down.",
        "You reached the free usage limit (reset hourly).",
        "Upgrade today for higher limits",
        "Concurrency budget exceeded for basic tier",
        "Rate limit exceeded. Usage tier 2 required for higher limits",
        "Too many requests. If you have not upgraded yet, visit the billing page.",
        "You are being throttled. There is no billing impact, retry later.",
        "Requests in your usage tier are required to be spaced out. Please slow down.",
        "Without a payment method in the billing page the rate limits are not raised",
        "Rate limit reached on requests per min (RPM): Limit 30. See https://console.groq.com/settings/billing",
        "You are using a Trial key, which is limited to 40 API calls / minute.",
        "Rate limit exceeded",
        "Upgrade to Dev Tier today at https://console.groq.com/settings/billing",
    ] {
        let words = Words::of(message);
        assert!(!words.say_quota_exhausted() && !words.say_daily_cap(), "{message}");
    }
}

#[test]
fn messages_in_chinese() {
    let says = |message, says: fn(&Words<'static>) -> bool| {
        assert!(says(&Words::of(message)), "{message}");
    };
    says("您的账户已达到速率限制", Words::say_rate_limit);
    says("请求过于频繁，请稍后再试", Words::say_rate_limit);
    says("您当前使用该API的并发数过高", Words::say_rate_limit);
    says("服务器繁忙", Words::say_overloaded);
    says("模型不存在", Words::say_model_is_missing);
    says("令牌已过期", Words::say_key_is_bad);
    says("请求过多", Words::say_rate_limit);
    says("免费额度已用完", Words::say_quota_exhausted);
    says("服务内部错误", Words::say_server_error);
    says("请求超时", Words::say_timeout);
    says("Prompt 超长", Words::say_context_length);
    says("输入过长", Words::say_context_length);
    says("上下文长度超出限制", Words::say_context_length);
    says("输入长度超过模型最大限制", Words::say_context_length);
}

#[test]
fn a_plan_without_what_was_asked_for() {
    for message in [
        "Your current subscription plan does not yet include access to this model",
        "The model is not available on the free plan.",
        "Your plan has expired",
    ] {
        assert!(Words::of(message).say_plan_lacks_it(), "{message}");
    }
    for message in [
        "Your plan does not allow more than 5 concurrent requests",
        "Rate limit reached. Please try again, or upgrade your plan.",
    ] {
        assert!(!Words::of(message).say_plan_lacks_it(), "{message}");
    }
}

#[test]
fn words_that_only_look_like_a_cause() {
    for message in [
        "Request blocked by resource policy: user is not authorized",
        "not allowed due to your organization's policy on request data",
        "the Content-Type was rejected",
        "Unknown parameter: safety_settings for this content type",
    ] {
        assert!(!Words::of(message).say_content_filter(), "{message}");
    }
    assert!(
        Words::of("The response was filtered due to the content management policy")
            .say_content_filter()
    );
    assert!(Words::of("flagged as potentially violating our usage policy").say_content_filter());
    assert!(
        !Words::of("Tool 'x' not found in tools; the model cannot call it").say_model_is_missing()
    );
    assert!(!Words::of("The argument key was not specified for this API").say_key_is_bad());
    assert!(Words::of("API key not valid. Please pass a valid API key.").say_key_is_bad());
    assert!(
        !Words::of("Too many requests. Large volume of input traffic").say_request_exceeds_limit()
    );
    assert!(!Words::of("Internal error while loading configuration").say_overloaded());
    assert!(!Words::of("could not load model: failed loading model").say_overloaded());
    assert!(Words::of("User input or prompt contains blocked content").say_content_filter());
    assert!(Words::of("Content Exists Risk").say_content_filter());
    assert!(!Words::of("Large requests are at risk of a timeout").say_content_filter());
    assert!(Words::of("Out of call volume quota. Replenished in 12 hours.").say_quota_is_used_up());
    assert!(!Words::of("Quota per minute exceeded").say_quota_is_used_up());
    assert!(!Words::of("您的请求频率过高，请每分钟再试").say_quota_exhausted());
    assert!(!Words::of("您已达到速率限制，如需提高限额请充值").say_quota_exhausted());
    assert!(!Words::of("模型参数 foo 不存在").say_model_is_missing());
    assert!(!Words::of("Too many images, try again with fewer").say_rate_limit());
    assert!(Words::of("llama runner process has terminated").say_server_error());
}

#[test]
fn quotations_are_left_out() {
    assert!(!Words::of("bad value 'rate limit exceeded' here").say_rate_limit());
    assert!(Words::of("you've hit the rate limit, don't retry").say_rate_limit());
    assert!(Words::of("\"rate limit").say_rate_limit());
}

#[test]
fn many_marks_cost_no_more() {
    let message = "'a".repeat(10_000);
    assert!(!Words::of(&message).say_rate_limit());
}
