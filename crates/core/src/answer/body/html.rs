//! The title of an HTML page.

/// Whether text is an HTML page, by how it begins.
pub(super) fn is_html(head: &[u8]) -> bool {
    let begins = |prefix: &[u8]| {
        head.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    begins(b"<!doctype")
        || begins(b"<html")
        || begins(b"<head")
        || begins(b"<title")
        || begins(b"<!--")
        || (begins(b"<") && find(head, b"<title").is_some())
}

/// The text of the page's title, in one line.
pub(super) fn title(head: &[u8]) -> Option<String> {
    let open = find(head, b"<title")?;
    let after = &head[open..];
    let start = after.iter().position(|byte| *byte == b'>')? + 1;
    let end = find(&after[start..], b"</title").map_or(after.len(), |end| start + end);
    let text = String::from_utf8_lossy(&after[start..end]);
    let text = text.replace("&amp;", "&").replace("&#39;", "'").replace("&quot;", "\"");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

fn find(text: &[u8], lower: &[u8]) -> Option<usize> {
    text.windows(lower.len()).position(|window| window.eq_ignore_ascii_case(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        let page = b"<HTML><head><TITLE lang=en>\n 502 Bad&amp;Gateway </title></head>";
        assert!(is_html(page));
        assert_eq!(title(page).as_deref(), Some("502 Bad&Gateway"));
        assert_eq!(title(b"<html><body>no title"), None);
        assert_eq!(title(b"<title>cut").as_deref(), Some("cut"));
        assert!(!is_html(b"< 5 tokens"));
    }
}
