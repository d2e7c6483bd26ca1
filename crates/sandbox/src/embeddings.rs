//! `POST {base}/embeddings`, which compatible services have and LLM Resayil has not.

use std::io;

use serde_json::{Map, Value, json};

use crate::answer::ChatRequest;
use crate::exchange::{After, Exchange};
use crate::validation::{FieldErrors, Rule};

/// Numbers of a vector where the request does not say how many.
const DIMENSIONS: u64 = 8;
/// Most numbers of a vector.
const MAX_DIMENSIONS: u64 = 4096;
/// Most inputs of a request, as OpenAI has it.
const MAX_INPUTS: usize = 2048;

/// Checks all fields. Empty when the request is valid.
pub(crate) fn check(fields: &Map<String, Value>) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let mut report = |path: &str, rule: Rule| errors.push((path.to_owned(), vec![rule]));
    match fields.get("model") {
        Some(Value::String(model)) if !model.trim().is_empty() => {}
        Some(Value::String(_) | Value::Null) | None => report("model", Rule::Required),
        Some(_) => report("model", Rule::String),
    }
    let inputs = inputs(fields);
    if inputs.is_empty() || inputs.len() > MAX_INPUTS {
        report("input", Rule::Required);
    }
    for (at, input) in inputs.iter().enumerate() {
        if characters(input).is_none_or(|count| count == 0) {
            report(&format!("input.{at}"), Rule::String);
        }
    }
    match fields.get("dimensions").map(Value::as_u64) {
        None | Some(Some(1..=MAX_DIMENSIONS)) => {}
        Some(_) => report("dimensions", Rule::Between(1.0, MAX_DIMENSIONS as f64)),
    }
    match fields.get("encoding_format").map(Value::as_str) {
        None | Some(Some("float" | "base64")) => {}
        Some(_) => report("encoding_format", Rule::Choice),
    }
    errors
}

/// A vector for each input.
pub(crate) fn answer(
    ex: &mut Exchange<'_>,
    fields: &Map<String, Value>,
    request: &ChatRequest,
) -> io::Result<After> {
    let behaviour = ex.shared.options.behaviour;
    let dimensions = fields.get("dimensions").and_then(Value::as_u64).unwrap_or(DIMENSIONS);
    let in_base64 = fields.get("encoding_format").is_some_and(|format| format == "base64");
    let inputs = inputs(fields);
    let embedding = |(index, input): (usize, &&Value)| {
        let vector = vector(input, dimensions);
        let vector = if in_base64 { base64(&vector).into() } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": vector})
    };
    let data: Vec<Value> = inputs.iter().enumerate().map(embedding).collect();
    let tokens: u64 = inputs.iter().filter_map(|input| tokens(input)).sum();
    let body = json!({
        "object": "list",
        "data": data,
        "model": behaviour.answering_model(&request.model),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    });
    ex.send_answer(&behaviour.json(200, &body))
}

/// A text, a list of tokens, or a list of such.
fn inputs(fields: &Map<String, Value>) -> Vec<&Value> {
    match fields.get("input") {
        Some(Value::Array(items)) if !items.iter().all(Value::is_number) => items.iter().collect(),
        Some(Value::Array(items)) if items.is_empty() => Vec::new(),
        Some(Value::Null) | None => Vec::new(),
        Some(input) => vec![input],
    }
}

/// How long an input is, if it is one; tokens count as four characters each.
fn characters(input: &Value) -> Option<u64> {
    match input {
        Value::String(text) => Some(text.chars().count() as u64),
        Value::Array(tokens) if tokens.iter().all(Value::is_u64) => Some(tokens.len() as u64 * 4),
        _ => None,
    }
}

fn tokens(input: &Value) -> Option<u64> {
    Some(characters(input)?.div_ceil(4))
}

/// A vector of length 1, the same for the same input.
fn vector(input: &Value, dimensions: u64) -> Vec<f32> {
    let seed = input.to_string().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut random = fastrand::Rng::with_seed(seed);
    let numbers: Vec<f32> = (0..dimensions).map(|_| random.f32() - 0.5).collect();
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    numbers.into_iter().map(|number| if length > 0.0 { number / length } else { 1.0 }).collect()
}

/// RFC 4648 section 4, of 32-bit numbers with the lowest byte first.
fn base64(vector: &[f32]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits: u32, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_base64() {
        assert_eq!(base64(&[1.0, -2.5]), "AACAPwAAIMA=");
        assert_eq!(base64(&[1.0]), "AACAPw==");
        assert_eq!(base64(&[]), "");
    }

    #[test]
    fn a_vector_belongs_to_its_input() {
        let of = |input: Value| vector(&input, 4);
        assert_eq!(of(json!("a")), of(json!("a")));
        assert_ne!(of(json!("a")), of(json!("b")));
        let length: f32 = of(json!([1, 2])).iter().map(|it| it * it).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }

    #[test]
    fn each_rule_is_checked() {
        let broken = |body: Value| -> Vec<String> {
            check(body.as_object().unwrap()).into_iter().map(|(path, _)| path).collect()
        };
        let none: [&str; 0] = [];
        for good in [json!("a"), json!(["a", "b"]), json!([1, 2]), json!([[1], [2, 3]])] {
            assert_eq!(broken(json!({"model": "m", "input": good})), none, "{good}");
        }
        assert_eq!(broken(json!({})), ["model", "input"]);
        assert_eq!(broken(json!({"model": 1, "input": []})), ["model", "input"]);
        let bad = json!({"model": "m", "input": ["", {}], "dimensions": 0, "encoding_format": "f"});
        assert_eq!(broken(bad), ["input.0", "input.1", "dimensions", "encoding_format"]);
    }
}
