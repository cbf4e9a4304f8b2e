//! Accepts messages that break the protocol but can mean only one thing: parameters of methods that take none, and invalid numbers. It leaves reading a message to its handler.

use serde_json::{Map, Value, json};
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
    ("initialize", |params| with_number(params, "/processId", Value::Null).map(introduction)),
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

/// How a part of a client's introduction is read; `None` if it is not what it should be.
type Part = fn(&Value) -> Option<Value>;

/// The capabilities that this server looks at. One slip among the others, or in one of these, is no reason to refuse a client.
const CAPABILITIES: [(&str, Part); 15] = [
    ("/general/positionEncodings", |found| all(found, Value::is_string)),
    ("/textDocument/inlineCompletion", an_object),
    ("/textDocument/publishDiagnostics", an_object),
    ("/textDocument/codeAction/disabledSupport", a_flag),
    ("/textDocument/codeAction/tagSupport/valueSet", |found| all(found, |tag| tag.as_i64() == Some(1))),
    ("/textDocument/completion/completionItem/snippetSupport", a_flag),
    ("/textDocument/completion/completionItem/insertTextModeSupport/valueSet", |found| {
        all(found, |mode| matches!(mode.as_i64(), Some(1 | 2)))
    }),
    ("/notebookDocument/synchronization", an_object),
    ("/window/workDoneProgress", a_flag),
    ("/workspace/applyEdit", a_flag),
    ("/workspace/configuration", a_flag),
    ("/workspace/didChangeConfiguration/dynamicRegistration", a_flag),
    ("/workspace/didChangeWatchedFiles/dynamicRegistration", a_flag),
    ("/workspace/workspaceEdit/documentChanges", a_flag),
    ("/workspace/workspaceEdit/resourceOperations", |found| all(found, |operation| operation == "create")),
];

fn a_flag(found: &Value) -> Option<Value> {
    found.as_bool().map(Value::from)
}

fn an_object(found: &Value) -> Option<Value> {
    found.is_object().then(|| Value::Object(Map::new()))
}

/// The items of a list that are as they should be.
fn all(found: &Value, is_right: fn(&Value) -> bool) -> Option<Value> {
    Some(found.as_array()?.iter().filter(|item| is_right(item)).cloned().collect())
}

/// The parameters of `initialize`: what this server looks at, without what does not parse.
fn introduction(params: Value) -> Value {
    let mut read = json!({ "capabilities": {}, "rootUri": null });
    let mut put = |at: &str, value: Value| {
        let mut into = &mut read;
        for name in at.split('/').skip(1) {
            if !into.is_object() {
                *into = Value::Object(Map::new());
            }
            into = &mut into[name];
        }
        *into = value;
    };
    for (at, part) in CAPABILITIES {
        let at = format!("/capabilities{at}");
        if let Some(found) = params.pointer(&at).and_then(part) {
            put(&at, found);
        }
    }
    for at in ["/processId", "/initializationOptions"] {
        if let Some(found) = params.pointer(at) {
            put(at, found.clone());
        }
    }
    for at in ["/rootUri", "/rootPath", "/clientInfo/name", "/clientInfo/version"] {
        if let Some(found) = params.pointer(at).filter(|found| found.is_string()) {
            put(at, found.clone());
        }
    }
    // A name is needed to read the rest.
    if params.pointer("/clientInfo/name").is_none_or(|name| !name.is_string()) {
        put("/clientInfo", Value::Null);
    }
    if let Some(folders) = params.get("workspaceFolders").and_then(Value::as_array) {
        let uris = folders.iter().filter_map(|folder| folder.get("uri")?.as_str());
        put("/workspaceFolders", uris.map(|uri| json!({ "uri": uri, "name": "" })).collect());
    }
    read
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
    use tower_lsp::gen_lsp_types::InitializeParams;

    use super::*;
    use crate::wire::editor::Editor;

    /// A client with one slip is the client that it would be without it.
    #[test]
    fn one_slip_in_an_introduction_does_not_refuse_the_client() {
        let introduced = |params: Value| -> Editor {
            let request = lenient(Request::build("initialize").id(1).params(params.clone()).finish());
            let read = serde_json::from_value::<InitializeParams>(request.params().unwrap().clone());
            Editor::of(&read.unwrap_or_else(|error| panic!("{params}: {error}")))
        };
        let all = json!({"processId": 7, "rootUri": "file:///r", "clientInfo": {"name": "Neovim", "version": "1"}, "initializationOptions": {"a": 1},
            "workspaceFolders": [{"uri": "file:///w", "name": "w"}],
            "capabilities": {
                "general": {"positionEncodings": ["utf-8", "utf-16"]}, "window": {"workDoneProgress": true},
                "notebookDocument": {"synchronization": {}},
                "workspace": {"configuration": true, "applyEdit": true, "workspaceEdit": {"documentChanges": true},
                    "didChangeWatchedFiles": {"dynamicRegistration": true}, "didChangeConfiguration": {"dynamicRegistration": true}},
                "textDocument": {"inlineCompletion": {},
                    "completion": {"completionItem": {"snippetSupport": true, "insertTextModeSupport": {"valueSet": [1]}}}}}});
        let expected = format!("{:?}", introduced(all.clone()));
        for (at, slip) in [
            ("/capabilities/textDocument/codeAction", json!({"codeActionLiteralSupport": {}})),
            ("/capabilities/textDocument/semanticTokens", json!({})),
            ("/capabilities/textDocument/completion/completionItem/tagSupport", json!(true)),
            ("/capabilities/workspace/workspaceEdit/failureHandling", json!(3)),
            ("/capabilities/general/regularExpressions", json!({})),
            ("/clientInfo/version", json!(1)),
            ("/locale", json!(3)),
            ("/trace", json!("on")),
            ("/rootPath", json!(3)),
            ("/workspaceFolders/0", json!({"uri": "file:///w"})),
        ] {
            let mut params = all.clone();
            let (parent, name) = at.rsplit_once('/').unwrap();
            match params.pointer_mut(parent) {
                Some(Value::Array(items)) => items[0] = slip,
                Some(parent) => parent[name] = slip,
                None => panic!("{at}"),
            }
            assert_eq!(format!("{:?}", introduced(params)), expected, "{at}");
        }
        for params in [
            json!({}),
            json!({"processId": 1_u64 << 40, "capabilities": null, "clientInfo": {"version": "1"}, "workspaceFolders": {}}),
            json!({"processId": "7", "capabilities": {"textDocument": {"inlineCompletion": false}}, "rootUri": false}),
            json!({"capabilities": {"general": {"positionEncodings": "utf-8"}, "workspace": {"didChangeWatchedFiles": true}}}),
        ] {
            let editor = introduced(params.clone());
            assert!(editor.process_id.is_none() && !editor.inline && editor.folders.is_empty(), "{params}");
        }
        assert_eq!(introduced(json!({"processId": -7})).process_id, Some(-7));
    }

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
