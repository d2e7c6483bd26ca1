//! Whose API answered.

use std::fmt;
use std::str::FromStr;

use crate::unknown_name::UnknownName;

macro_rules! providers {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $hosts:expr;)*) => {
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

            /// The hosts that serve this API; a name that starts with a dot stands for all of
            /// its subdomains.
            const fn hosts(self) -> &'static [&'static str] {
                match self { $(Provider::$variant => &$hosts,)* }
            }
        }
    };
}

providers! {
    /// LLM Resayil.
    Resayil = "resayil", ["llmapi.resayil.io", "llm.resayil.io"];
    /// OpenAI.
    OpenAi = "openai", ["api.openai.com", ".api.openai.com"];
    /// Azure OpenAI.
    Azure = "azure", [".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"];
    /// Anthropic.
    Anthropic = "anthropic", ["api.anthropic.com"];
    /// Google Gemini and Vertex AI.
    Gemini = "gemini", ["generativelanguage.googleapis.com", "aiplatform.googleapis.com", ".aiplatform.googleapis.com"];
    /// Mistral.
    Mistral = "mistral", ["api.mistral.ai", "codestral.mistral.ai"];
    /// Cohere.
    Cohere = "cohere", ["api.cohere.com", "api.cohere.ai"];
    /// Groq.
    Groq = "groq", ["api.groq.com"];
    /// OpenRouter.
    OpenRouter = "openrouter", ["openrouter.ai"];
    /// DeepSeek.
    DeepSeek = "deepseek", ["api.deepseek.com"];
    /// xAI.
    XAi = "xai", ["api.x.ai"];
    /// Together AI.
    Together = "together", ["api.together.xyz", "api.together.ai"];
    /// Voyage AI.
    Voyage = "voyage", ["api.voyageai.com"];
    /// Amazon Bedrock.
    Bedrock = "bedrock", [];
    /// Hugging Face inference.
    HuggingFace = "huggingface", ["router.huggingface.co", "api-inference.huggingface.co"];
    /// Ollama.
    Ollama = "ollama", [];
    /// vLLM.
    Vllm = "vllm", [];
    /// SGLang.
    SgLang = "sglang", [];
    /// The server of llama.cpp.
    LlamaCpp = "llama.cpp", [];
    /// Text Generation Inference.
    Tgi = "tgi", [];
    /// LM Studio.
    LmStudio = "lmstudio", [];
    /// The LiteLLM proxy.
    LiteLlm = "litellm", [];
    /// A Laravel application.
    Laravel = "laravel", [];
    /// A FastAPI application.
    FastApi = "fastapi", [];
    /// RFC 9457 problem details.
    ProblemJson = "problem+json", [];
    /// Cloudflare in front of the API.
    Cloudflare = "cloudflare", [];
    /// nginx in front of the API.
    Nginx = "nginx", [];
    /// Envoy in front of the API.
    Envoy = "envoy", [];
}

impl Provider {
    /// The value of OpenTelemetry's attribute `gen_ai.provider.name`: the one of its registry, or
    /// [`name`](Self::name) for what the registry does not have.
    pub const fn otel_name(self) -> &'static str {
        match self {
            Provider::Azure => "azure.ai.openai",
            Provider::Bedrock => "aws.bedrock",
            Provider::Gemini => "gcp.gemini",
            Provider::Mistral => "mistral_ai",
            Provider::XAi => "x_ai",
            _ => self.name(),
        }
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
        Self::ALL.iter().copied().find(|provider| provider.hosts().iter().any(serves))
    }
}

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
