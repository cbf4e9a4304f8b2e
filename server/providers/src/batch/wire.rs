//! What a batch API is: the few things in which they differ, as one value of [`BatchWire`] each. It leaves calling them to `caller`, and
//! what an answer says to the file of the requests' protocol.

use pennyworth_core::models::Model;
use serde_json::{Map, Value};

use super::state::Batch;
use crate::error::{Kind, ProviderError};

/// A batch API.
pub(crate) struct BatchWire {
    /// How a batch begins.
    pub(crate) start: Start,
    /// Most requests of a batch.
    pub(crate) most_requests: usize,
    /// Most bytes of its requests.
    pub(crate) most_bytes: usize,
    /// Most tokens of all its answers together, where a result that is too large cannot be fetched.
    pub(crate) most_output: Option<u64>,
    /// Reads a batch from any answer that holds one.
    pub(crate) read: fn(&Value) -> Option<Batch>,
    /// The path of a batch.
    pub(crate) path: fn(&str) -> String,
    /// The path of a batch with its results, or with what says where they are.
    pub(crate) detail: fn(&str) -> String,
    /// The path that cancels it; `None` where nothing does.
    pub(crate) cancel: Option<fn(&str) -> String>,
    /// The path of a page of the list of batches, behind a cursor.
    pub(crate) list: fn(Option<&str>) -> String,
    /// Reads such a page, or one of results, behind the cursor it came for.
    pub(crate) page: fn(&Value, Option<&str>) -> Page,
    /// Whether the list begins with the newest batch.
    pub(crate) newest_first: bool,
    /// Whether a batch can be told from others: by our name or by its file.
    pub(crate) is_named: bool,
    /// Where the results of a batch are, from its detail.
    pub(crate) sources: fn(&Value) -> Vec<Source>,
    /// The paths of what holds our requests and its results, from its detail: each is removed by `DELETE` once the batch is over.
    pub(crate) keeps: fn(&Value) -> Vec<String>,
    /// Reads one result; `None` if it names no request.
    pub(crate) line: fn(&Value) -> Option<Line>,
}

/// How a batch begins.
pub(crate) enum Start {
    /// With its requests, in one call.
    Inline(fn(&Plan<'_>) -> Result<Post, ProviderError>),
    /// With a file that is uploaded before.
    File(Upload),
}

/// How a file is uploaded, and a batch made of it.
pub(crate) struct Upload {
    /// The path of an upload.
    pub(crate) path: &'static str,
    /// The fields beside the file.
    pub(crate) fields: &'static [(&'static str, &'static str)],
    /// The field for the file's name, where it is not read from the file's own part.
    pub(crate) name_field: Option<&'static str>,
    /// The path of a page of the list of files, behind a cursor.
    pub(crate) list: fn(Option<&str>) -> String,
    /// Makes a batch of a file: our name, the file and the endpoint of its requests.
    pub(crate) submit: fn(&str, &str, &str) -> Post,
}

/// A path and what is posted there.
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// A batch before it is sent.
pub(crate) struct Plan<'a> {
    /// Our name for it.
    pub(crate) name: &'a str,
    /// The model of all its requests.
    pub(crate) model: &'a Model,
    /// The path of its requests, as the provider writes it.
    pub(crate) endpoint: String,
    /// The body of each request, by its own id.
    pub(crate) lines: Vec<(String, Map<String, Value>)>,
}

/// A page of a list.
#[derive(Default)]
pub(crate) struct Page {
    /// Its items.
    pub(crate) items: Vec<Value>,
    /// The cursor of the next one; `None` if this is the last.
    pub(crate) next: Option<String>,
}

/// Where results are.
#[derive(Debug)]
pub(crate) enum Source {
    /// In what was read already.
    Inline(Vec<Value>),
    /// In a file, one result a line.
    File(String),
    /// In pages, each behind the cursor of the one before.
    Pages(String),
}

/// One result.
pub(crate) struct Line {
    pub(crate) custom_id: String,
    pub(crate) end: LineEnd,
}

/// How one request ended, as the provider tells it.
pub(crate) enum LineEnd {
    /// With an answer, as the request alone would have had it.
    Answer(Value),
    /// With an error, and the body that says so, which may hold a bill.
    Error(ProviderError, Value),
    /// It was not begun in time.
    Expired,
    /// It was cancelled.
    Cancelled,
}

/// An id of a batch or a file as a part of a path, or a cursor as a parameter: it changes neither the path nor the parameters around it.
pub(crate) fn safe(id: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    // A name of dots alone leads to another folder.
    if id.bytes().all(|byte| byte == b'.') {
        return "-".to_owned();
    }
    let encoded = id.bytes().take(512).map(|byte| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// A parameter of a list; empty without a value.
pub(crate) fn parameter(name: &str, value: Option<&str>) -> String {
    value.map(|value| format!("&{name}={}", safe(value))).unwrap_or_default()
}

/// The items of an array in a field.
pub(crate) fn items(value: &Value, at: &str) -> Vec<Value> {
    value.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The error of a batch that is not sent, with what is wrong with it.
pub(crate) fn refused(why: &str) -> ProviderError {
    ProviderError { code: Some(why.to_owned()), ..ProviderError::new(Kind::Refused) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leads_to_another_path() {
        for (id, expected) in [
            ("batch_1-a", "batch_1-a"),
            ("..", "-"),
            ("", "-"),
            ("../files/x?a=b&c", "..%2Ffiles%2Fx%3Fa%3Db%26c"),
            ("a=/+", "a%3D%2F%2B"),
            ("é", "%C3%A9"),
        ] {
            assert_eq!(safe(id), expected);
        }
    }
}
