//! Whose API answered.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::kind::Kind;
use crate::limit_scope::LimitScope;
use crate::unknown_name::UnknownName;

/// What is known of a provider; what a row leaves out is as in [`UNKNOWN`].
struct Row {
    /// The hosts that serve this API; a name that starts with a dot stands for all of its
    /// subdomains.
    hosts: &'static [&'static str],
    /// The name in OpenTelemetry's registry, where it differs from the one in records.
    otel_name: Option<&'static str>,
    /// The page that explains its errors, and closer pages for some kinds.
    help: Option<&'static str>,
    help_by_kind: &'static [(Kind, &'static str)],
    /// The headers that hold the id of a request, in lower case, the one to name first.
    request_ids: &'static [&'static str],
    /// Beginnings, in lower case, of the names of headers that only this provider sends.
    headers: &'static [&'static str],
    /// How it names itself in the header `server`, if it stands in front of APIs.
    server: Option<&'static str>,
    /// The statuses, of those that fail, whose requests consume no quota; `None` where nobody knows.
    free_statuses: Option<&'static [u16]>,
    /// What its rate limit counts, and the window in seconds, where these are always the same.
    rate: Option<(LimitScope, u64)>,
}

const UNKNOWN: Row = Row {
    hosts: &[],
    otel_name: None,
    help: None,
    help_by_kind: &[],
    request_ids: &[],
    headers: &[],
    server: None,
    free_statuses: None,
    rate: None,
};

macro_rules! providers {
    ($($(#[$doc:meta])* $variant:ident = $name:literal {
        $($field:ident: $value:expr,)*
    })*) => {
        /// The API, server software or front that wrote an answer, and so the dialect of its
        /// errors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Provider {
            $($(#[$doc])* $variant,)*
        }

        impl Provider {
            /// All providers that this version knows.
            pub const ALL: &'static [Provider] = &[$(Provider::$variant,)*];

            /// The name in the error record.
            pub const fn name(self) -> &'static str {
                match self { $(Provider::$variant => $name,)* }
            }

            const fn row(self) -> &'static Row {
                match self {
                    $(Provider::$variant => const { &Row { $($field: $value,)* ..UNKNOWN } },)*
                }
            }
        }
    };
}

