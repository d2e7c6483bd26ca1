use super::*;
use proptest::prelude::*;

fn is_json(text: &str) -> bool {
    parse(text.as_bytes()).is_some()
}

#[test]
fn members_are_found() {
    let document =
        br#" {"a": [1, {"b": "x\"y"}], "c": null, "d": "\u0645\ud83d\ude00\n", "e": -1.5e3} "#;
    let object = parse(document).unwrap().as_object().unwrap();
    let inner = object.get("a").unwrap().as_array().unwrap().items().nth(1).unwrap();
    assert_eq!(inner.as_object().unwrap().get("b").unwrap().as_text().unwrap(), "x\"y");
    assert!(object.get("c").is_some() && object.get_some("c").is_none());
    assert_eq!(object.get("d").unwrap().as_text().unwrap(), "م😀\n");
    assert_eq!(object.get("e").unwrap().as_f64(), Some(-1500.0));
    assert_eq!(object.members().count(), 4);
    assert!(object.get("f").is_none());
}

#[test]
fn what_is_not_json() {
    for text in [
        "",
        " ",
        "{",
        "[1,",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "[1}",
        "{\"a\":[}",
        "01",
        "1.",
        "-",
        "+1",
        "tru",
        "\"a",
        "\"a\\",
        "{} {}",
        "nan",
        "[[]",
        "]",
    ] {
        assert!(!is_json(text), "{text}");
    }
}

#[test]
fn deep_nesting_is_skipped() {
    for depth in [1, 63, 64, 65, 128, 129, 10_000] {
        assert!(is_json(&("[".repeat(depth) + &"]".repeat(depth))), "{depth}");
        assert!(is_json(&("{\"a\":[".repeat(depth) + "1" + &"]}".repeat(depth))), "{depth}");
        assert!(!is_json(&("{\"a\":[".repeat(depth) + "1" + &"}]".repeat(depth))), "{depth}");
        assert!(!is_json(&"[".repeat(depth)));
    }
}

#[test]
fn broken_texts_are_still_read() {
    let value = parse(b"\"caf\xe9\"").unwrap();
    assert_eq!(value.as_text().unwrap(), "caf\u{fffd}");
    assert_eq!(parse(br#""\ud800x\q""#).unwrap().as_text().unwrap(), "\u{fffd}x\u{fffd}");
}

#[test]
fn a_prefix_splits_no_character_and_no_escape() {
    let text = |json: &'static str| match parse(json.as_bytes()) {
        Some(Value::Text(text)) => text,
        _ => panic!(),
    };
    assert_eq!(text("\"مرحبا\"").decode_prefix(5), "مر");
    assert_eq!(text(r#""abc\u0041def""#).decode_prefix(6), "abc");
    assert_eq!(text("\"abc\"").decode_prefix(2), "ab");
}

fn arb_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_serde_json(value in arb_json(), name in any::<String>()) {
        let text = serde_json::json!({ "first": [1], name.clone(): value }).to_string();
        let object = parse(text.as_bytes()).unwrap().as_object().unwrap();
        let reference: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(object.members().count(), reference.as_object().unwrap().len());
        let found = object.get(&name).unwrap();
        if let Some(text) = reference[&name].as_str() {
            prop_assert_eq!(found.as_text().unwrap(), text);
        }
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(Value::Object(object)) = parse(&bytes) {
            object.members().for_each(|(_, value)| drop(value.as_text()));
        }
    }

    #[test]
    fn any_brackets_do_no_harm(text in "[\\[\\]{}\",:1a\\\\ ]{0,40}") {
        let ours = parse(text.as_bytes()).is_some();
        // Ours is lenient inside strings only, and these hold no control characters.
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            prop_assert!(ours);
        }
    }
}
