//! JSON that a Python program printed as it prints its own data: `{'error': {'code': None}}`.

/// The same as JSON; `None` if the text is no such thing. What it makes may still be no JSON.
pub(crate) fn to_json(text: &str) -> Option<String> {
    let text = text.trim();
    let opens = |rest: &str| rest.trim_start().starts_with(['\'', '"', '{', '}', ']']);
    if !text.strip_prefix(['{', '[']).is_some_and(opens) || !text.contains('\'') {
        return None;
    }
    let mut json = String::with_capacity(text.len() + 16);
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\'' | '"' => {
                json.push('"');
                push_text(char, &mut chars, &mut json)?;
                json.push('"');
            }
            'N' | 'T' | 'F' | 'b' | 'u' | 'r' => {
                let word = |word: &str| text[at..].starts_with(word);
                let known = [("None", "null"), ("True", "true"), ("False", "false")];
                match known.into_iter().find(|(python, _)| word(python)) {
                    Some((python, name)) => {
                        json.push_str(name);
                        chars.by_ref().nth(python.len() - 2);
                    }
                    // The prefix of a text, `b'…'`.
                    None if text[at + 1..].starts_with(['\'', '"']) => {}
                    None => json.push(char),
                }
            }
            _ => json.push(char),
        }
    }
    Some(json)
}

/// Copies a text up to its closing mark, with JSON's escapes.
fn push_text(
    mark: char,
    chars: &mut impl Iterator<Item = (usize, char)>,
    json: &mut String,
) -> Option<()> {
    loop {
        match chars.next()?.1 {
            end if end == mark => return Some(()),
            '"' => json.push_str("\\\""),
            '\n' => json.push_str("\\n"),
            '\t' => json.push_str("\\t"),
            '\\' => match chars.next()?.1 {
                '\'' => json.push('\''),
                'x' => json.push_str("\\u00"),
                'U' => json.push_str("\\\\U"),
                escaped => {
                    json.push('\\');
                    json.push(escaped);
                }
            },
            char => json.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_s_data_becomes_json() {
        for (text, expected) in [
            (
                r#"{'error': {'message': "it's \"over\"", 'code': None, 'ok': [True, False]}}"#,
                Some(
                    r#"{"error": {"message": "it's \"over\"", "code": null, "ok": [true, false]}}"#,
                ),
            ),
            (r"[{'a': 'x\'y\xe9\n', 'n': 1.5}]", Some(r#"[{"a": "x'y\u00e9\n", "n": 1.5}]"#)),
            (r"{'a': b'Tom'}", Some(r#"{"a": "Tom"}"#)),
            ("{'unclosed", None),
            ("{it's no data}", None),
            (r#"{"a": 1}"#, None),
            ("None", None),
        ] {
            assert_eq!(to_json(text).as_deref(), expected, "{text}");
        }
    }
}
