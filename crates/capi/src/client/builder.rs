//! The options of a client that is being made.

use std::ffi::{c_char, c_void};

use ::client::concurrency::ConcurrencyLimit;
use ::client::observe::CallEvent;
use ::client::quota::QuotaOptions;
use ::client::{Client, ClientBuilder};

use super::resayil_client;
use crate::budget::resayil_budget;
use crate::error::{clear, resayil_error};
use crate::event::{resayil_event, resayil_event_callback};
use crate::fallback::resayil_fallback;
use crate::names;
use crate::panic::{give, guard, take_back};
use crate::policy::{configuration, resayil_policy};
use crate::quota::{resayil_quota, window_options};
use crate::response::{predicate, resayil_result_callback};
use crate::status::resayil_status;
use crate::text::{name_in, some_name_in};
use crate::time;
use crate::user::User;

/// The options of a client that is being made. One thread at a time.
///
/// A setter that refuses its value says so by its status, and `resayil_client_builder_build` fails
/// with an error that names the option.
pub struct resayil_client_builder {
    /// None once a client was built with it.
    builder: Option<ClientBuilder>,
    /// The first value that could not be taken.
    refused: Option<&'static str>,
}

impl resayil_client_builder {
    pub(super) fn set<T>(
        &mut self,
        option: &'static str,
        value: Result<T, resayil_status>,
        change: impl FnOnce(ClientBuilder, T) -> ClientBuilder,
    ) -> resayil_status {
        match (value, self.builder.take()) {
            (_, None) => resayil_status::INVALID_ARGUMENT,
            (Ok(value), Some(builder)) => {
                self.builder = Some(change(builder, value));
                resayil_status::OK
            }
            (Err(status), builder) => {
                self.builder = builder;
                self.refused.get_or_insert(option);
                status
            }
        }
    }
}

/// Starts from the defaults. `*builder` is yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_new(
    builder: *mut *mut resayil_client_builder,
) -> resayil_status {
    guard(|| {
        let out = out!(builder);
        *out = give(resayil_client_builder { builder: Some(Client::builder()), refused: None });
        resayil_status::OK
    })
}

/// The API key, without `Bearer`. By default the environment variable RESAYIL_API_KEY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_api_key(
    builder: *mut resayil_client_builder,
    key: *const c_char,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let key = unsafe { some_name_in(key) };
        borrow_mut!(builder).set("api_key", key, |it, key| it.api_key(key))
    })
}

/// The address that paths such as `chat/completions` are added to. By default the environment
/// variable RESAYIL_BASE_URL, else `https://llmapi.resayil.io/v1`. Plain `http` is taken for this
/// machine alone, unless `resayil_client_builder_allow_http` says otherwise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_base_url(
    builder: *mut resayil_client_builder,
    url: *const c_char,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let url = unsafe { some_name_in(url) };
        borrow_mut!(builder).set("base_url", url, |it, url| it.base_url(url))
    })
}

/// Whether key and prompts may go over plain `http` to other machines; false by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_allow_http(
    builder: *mut resayil_client_builder,
    allow: bool,
) -> resayil_status {
    guard(|| borrow_mut!(builder).set("allow_http", Ok(allow), ClientBuilder::allow_http))
}

/// Whose API it is, by name such as `resayil`; NULL or `auto` to know it by the host of the base URL,
/// or else by each answer, which is the default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_provider(
    builder: *mut resayil_client_builder,
    name: *const c_char,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let provider = unsafe { name_in(name) }.and_then(names::provider);
        borrow_mut!(builder).set("provider", provider, ClientBuilder::provider)
    })
}

/// When calls are tried again. The policy stays yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_policy(
    builder: *mut resayil_client_builder,
    policy: *const resayil_policy,
) -> resayil_status {
    guard(|| {
        let policy = borrow!(policy).policy.clone();
        borrow_mut!(builder).set("policy", Ok(policy), ClientBuilder::policy)
    })
}

/// The retry budget of all calls, perhaps shared with other clients; by default one of the client's
/// own. The handle stays yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_budget(
    builder: *mut resayil_client_builder,
    budget: *const resayil_budget,
) -> resayil_status {
    guard(|| {
        let budget = borrow!(budget).budget.clone();
        borrow_mut!(builder).set("budget", Ok(budget), ClientBuilder::budget)
    })
}

/// A quota that is shared with other clients of the same key. It has to measure time by
/// `resayil_monotonic_seconds`. The handle stays yours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_quota(
    builder: *mut resayil_client_builder,
    quota: *const resayil_quota,
) -> resayil_status {
    guard(|| {
        let quota = borrow!(quota).quota.clone();
        borrow_mut!(builder).set("quota", Ok(quota), ClientBuilder::quota)
    })
}

