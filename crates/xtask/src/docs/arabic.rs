//! What users are told of each kind of error, in Arabic.

use std::fmt::Write as _;

use resayil_core::messages::ARABIC;
use resayil_core::{Error, Kind};

use super::{detailed, escape};

/// The page.
pub(super) fn page() -> String {
    let mut page = String::from(
        "<!-- Written by `cargo xtask docs` from the texts in crates/core/src/messages/arabic.rs. Change those, \
         not this page. -->\n\n\
         # الأخطاء\n\n\
         <div dir=\"rtl\" lang=\"ar\" markdown=\"block\">\n\n\
         <p>ما يقال للمستخدم عند كل نوع من الأخطاء، وما يُنصح به.</p>\n\n",
    );
    for row in Kind::table() {
        let (plain, detailed) = (Error::new(row.kind, ""), detailed(row.kind));
        let message = plain.user_message_in(&ARABIC);
        let _ = write!(page, "## `{}`\n\n<p>{}</p>\n", row.name, escape(&message));
        let more = detailed.user_message_in(&ARABIC);
        if more != message {
            let _ = write!(page, "\n<p>{}</p>\n", escape(&more));
        }
        let _ = write!(page, "\n<ul>\n");
        for step in plain.advice_in(&ARABIC) {
            let _ = writeln!(page, "<li>{}</li>", escape(&step));
        }
        page.push_str("</ul>\n\n");
    }
    page.push_str("</div>\n");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told_in_arabic() {
        let page = page();
        assert_eq!(page.matches("\n## ").count(), Kind::table().len());
        assert!(page.contains("45"), "the wait is told where it is known");
        assert!(!page.contains(['{', '}']), "no placeholder is left");
    }
}
