//! Texts for people that an application brings.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::input;

/// The texts for people of one language, some of them an application's own.
///
/// They are made from the built-in ones of `language` (`en` or `ar`, also with a region) and from
/// `data`, a dict or its JSON, in which everything is optional:
/// `{"language": "fr", "units": {...}, "kinds": {"server": {"user_message": "...", "advice": [...]}}}`.
/// Texts may hold `{wait}`, `{field}` and `{model}`. Raises ValueError for an unknown language, kind,
/// member or placeholder, and for a member of the wrong type.
#[pyclass(frozen, module = "resayil")]
pub(crate) struct Messages {
    messages: resayil_core::messages::Messages,
}

#[pymethods]
impl Messages {
    #[new]
    #[pyo3(
        signature = (language=Cow::Borrowed("en"), data=None),
        text_signature = "(language='en', data=None)"
    )]
    fn new(language: Cow<'_, str>, data: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let built_in = input::messages(Some(&language))?.clone();
        let Some(data) = data else { return Ok(Messages { messages: built_in }) };
        let json = match data.cast::<PyString>() {
            Ok(text) => text.clone(),
            Err(_) => {
                let json = data.py().import("json")?;
                json.call_method1("dumps", (data,))?.cast_into::<PyString>()?
            }
        };
        let messages = built_in.with_json(&json.to_cow()?).map_err(input::value_error)?;
        Ok(Messages { messages })
    }

    /// The tag of the language of these texts.
    #[getter]
    fn language(&self) -> &str {
        self.messages.language()
    }

    fn __repr__(&self) -> String {
        format!("<Messages in {:?}>", self.messages.language())
    }
}

/// Calls `tell` with the texts that a caller names by a language or brings.
pub(crate) fn with<T>(
    texts: Option<&Bound<'_, PyAny>>,
    tell: impl FnOnce(&resayil_core::messages::Messages) -> T,
) -> PyResult<T> {
    let Some(texts) = texts else { return Ok(tell(input::messages(None)?)) };
    if let Ok(own) = texts.cast::<Messages>() {
        return Ok(tell(&own.get().messages));
    }
    match texts.cast::<PyString>() {
        Ok(language) => Ok(tell(input::messages(Some(&language.to_cow()?))?)),
        Err(_) => input::type_error("language", "the tag of a language or Messages", texts),
    }
}
