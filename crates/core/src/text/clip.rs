//! Cutting texts.

/// The beginning of a text, at most `max` bytes, cut at a character.
pub(crate) fn clip(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::clip;

    #[test]
    fn clipping_never_splits_a_character() {
        assert_eq!(clip("مرحبا", 3), "م");
        assert_eq!(clip("abc", 3), "abc");
    }
}
