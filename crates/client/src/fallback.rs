//! The services and models that take over what the first target does not serve.

use std::time::Duration;

use resayil_core::{Error, Fallback, FallbackCall, FallbackTarget, Kind};
use serde_json::{Map, Value};

use crate::client::{CHAT, Client, Inner};
use crate::extras::Extras;
use crate::seed::Seed;

/// A fallback whose targets are checked, with a client for each other service.
pub(crate) struct Fallbacks {
    /// The targets as they were given.
    given: Fallback,
    /// The same targets, named so that those which share origin and key are known by it.
    routes: Fallback,
    /// Of each target; `None` for the first target's.
    services: Vec<Option<Client>>,
}

impl Fallbacks {
    /// Makes the clients of the services. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: an address or key of bad form, or a service of another origin without
    /// a key.
    pub(crate) fn new(given: Fallback, first: &Inner, seed: &Seed) -> Result<Self, Error> {
        let mut known: Vec<(Place, Client)> = Vec::new();
        let mut services = Vec::new();
        let mut routes = Fallback::builder()
            .on(given.on().iter().copied())
            .overloaded_attempts(given.overloaded_attempts())
            .max_wait(given.max_wait());
        for (index, target) in given.targets().iter().enumerate() {
            let failed = |error: Error| {
                let problem = error.message().unwrap_or_default().to_owned();
                Error::new(Kind::Configuration, &format!("fallback target {index}: {problem}"))
            };
            let place = Place::new(target, seed).map_err(failed)?;
            // A text of a model is needed where nothing else tells it from the first.
            let route = FallbackTarget::new().with_model(target.model().unwrap_or("*"));
            routes = routes.target(if place.is_first_account(seed) {
                route
            } else {
                route.with_base_url(&place.origin).with_api_key(&place.key)
            });
            services.push(if place.base_url == seed.base_url && place.key == seed.key {
                None
            } else {
                let same = known.iter().find(|(it, _)| *it == place).map(|(_, it)| it.clone());
                Some(match same {
                    Some(client) => client,
                    None => {
                        // Quota and budget belong to origin and key, whatever the path.
                        let account = if place.is_first_account(seed) {
                            Some(first)
                        } else {
                            let same = |it: &&(Place, Client)| it.0.account() == place.account();
                            known.iter().find(same).map(|(_, client)| client.inner())
                        };
                        let client = seed.client(&place.base_url, &place.key, account);
                        let client = client.map_err(failed)?;
                        known.push((place, client.clone()));
                        client
                    }
                })
            });
        }
        let routes = routes
            .build()
            .map_err(|error| Error::new(Kind::Configuration, &format!("fallback: {error}")))?;
        Ok(Fallbacks { given, routes, services })
    }

    pub(crate) fn given(&self) -> &Fallback {
        &self.given
    }
}

/// Where a target is.
#[derive(PartialEq)]
struct Place {
    base_url: String,
    origin: String,
    key: String,
}

impl Place {
    fn new(target: &FallbackTarget, seed: &Seed) -> Result<Self, Error> {
        let (base_url, origin) = match target.base_url() {
            None => (seed.base_url.clone(), seed.origin.clone()),
            Some(text) => {
                let url = seed.url(text)?;
                (url.whole(), url.origin().to_owned())
            }
        };
        let key = match target.api_key() {
            Some(key) => key.to_owned(),
            None if origin == seed.origin => seed.key.clone(),
            None => {
                let problem = "a service of another origin needs an API key of its own";
                return Err(Error::new(Kind::Configuration, problem));
            }
        };
        Ok(Place { base_url, origin, key })
    }

    fn account(&self) -> (&str, &str) {
        (&self.origin, &self.key)
    }

    fn is_first_account(&self, seed: &Seed) -> bool {
        self.account() == (&*seed.origin, &*seed.key)
    }
}