/// A quota of the client's own: how many requests a window admits, 0 if that is unknown, and the
/// length of the window in seconds, 0 for none, at most 86400. By default windows of 60 s whose limit
/// is learned, if the provider is LLM Resayil, else no windows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_quota_window(
    builder: *mut resayil_client_builder,
    limit: u32,
    window_seconds: f64,
) -> resayil_status {
    guard(|| {
        let options: Option<QuotaOptions> = window_options(limit, window_seconds);
        let options = options.ok_or(resayil_status::INVALID_ARGUMENT);
        borrow_mut!(builder).set("quota_window", options, ClientBuilder::quota_options)
    })
}

/// Tokens of prompts and answers that the key has in a minute, if you know; 0, the default, if that is to be
/// learned. It comes to the quota of the client's own, and has no effect together with
/// `resayil_client_builder_quota` or `resayil_client_builder_no_quota`. What a call costs is told by
/// `resayil_options_cost`, or else estimated by its text; what costs more than the limit fails at once, with
/// the stop reason `exceeds_limit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_tokens_per_minute(
    builder: *mut resayil_client_builder,
    tokens: u64,
) -> resayil_status {
    guard(|| {
        let tokens = (tokens > 0).then_some(tokens);
        borrow_mut!(builder).set("tokens_per_minute", Ok(tokens), ClientBuilder::tokens_per_minute)
    })
}

/// Whether all processes of this host that use the same origin, key and window, and ask for this, too,
/// share one quota by a file, in whatever language they are written; false by default. The file is in
/// `folder`, which has to be the user's own and writable by nobody else; NULL for `resayil` in
/// `$XDG_RUNTIME_DIR`, or else a folder for temporary files. Where it cannot be done, the client has a
/// quota of its own, and its observer is told the warning `quota_not_shared` once. Linux only. It has no
/// effect together with `resayil_client_builder_quota` or `resayil_client_builder_no_quota`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_share_quota(
    builder: *mut resayil_client_builder,
    share: bool,
    folder: *const c_char,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let folder = unsafe { name_in(folder) };
        borrow_mut!(builder).set("share_quota", folder, |builder, folder| {
            let builder = builder.share_quota(share);
            match folder {
                Some(folder) => builder.quota_folder(folder),
                None => builder,
            }
        })
    })
}

/// The name of what shares one quota with other processes, in place of origin and key: for an account that has
/// several keys or base URLs and one quota for all of them. It goes with `resayil_client_builder_share_quota` or
/// `resayil_client_builder_fleet`, and is the `group` of `resayil_quota_new_shared`. By default there is none. An empty one
/// is refused by `resayil_client_builder_build`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_quota_group(
    builder: *mut resayil_client_builder,
    name: *const c_char,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let name = unsafe { some_name_in(name) };
        borrow_mut!(builder).set("quota_group", name, |builder, name| builder.quota_group(name))
    })
}

/// No quota at all: every call is sent at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_no_quota(
    builder: *mut resayil_client_builder,
) -> resayil_status {
    guard(|| borrow_mut!(builder).set("no_quota", Ok(()), |it, ()| it.no_quota()))
}

/// How long making a connection may take, in seconds: more than 0; 10 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_connect_timeout(
    builder: *mut resayil_client_builder,
    seconds: f64,
) -> resayil_status {
    guard(|| {
        let timeout = time::seconds(seconds);
        borrow_mut!(builder).set("connect_timeout", timeout, ClientBuilder::connect_timeout)
    })
}

/// How long one attempt may take, in seconds: more than 0; 120 by default. The LLM Resayil guide asks
/// for 30 at least: a shorter one is told to the observer once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_attempt_timeout(
    builder: *mut resayil_client_builder,
    seconds: f64,
) -> resayil_status {
    guard(|| {
        let timeout = time::seconds(seconds);
        borrow_mut!(builder).set("attempt_timeout", timeout, ClientBuilder::attempt_timeout)
    })
}

/// How long a stream that has begun may be silent, in seconds: more than 0; 60 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_idle_timeout(
    builder: *mut resayil_client_builder,
    seconds: f64,
) -> resayil_status {
    guard(|| {
        let timeout = time::seconds(seconds);
        borrow_mut!(builder).set("idle_timeout", timeout, ClientBuilder::idle_timeout)
    })
}

/// The largest answer that is read, in bytes after decompression: at least 1; 16 MiB by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_max_response_bytes(
    builder: *mut resayil_client_builder,
    bytes: usize,
) -> resayil_status {
    guard(|| {
        let set = ClientBuilder::max_response_bytes;
        borrow_mut!(builder).set("max_response_bytes", Ok(bytes), set)
    })
}

