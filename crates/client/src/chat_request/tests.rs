use resayil_core::Kind;

use super::*;

#[test]
fn the_stream_field_follows_the_method() {
    let request = ChatRequest::new("m").set("stream", "true").unwrap();
    assert!(!request.body(false).unwrap().contains("stream"));
    assert!(request.body(true).unwrap().ends_with(r#""stream":true}"#));
}

#[test]
fn bad_json_is_refused_without_showing_it() {
    for error in [
        ChatRequest::from_json("[\"secret\"]").unwrap_err(),
        ChatRequest::from_json("{\"a\": secret}").unwrap_err(),
        ChatRequest::new("m").set("x", "secret").unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[test]
fn what_was_written_is_sent_as_it_is() {
    let text = r#"{"model": "m", "messages": [{"role":"user","content":"hi"}]}"#;
    let request = ChatRequest::from_written(text.to_owned(), "m");
    assert_eq!(request, ChatRequest::from_json(text).unwrap());
    assert_eq!((request.model(), request.to_json().as_str()), (Some("m"), text));
    assert_eq!(request.body(false).unwrap(), text);
    let streamed: Value = serde_json::from_str(&request.body(true).unwrap()).unwrap();
    assert_eq!(streamed["stream"], true);
    let longer = request.user("and?").temperature(0.5);
    assert_eq!(longer.to_json().matches("role").count(), 2);
    assert!(format!("{longer:?}").contains("messages: 2"), "{longer:?}");
}

#[test]
fn a_message_can_follow_what_came_as_json() {
    let request = ChatRequest::from_json(r#"{"model":"m"}"#).unwrap().user("hi");
    assert_eq!(request.to_json(), r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#);
    assert!(!format!("{request:?}").contains("hi"));
}

#[test]
fn json_is_sent_as_it_was_written_each_field_once() {
    let text =
        r#"{"a":1,"messages": [{"role":"user","content":"\u00e4 \n"}],"model":"m\n","a":1e2}"#;
    let request = ChatRequest::from_json(text).unwrap();
    assert_eq!(request.model(), Some("m\n"));
    let sent = r#"{"a":1e2,"messages":[{"role":"user","content":"\u00e4 \n"}],"model":"m\n"}"#;
    assert_eq!(request.to_json(), sent);
    let other = r#"{"model":"m\n","a":100.0,"messages":[{"content":"ä \n","role":"user"}]}"#;
    assert_eq!(request, ChatRequest::from_json(other).unwrap());
    assert_ne!(request, ChatRequest::from_json("{}").unwrap());
    assert!(format!("{request:?}").contains("messages: 1"), "{request:?}");
    let longer = request.user("more").to_json();
    assert!(longer.contains(r#""ä \n"},{"role":"user","content":"more"}"#), "{longer}");
    assert_eq!(ChatRequest::from_json(r#"{"model":7}"#).unwrap().model(), None);
}