/// The way of one call through the targets.
pub(crate) struct Route {
    /// Has the targets; its own is the first.
    first: Client,
    targets: Option<FallbackCall>,
    moved: Option<Moved>,
    /// What the call adds to requests to the first target's origin.
    extras: Extras,
}

/// What is sent in place of the request.
struct Moved {
    index: usize,
    url: String,
    /// `None` for the request's own.
    body: Option<Vec<u8>>,
}

/// Where a call goes on.
pub(crate) struct Next {
    pub(crate) client: Client,
    /// `None` for the request's own.
    pub(crate) model: Option<String>,
}

impl Route {
    pub(crate) fn new(client: &Client, extras: &Extras) -> Self {
        let targets = client.inner().fallbacks.as_ref().map(|fallbacks| fallbacks.routes.start());
        Route { first: client.clone(), targets, moved: None, extras: extras.clone() }
    }

    /// The target that takes the request over after this error, if one does.
    pub(crate) fn next(
        &mut self,
        call: &resayil_core::Call,
        error: &Error,
        now: Duration,
        body: &[u8],
    ) -> Result<Option<Next>, Error> {
        let (Some(targets), Some(fallbacks)) = (&mut self.targets, &self.first.inner().fallbacks)
        else {
            return Ok(None);
        };
        let Some(index) = targets.next(call, error, now) else { return Ok(None) };
        let model = fallbacks.given.targets()[index].model();
        let client = fallbacks.services[index].as_ref().unwrap_or(&self.first).clone();
        self.moved = Some(Moved {
            index,
            url: {
                let url = client.inner().url.join(CHAT)?;
                let extras = &client.inner().extras;
                if self.is_at_home(&client) { extras.with(&self.extras) } else { extras.clone() }
                    .url(url)
            },
            body: model.map(|model| with_model(body, model)).transpose()?,
        });
        Ok(Some(Next { client, model: model.map(str::to_owned) }))
    }

    /// Whether a target is of the origin of the first, and so may see what was given for that one.
    pub(crate) fn is_at_home(&self, client: &Client) -> bool {
        client.inner().url.origin() == self.first.inner().url.origin()
    }

    /// The index of the target that the call is at; `None` for the first.
    pub(crate) fn index(&self) -> Option<usize> {
        self.moved.as_ref().map(|moved| moved.index)
    }

    pub(crate) fn url<'a>(&'a self, first: &'a str) -> &'a str {
        self.moved.as_ref().map_or(first, |moved| &moved.url)
    }

    pub(crate) fn body<'a>(&'a self, first: Option<&'a [u8]>) -> Option<&'a [u8]> {
        self.moved.as_ref().and_then(|moved| moved.body.as_deref()).or(first)
    }
}

/// Whether a body can be sent to another model.
pub(crate) fn can_change_model(body: &[u8]) -> bool {
    serde_json::from_slice::<Map<String, Value>>(body).is_ok()
}

/// The same request to another model.
fn with_model(body: &[u8], model: &str) -> Result<Vec<u8>, Error> {
    let fields: Result<Map<String, Value>, _> = serde_json::from_slice(body);
    let changed = fields.and_then(|mut fields| {
        fields.insert("model".to_owned(), model.into());
        serde_json::to_vec(&fields)
    });
    changed.map_err(|_| Error::new(Kind::Configuration, "the request is no JSON object"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_model_is_changed() {
        let body = br#"{"model":"a","messages":[{"role":"user","content":"hi"}],"x":1.50}"#;
        let changed = String::from_utf8(with_model(body, "b\"c").unwrap()).unwrap();
        assert_eq!(
            changed,
            r#"{"model":"b\"c","messages":[{"role":"user","content":"hi"}],"x":1.5}"#
        );
        assert!(can_change_model(body));
        for bad in [&b"[]"[..], b"{", b""] {
            assert!(!can_change_model(bad));
            assert_eq!(with_model(bad, "b").unwrap_err().kind(), Kind::Configuration);
        }
    }
}