/// The `User-Agent`: visible ASCII and spaces; `resayil/` and the version by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_user_agent(
    builder: *mut resayil_client_builder,
    text: *const c_char,
) -> resayil_status {
    guard(|| {
        // SAFETY: the header asks for NULL or a NUL-terminated name.
        let text = unsafe { some_name_in(text) };
        borrow_mut!(builder).set("user_agent", text, |it, text| it.user_agent(text))
    })
}

/// Is told every decision: retries, stops, waits for the quota, warnings. NULL for nobody. `user` is
/// given back to it, and has to be valid as long as the client and its streams are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_observer(
    builder: *mut resayil_client_builder,
    callback: resayil_event_callback,
    user: *mut c_void,
) -> resayil_status {
    guard(|| {
        let user = User(user);
        let tell = move |event: &CallEvent<'_>| {
            if let Some(callback) = callback {
                let event = resayil_event::new(event);
                // SAFETY: the header asks for a function of this type that does not unwind.
                unsafe { callback(&event, user.pointer()) }
            }
        };
        borrow_mut!(builder).set("observer", Ok(tell), |it, tell| it.observer(tell))
    })
}

/// Says of every whole answer of `resayil_client_chat` and `resayil_client_post` whether to treat it as
/// a failure: see `resayil_options_retry_if_result`. NULL for none, which is the default. `user` is given
/// back to it, and has to be valid as long as the client is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_retry_if_result(
    builder: *mut resayil_client_builder,
    callback: resayil_result_callback,
    user: *mut c_void,
) -> resayil_status {
    guard(|| {
        let predicate = predicate(callback, user);
        borrow_mut!(builder)
            .set("retry_if_result", Ok(predicate), |it, predicate| it.retry_if_result(predicate))
    })
}

/// How many requests may be in flight at once, streams to their end: 1 to 100,000; further calls wait in
/// order, up to their deadline or cancellation. By default there is no limit. If it is `adaptive`, it is
/// the ceiling of a limit that starts at 20 or less, grows while all goes well, and shrinks when the
/// service is overloaded or does not answer in time. No place is held while a call waits for the quota or
/// between attempts. `resayil_client_get_metrics` tells how it stands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_max_concurrency(
    builder: *mut resayil_client_builder,
    max: u32,
    adaptive: bool,
) -> resayil_status {
    guard(|| {
        let limit = match adaptive {
            true => ConcurrencyLimit::adaptive(max),
            false => ConcurrencyLimit::fixed(max),
        };
        let set = ClientBuilder::concurrency_limit;
        borrow_mut!(builder).set("max_concurrency", Ok(limit), set)
    })
}

/// Other models or services that take over chats (and what `resayil_client_post` sends to
/// `chat/completions`) which the client's own does not serve; none by default. The handle stays yours.
///
/// Quota and budget are per origin and key: a target of another one has those of its own. Each change of
/// target is told to the observer as a retry with the reason `fallback`, and carries the idempotency key
/// with a number at its end. If all fail, the last target's error is given, with the attempts of all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_fallback(
    builder: *mut resayil_client_builder,
    fallback: *const resayil_fallback,
) -> resayil_status {
    guard(|| {
        let fallback = borrow!(fallback).fallback.clone();
        borrow_mut!(builder).set("fallback", Ok(fallback), |it, fallback| it.fallback(fallback))
    })
}

/// Checks the options and makes the client, which is yours. Nothing is sent. The options are used up:
/// the builder is still to be freed, and refuses everything else.
///
/// RESAYIL_STATUS_ERROR with an error of RESAYIL_KIND_CONFIGURATION: no key, or a key, address or
/// option of bad form. RESAYIL_STATUS_INVALID_ARGUMENT if the builder is used up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_build(
    builder: *mut resayil_client_builder,
    client: *mut *mut resayil_client,
    error: *mut *mut resayil_error,
) -> resayil_status {
    guard(|| {
        clear(error);
        let out = out!(client);
        let builder = borrow_mut!(builder);
        let Some(options) = builder.builder.take() else {
            return resayil_status::INVALID_ARGUMENT;
        };
        let built = match builder.refused {
            Some(option) => Err(configuration(option, "the value cannot be taken")),
            None => options.build(),
        };
        match built {
            Ok(client) => {
                *out = give(resayil_client { client });
                resayil_status::OK
            }
            Err(refused) => resayil_error::report(refused, error),
        }
    })
}

/// Frees the builder; NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn resayil_client_builder_free(builder: *mut resayil_client_builder) {
    // SAFETY: the header asks for NULL or a handle that is alive.
    unsafe { take_back(builder) }
}
