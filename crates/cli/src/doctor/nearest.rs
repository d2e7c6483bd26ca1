//! What may have been meant.

/// The name that is most like this one, if it is like it at all.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LIKE: f64 = 0.85;
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_others_are_not() {
        let known = ["llama3.2:3b", "mistral", "qwen3:8b"];
        assert_eq!(nearest("lama3.2:3b", known), Some("llama3.2:3b"));
        assert_eq!(nearest("Mistral", known), Some("mistral"));
        assert_eq!(nearest("gpt-4o", known), None);
    }
}
