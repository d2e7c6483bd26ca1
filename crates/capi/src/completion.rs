//! A whole answer of a chat.

use ::client::{ChatCompletion, Usage};

use crate::fallback::write_target;
use crate::panic::{guard, take_back};
use crate::text::{Pool, Span, resayil_str};

/// A whole answer. Immutable; any thread may read it.
pub struct resayil_completion {
    pool: Pool,
    content: Span,
    finish_reason: Span,
    model: Span,
    request_id: Span,
    json: Span,
    usage: Option<Usage>,
    attempts: u32,
    fallback: Option<usize>,
}

impl resayil_completion {
    pub(crate) fn new(answer: ChatCompletion) -> Self {
        let mut pool = Pool::default();
        resayil_completion {
            content: pool.add(answer.content()),
            finish_reason: pool.add_some(answer.finish_reason()),
            model: pool.add_some(answer.model()),
            request_id: pool.add_some(answer.request_id()),
            json: pool.add(answer.json()),
            pool,
            usage: answer.usage(),
            attempts: answer.attempts(),
            fallback: answer.fallback(),
        }
    }
}

/// The text of the first choice; empty if the model only calls tools.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_completion_content(
    completion: *const resayil_completion,
) -> resayil_str {
    guard(|| {
        let completion = borrow!(completion);
        completion.pool.get(completion.content)
    })
}

/// Why the model stopped: `stop`, `length` and others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_completion_finish_reason(
    completion: *const resayil_completion,
) -> resayil_str {
    guard(|| {
        let completion = borrow!(completion);
        completion.pool.get(completion.finish_reason)
    })
}

/// The model that answered, as the service calls it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_completion_model(
    completion: *const resayil_completion,
) -> resayil_str {
    guard(|| {
        let completion = borrow!(completion);
        completion.pool.get(completion.model)
    })
}

/// The provider's id of the request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_completion_request_id(
    completion: *const resayil_completion,
) -> resayil_str {
    guard(|| {
        let completion = borrow!(completion);
        completion.pool.get(completion.request_id)
    })
}

/// The whole answer as it came: JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_completion_json(
    completion: *const resayil_completion,
) -> resayil_str {
    guard(|| {
        let completion = borrow!(completion);
        completion.pool.get(completion.json)
    })
}

/// How many requests were sent for this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_completion_attempts(completion: *const resayil_completion) -> u32 {
    guard(|| borrow!(completion).attempts)
}

/// Which target of the client's fallback answered, counted from 0. Says whether it was one; if not, `*index`
/// is 0: the target that was asked first did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_completion_fallback(
    completion: *const resayil_completion,
    index: *mut usize,
) -> bool {
    guard(|| {
        let index = out!(index, 0);
        write_target(borrow!(completion).fallback, index)
    })
}

/// What the answer cost, in tokens: of the request, of the answer, of both. Says whether the service
/// tells; if not, all are 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_completion_usage(
    completion: *const resayil_completion,
    prompt_tokens: *mut u64,
    completion_tokens: *mut u64,
    total_tokens: *mut u64,
) -> bool {
    guard(|| {
        let prompt = out!(prompt_tokens, 0);
        let answer = out!(completion_tokens, 0);
        let total = out!(total_tokens, 0);
        let usage = borrow!(completion).usage;
        let known = usage.unwrap_or_default();
        (*prompt, *answer, *total) =
            (known.prompt_tokens, known.completion_tokens, known.total_tokens);
        usage.is_some()
    })
}

/// Frees the answer and with it all texts that were borrowed from it; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_completion_free(completion: *mut resayil_completion) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(completion) }
}