providers! {
    /// LLM Resayil.
    Resayil = "resayil" {
        hosts: &["llmapi.resayil.io", "llm.resayil.io"],
        help: Some("https://llm.resayil.io/docs/error-codes"),
        help_by_kind: &[
            (Kind::PaymentRequired, "https://llm.resayil.io/billing/plans"),
            (Kind::RateLimit, "https://llm.resayil.io/docs/rate-limits"),
            (Kind::Authentication, "https://llm.resayil.io/docs/authentication"),
        ],
        free_statuses: Some(&[401, 402, 404, 413, 422, 429]),
        rate: Some((LimitScope::Requests, 60)),
    }
    /// OpenAI.
    OpenAi = "openai" {
        hosts: &["api.openai.com", ".api.openai.com"],
        help: Some("https://platform.openai.com/docs/guides/error-codes"),
        headers: &["openai-", "x-openai-"],
    }
    /// Azure OpenAI.
    Azure = "azure" {
        hosts: &[".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"],
        otel_name: Some("azure.ai.openai"),
        request_ids: &["apim-request-id"],
        headers: &["x-ms-"],
    }
    /// Anthropic.
    Anthropic = "anthropic" {
        hosts: &["api.anthropic.com"],
        help: Some("https://docs.anthropic.com/en/api/errors"),
        headers: &["anthropic-"],
    }
    /// Google Gemini and Vertex AI.
    Gemini = "gemini" {
        hosts: &[
            "generativelanguage.googleapis.com",
            "aiplatform.googleapis.com",
            ".aiplatform.googleapis.com",
        ],
        otel_name: Some("gcp.gemini"),
        help: Some("https://ai.google.dev/gemini-api/docs/troubleshooting"),
    }
    /// Mistral.
    Mistral = "mistral" {
        hosts: &["api.mistral.ai", "codestral.mistral.ai"],
        otel_name: Some("mistral_ai"),
        request_ids: &["mistral-correlation-id"],
        headers: &["mistral-"],
    }
    /// Cohere.
    Cohere = "cohere" {
        hosts: &["api.cohere.com", "api.cohere.ai"],
        help: Some("https://docs.cohere.com/reference/errors"),
    }
    /// Groq.
    Groq = "groq" {
        hosts: &["api.groq.com"],
        help: Some("https://console.groq.com/docs/errors"),
        headers: &["x-groq-"],
    }
    /// OpenRouter.
    OpenRouter = "openrouter" {
        hosts: &["openrouter.ai"],
        help: Some("https://openrouter.ai/docs/api-reference/errors"),
    }
    /// DeepSeek.
    DeepSeek = "deepseek" {
        hosts: &["api.deepseek.com"],
        help: Some("https://api-docs.deepseek.com/quick_start/error_codes"),
        request_ids: &["x-ds-trace-id"],
    }
    /// xAI.
    XAi = "xai" {
        hosts: &["api.x.ai"],
        otel_name: Some("x_ai"),
    }
    /// Together AI.
    Together = "together" {
        hosts: &["api.together.xyz", "api.together.ai"],
    }
    /// Voyage AI.
    Voyage = "voyage" {
        hosts: &["api.voyageai.com"],
        help: Some("https://docs.voyageai.com/docs/error-codes"),
    }
    /// Amazon Bedrock.
    Bedrock = "bedrock" {
        otel_name: Some("aws.bedrock"),
        request_ids: &["x-amzn-requestid"],
        headers: &["x-amzn-"],
    }
    /// Hugging Face inference.
    HuggingFace = "huggingface" {
        hosts: &["router.huggingface.co", "api-inference.huggingface.co"],
    }
    /// Ollama.
    Ollama = "ollama" {}
    /// vLLM.
    Vllm = "vllm" {}
    /// SGLang.
    SgLang = "sglang" {}
    /// The server of llama.cpp.
    LlamaCpp = "llama.cpp" {}
    /// Text Generation Inference.
    Tgi = "tgi" {}
    /// LM Studio.
    LmStudio = "lmstudio" {}
    /// The LiteLLM proxy.
    LiteLlm = "litellm" {
        request_ids: &["x-litellm-call-id"],
        headers: &["x-litellm-", "llm_provider-"],
    }
    /// A Laravel application.
    Laravel = "laravel" {}
    /// A FastAPI application.
    FastApi = "fastapi" {}
    /// RFC 9457 problem details.
    ProblemJson = "problem+json" {}
    /// Cloudflare in front of the API.
    Cloudflare = "cloudflare" {
        server: Some("cloudflare"),
    }
    /// nginx in front of the API.
    Nginx = "nginx" {
        server: Some("nginx"),
    }
    /// Envoy in front of the API.
    Envoy = "envoy" {
        server: Some("envoy"),
    }
}

