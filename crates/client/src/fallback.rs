//! The services and models that take over what the first target does not serve.

use std::sync::Arc;

use resayil_core::call::{Fallback, FallbackTarget, Service};
use resayil_core::{Error, Kind, Provider};
use serde_json::{Map, Value};

use crate::account::{Account, QuotaChoice};
use crate::endpoint::Endpoint;
use crate::settings::ServiceSettings;
use crate::url::BaseUrl;

/// A fallback whose targets are checked, with the endpoint of each.
pub(crate) struct Fallbacks {
    /// The targets as they were given.
    pub(crate) given: Fallback,
    /// The same targets, named so that those which share origin and key are known by it.
    pub(crate) routes: Fallback,
    /// Of each target.
    pub(crate) endpoints: Vec<Arc<Endpoint>>,
    /// Of each target.
    pub(crate) services: Arc<[Arc<Service>]>,
}

/// The first target, which the others may take key and address from.
pub(crate) struct First<'a> {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) key: &'a str,
    pub(crate) provider: Option<Provider>,
}

/// Where a target is.
#[derive(PartialEq)]
struct Place {
    base_url: String,
    origin: String,
    key: String,
}

impl Fallbacks {
    /// Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Kind::Configuration`]: an address or key of bad form, or a service of another origin without
    /// a key.
    pub(crate) fn new(
        given: Fallback,
        first: &First<'_>,
        settings: &ServiceSettings,
    ) -> Result<Self, Error> {
        let home = Place::of(first);
        let mut known = vec![(Place::of(first), Arc::clone(&first.endpoint))];
        let mut endpoints = Vec::new();
        let mut routes = Fallback::builder()
            .on(given.on().iter().copied())
            .overloaded_attempts(given.overloaded_attempts())
            .max_wait(given.max_wait());
        for (index, target) in given.targets().iter().enumerate() {
            let failed = |error: Error| {
                let problem = error.message().unwrap_or_default().to_owned();
                Error::new(Kind::Configuration, &format!("fallback target {index}: {problem}"))
            };
            let place = Place::new(target, &home, settings).map_err(failed)?;
            // A text of a model is needed where nothing else tells it from the first.
            let route = FallbackTarget::new().with_model(target.model().unwrap_or("*"));
            routes = routes.target(if place.account() == home.account() {
                route
            } else {
                route.with_base_url(&place.origin).with_api_key(&place.key)
            });
            let same = known.iter().find(|(it, _)| *it == place).map(|(_, it)| Arc::clone(it));
            endpoints.push(match same {
                Some(endpoint) => endpoint,
                None => {
                    let endpoint = place.open(&known, first, settings).map_err(failed)?;
                    let endpoint = Arc::new(endpoint);
                    known.push((place, Arc::clone(&endpoint)));
                    endpoint
                }
            });
        }
        let routes = routes
            .build()
            .map_err(|error| Error::new(Kind::Configuration, &format!("fallback: {error}")))?;
        let services = endpoints.iter().map(|it| Arc::clone(&it.account.service)).collect();
        Ok(Fallbacks { given, routes, endpoints, services })
    }
}

impl Place {
    fn of(first: &First<'_>) -> Self {
        let url = &first.endpoint.url;
        Place { base_url: url.whole(), origin: url.origin().to_owned(), key: first.key.to_owned() }
    }

    fn new(
        target: &FallbackTarget,
        home: &Place,
        settings: &ServiceSettings,
    ) -> Result<Self, Error> {
        let (base_url, origin) = match target.base_url() {
            None => (home.base_url.clone(), home.origin.clone()),
            Some(text) => {
                let url = BaseUrl::new(text, settings.allow_http)?;
                (url.whole(), url.origin().to_owned())
            }
        };
        let key = match target.api_key() {
            Some(key) => key.to_owned(),
            None if origin == home.origin => home.key.clone(),
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

    /// The way there. Quota and budget belong to origin and key, whatever the path.
    fn open(
        &self,
        known: &[(Place, Arc<Endpoint>)],
        first: &First<'_>,
        settings: &ServiceSettings,
    ) -> Result<Endpoint, Error> {
        let url = BaseUrl::new(&self.base_url, settings.allow_http)?;
        let same = known.iter().find(|(place, _)| place.account() == self.account());
        let account = match same {
            Some((_, endpoint)) => Arc::clone(&endpoint.account),
            None => {
                let of_first =
                    first.provider.filter(|_| first.endpoint.url.origin() == self.origin);
                let provider = of_first.or_else(|| Provider::from_host(url.host()));
                let quota =
                    if settings.has_quota { QuotaChoice::Default } else { QuotaChoice::None };
                let account =
                    Account::open(&self.origin, &self.key, provider, quota, None, None, settings)?;
                Arc::new(account)
            }
        };
        Endpoint::new(url, &self.key, account, settings)
    }
}

/// Whether a body can be sent to another model.
pub(crate) fn can_change_model(body: &[u8]) -> bool {
    serde_json::from_slice::<Map<String, Value>>(body).is_ok()
}

/// The same request to another model.
pub(crate) fn with_model(body: &[u8], model: &str) -> Result<Vec<u8>, Error> {
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
