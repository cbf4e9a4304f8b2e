//! Accepts messages that break the protocol but can mean only one thing: parameters of methods that take none, and invalid numbers. It leaves reading a message to its handler.

use serde_json::{Map, Value};
use tower_lsp::jsonrpc::Request;

/// The version of a document whose client sent none.
pub const NO_VERSION: i32 = i32::MIN;

/// How the parameters of a method are read.
type Reading = fn(Option<Value>) -> Option<Value>;

/// The methods whose parameters are not read as they come.
const READINGS: [(&str, Reading); 6] = [
    ("shutdown", |_| None),
    ("exit", |_| None),
    ("initialized", |_| Some(Value::Object(Map::new()))),
    ("initialize", |params| with_number(params, "/processId", Value::Null)),
    ("textDocument/didOpen", |params| {
        with_number(params, "/textDocument/version", Value::from(NO_VERSION)).map(with_language)
    }),
    ("textDocument/didChange", |params| {
        with_number(params, "/textDocument/version", Value::from(NO_VERSION)).map(with_ranges)
    }),
];

/// The message as the protocol has it.
pub fn lenient(request: Request) -> Request {
    let Some((_, reading)) = READINGS.iter().find(|(method, _)| *method == request.method()) else { return request };
    let (method, id, params) = request.into_parts();
    let mut request = Request::build(method);
    if let Some(id) = id {
        request = request.id(id);
    }
    match reading(params) {
        Some(params) => request.params(params).finish(),
        None => request.finish(),
    }
}

/// The parameters with a number of 32 bits at a place, or with this value in its stead.
fn with_number(params: Option<Value>, at: &str, otherwise: Value) -> Option<Value> {
    let mut params = params?;
    let (parent, name) = at.rsplit_once('/')?;
    if let Some(Value::Object(parent)) = params.pointer_mut(parent) {
        let found = parent.get(name).and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
        if found.is_none() {
            parent.insert(name.to_owned(), otherwise);
        }
    }
    Some(params)
}

/// The parameters of `didChange`, without its changes if one has a range that is none. The type of a change would take that one for the whole
/// text; without changes the edit counts as lost.
fn with_ranges(mut params: Value) -> Value {
    let is_position = |at: Option<&Value>| {
        let number =
            |name| at.and_then(|at| at.get(name)?.as_u64()).is_some_and(|number| u32::try_from(number).is_ok());
        number("line") && number("character")
    };
    // The protocol has replaced it by the range; one that is no number would make its change the whole text.
    if let Some(changes) = params.get_mut("contentChanges").and_then(Value::as_array_mut) {
        for change in changes.iter_mut().filter_map(Value::as_object_mut) {
            change.remove("rangeLength");
        }
    }
    let is_placed = |change: &Value| match change.get("range") {
        None | Some(Value::Null) => true,
        Some(range) => is_position(range.get("start")) && is_position(range.get("end")),
    };
    let changes = params.get_mut("contentChanges");
    if let Some(changes) = changes
        && !changes.as_array().is_some_and(|changes| changes.iter().all(is_placed))
    {
        *changes = Value::Null;
    }
    params
}

/// The parameters of `didOpen` with a language, which the document's name gives if this one is empty.
fn with_language(mut params: Value) -> Value {
    if let Some(Value::Object(document)) = params.pointer_mut("/textDocument")
        && !document.get("languageId").is_some_and(Value::is_string)
    {
        document.insert("languageId".to_owned(), Value::from(""));
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_are_read_as_what_they_can_only_mean() {
        let version =
            |version: Value| json!({"textDocument": {"uri": "file:///a", "version": version}, "contentChanges": []});
        for (method, sent, read) in [
            ("shutdown", Some(json!({})), None),
            ("shutdown", Some(json!([])), None),
            ("shutdown", Some(json!(null)), None),
            ("shutdown", None, None),
            ("exit", Some(json!({"x": 1})), None),
            ("initialized", None, Some(json!({}))),
            ("initialized", Some(json!([])), Some(json!({}))),
            ("initialized", Some(json!(null)), Some(json!({}))),
            ("initialize", Some(json!({"processId": 7})), Some(json!({"processId": 7}))),
            ("initialize", Some(json!({"processId": -7})), Some(json!({"processId": -7}))),
            ("initialize", Some(json!({"processId": 1_u64 << 40})), Some(json!({"processId": null}))),
            ("initialize", Some(json!({"processId": "7"})), Some(json!({"processId": null}))),
            ("initialize", Some(json!({})), Some(json!({"processId": null}))),
            ("textDocument/didChange", Some(version(json!(3))), Some(version(json!(3)))),
            ("textDocument/didChange", Some(version(json!(null))), Some(version(json!(NO_VERSION)))),
            ("textDocument/didChange", Some(version(json!(2.5))), Some(version(json!(NO_VERSION)))),
            ("textDocument/didChange", Some(version(json!("one"))), Some(version(json!(NO_VERSION)))),
            (
                "textDocument/didOpen",
                Some(json!({"textDocument": {"version": null}})),
                Some(json!({"textDocument": {"version": NO_VERSION, "languageId": ""}})),
            ),
            (
                "textDocument/didOpen",
                Some(json!({"textDocument": {"version": 1, "languageId": "go"}})),
                Some(json!({"textDocument": {"version": 1, "languageId": "go"}})),
            ),
            (
                "textDocument/didChange",
                Some(json!({"contentChanges": [{"text": "a"}, {"range": "all", "text": "b"}]})),
                Some(json!({"contentChanges": null})),
            ),
            (
                "textDocument/didChange",
                Some(json!({"contentChanges": [{"range": null, "text": "a"}]})),
                Some(json!({"contentChanges": [{"range": null, "text": "a"}]})),
            ),
            (
                "textDocument/didChange",
                Some(json!({"contentChanges": [{"range": null, "rangeLength": -3, "text": "a"}]})),
                Some(json!({"contentChanges": [{"range": null, "text": "a"}]})),
            ),
            ("textDocument/didChange", Some(json!(null)), Some(json!(null))),
            ("textDocument/hover", Some(json!([])), Some(json!([]))),
        ] {
            let mut request = Request::build(method).id(1);
            if let Some(sent) = &sent {
                request = request.params(sent.clone());
            }
            let request = lenient(request.finish());
            assert_eq!((request.params(), request.id().is_some()), (read.as_ref(), true), "{method} {sent:?}");
        }
    }
}