impl Provider {
    /// The value of OpenTelemetry's attribute `gen_ai.provider.name`: the one of its registry, or
    /// [`name`](Self::name) for what the registry does not have.
    pub const fn otel_name(self) -> &'static str {
        match self.row().otel_name {
            Some(name) => name,
            None => self.name(),
        }
    }

    /// The page that explains this kind of error to the provider's customers.
    pub fn help_url(self, kind: Kind) -> Option<&'static str> {
        let row = self.row();
        let closer = row.help_by_kind.iter().find(|(known, _)| *known == kind);
        closer.map(|(_, page)| *page).or(row.help)
    }

    /// Whether a request that failed with this status was counted against the quota; `None` where
    /// nobody knows.
    pub(crate) fn consumes_quota(self, status: u16) -> Option<bool> {
        self.row().free_statuses.map(|free| !free.contains(&status))
    }

    /// What the rate limit counts, and in which window, where these are always the same.
    pub(crate) fn rate(self) -> Option<(LimitScope, Duration)> {
        self.row().rate.map(|(scope, seconds)| (scope, Duration::from_secs(seconds)))
    }

    /// The headers of its own that hold the id of a request, the one to name first.
    pub(crate) const fn request_ids(self) -> &'static [&'static str] {
        self.row().request_ids
    }

    /// The beginnings of the names of headers that only this provider sends.
    pub(crate) const fn headers(self) -> &'static [&'static str] {
        self.row().headers
    }

    /// The software in front of an API that names itself so, in any case, in the header `server`.
    pub(crate) fn from_server(software: &[u8]) -> Option<Provider> {
        let is = |name: &str| software.eq_ignore_ascii_case(name.as_bytes());
        SERVERS.iter().find(|(name, _)| is(name)).map(|(_, provider)| *provider)
    }

    /// The provider whose API this host serves, if it is one of the known hosts.
    ///
    /// `host` may be in any case and carry a port. Amazon Bedrock is recognised by the form
    /// `bedrock-runtime.REGION.amazonaws.com`.
    ///
    /// ```
    /// use resayil_core::Provider;
    /// assert_eq!(Provider::from_host("llmapi.resayil.io"), Some(Provider::Resayil));
    /// assert_eq!(Provider::from_host("example.com"), None);
    /// ```
    pub fn from_host(host: &str) -> Option<Provider> {
        let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
        let host = host.to_ascii_lowercase();
        if host.starts_with("bedrock-runtime.") && host.ends_with(".amazonaws.com") {
            return Some(Provider::Bedrock);
        }
        let serves = |known: &&str| {
            if known.starts_with('.') { host.ends_with(*known) } else { host == **known }
        };
        Self::ALL.iter().copied().find(|provider| provider.row().hosts.iter().any(serves))
    }
}

/// Headers that hold the id of a request whoever sends it, the better known first.
pub(crate) const REQUEST_IDS: [&str; 2] = ["x-request-id", "request-id"];

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.iter().copied().find(|provider| provider.name() == name);
        found.ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|provider| provider.name()).collect();
            UnknownName::new("provider", name, &known)
        })
    }
}

/// The names of the software in front, from all rows: most rows have none.
static SERVERS: [(&str, Provider); server_count()] = {
    let mut servers = [("", Provider::Resayil); server_count()];
    let (mut row, mut at) = (0, 0);
    while row < Provider::ALL.len() {
        if let Some(name) = Provider::ALL[row].row().server {
            servers[at] = (name, Provider::ALL[row]);
            at += 1;
        }
        row += 1;
    }
    servers
};

const fn server_count() -> usize {
    let (mut count, mut row) = (0, 0);
    while row < Provider::ALL.len() {
        count += Provider::ALL[row].row().server.is_some() as usize;
        row += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for provider in Provider::ALL {
            assert_eq!(provider.name().parse(), Ok(*provider));
        }
        assert!("resayl".parse::<Provider>().is_err());
    }

    #[test]
    fn names_of_opentelemetry_differ_as_names_do() {
        let names: std::collections::HashSet<_> =
            Provider::ALL.iter().map(|provider| provider.otel_name()).collect();
        assert_eq!(names.len(), Provider::ALL.len());
        assert_eq!(Provider::OpenAi.otel_name(), "openai");
        assert_eq!(Provider::Mistral.otel_name(), "mistral_ai");
    }

    #[test]
    fn hosts_are_whole_names() {
        assert_eq!(Provider::from_host("API.OpenAI.com:443"), Some(Provider::OpenAi));
        assert_eq!(Provider::from_host("me.openai.azure.com"), Some(Provider::Azure));
        assert_eq!(
            Provider::from_host("bedrock-runtime.us-east-1.amazonaws.com"),
            Some(Provider::Bedrock)
        );
        assert_eq!(Provider::from_host("llmapi.resayil.io.example.com"), None);
        assert_eq!(Provider::from_host(""), None);
    }
}
