//! Messages about a notebook as messages about its cells, which are documents like any others: a cell that is opened, edited or closed with its
//! notebook reaches the same handlers. The message itself goes first, for the order of the cells. It leaves that order to its own handler.

use serde_json::{Value, json};
use tower_lsp::jsonrpc::Request;

const OPEN: &str = "textDocument/didOpen";
const CHANGE: &str = "textDocument/didChange";
const CLOSE: &str = "textDocument/didClose";

/// A message, and what it says about cells.
pub fn with_cells(request: Request) -> Vec<Request> {
    let params = request.params().cloned().unwrap_or_default();
    let all = |pointer: &str, message: fn(&Value) -> Request| -> Vec<Request> {
        params.pointer(pointer).and_then(Value::as_array).into_iter().flatten().map(message).collect()
    };
    let cells = match request.method() {
        "notebookDocument/didOpen" => all("/cellTextDocuments", opened),
        "notebookDocument/didChange" => [
            all("/change/cells/structure/didClose", closed),
            all("/change/cells/structure/didOpen", opened),
            all("/change/cells/textContent", changed),
        ]
        .concat(),
        "notebookDocument/didClose" => all("/cellTextDocuments", closed),
        _ => Vec::new(),
    };
    std::iter::once(request).chain(cells).collect()
}

fn opened(document: &Value) -> Request {
    Request::build(OPEN).params(json!({ "textDocument": document })).finish()
}

fn changed(content: &Value) -> Request {
    let changes = json!({ "textDocument": content.get("document"), "contentChanges": content.get("changes") });
    Request::build(CHANGE).params(changes).finish()
}

fn closed(document: &Value) -> Request {
    Request::build(CLOSE).params(json!({ "textDocument": document })).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_says_about_cells_is_said_to_each() {
        let document = |name: &str| json!({ "uri": name });
        let change = json!({ "cells": {
            "structure": { "array": {}, "didOpen": [document("d")], "didClose": [document("a")] },
            "textContent": [{ "document": document("b"), "changes": [{ "text": "x" }] }],
        }});
        for (method, params, expected) in [
            (
                "notebookDocument/didOpen",
                json!({ "cellTextDocuments": [document("a"), document("b")] }),
                "open a, open b",
            ),
            ("notebookDocument/didClose", json!({ "cellTextDocuments": [document("a")] }), "close a"),
            ("notebookDocument/didChange", json!({ "change": change }), "close a, open d, change b"),
            ("notebookDocument/didChange", json!({ "change": { "cells": 7 } }), ""),
            ("notebookDocument/didChange", json!(null), ""),
            ("textDocument/didOpen", json!({ "cellTextDocuments": [document("a")] }), ""),
        ] {
            let mut all = with_cells(Request::build(method).params(params).finish());
            assert_eq!(all.remove(0).method(), method);
            let said = |request: &Request| {
                let name = request.params().and_then(|params| params.pointer("/textDocument/uri")?.as_str());
                format!(
                    "{} {}",
                    request.method().trim_start_matches("textDocument/did").to_lowercase(),
                    name.unwrap_or("-")
                )
            };
            assert_eq!(all.iter().map(said).collect::<Vec<_>>().join(", "), expected, "{method}");
        }
    }
}
