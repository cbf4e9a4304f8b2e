//! The calls of each batch API and their answers. It leaves what a call must have to `rules`, and the form of a batch to `batch`.

use serde_json::{Value, json};

use super::batch::shape;
use super::lines::lines;
use super::rules::{self, Sent};
use super::state::{Api, Course, Progress, State, Step, Taken, take};

/// A status, a type and a body.
type Whole = (u16, &'static str, Vec<u8>);
/// A status and what is wrong.
type Refusal = (u16, String);

/// Batches or results of a page.
const PER_PAGE: usize = 100;

/// The step that a call is; `None` if there is nothing at its path.
pub(super) fn step(api: Api, sent: &Sent) -> Option<Step> {
    let (method, path, _) = parts(&sent.line);
    let path: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    Some(match (api, method, path.as_slice()) {
        (Api::Openai, "POST", ["files"]) | (Api::Together, "POST", ["files", "upload"]) => Step::Upload,
        (Api::Openai | Api::Together, "GET", ["files"]) => Step::Files,
        (Api::Openai | Api::Together | Api::Mistral, "GET", ["files", _, "content"]) => Step::Results,
        (Api::Openai | Api::Together | Api::Openrouter, "POST", ["batches"]) => Step::Submit,
        (Api::Openai | Api::Together | Api::Openrouter | Api::Gemini, "GET", ["batches"]) => Step::List,
        (Api::Openai | Api::Together, "GET", ["batches", _]) => Step::Poll,
        (Api::Openai | Api::Together, "POST", ["batches", _, "cancel"]) => Step::Cancel,
        (Api::Anthropic, "POST", ["messages", "batches"]) => Step::Submit,
        (Api::Anthropic, "GET", ["messages", "batches"]) => Step::List,
        (Api::Anthropic, "GET", ["messages", "batches", _]) => Step::Poll,
        (Api::Anthropic, "GET", ["messages", "batches", _, "results"]) => Step::Results,
        (Api::Anthropic, "POST", ["messages", "batches", _, "cancel"]) => Step::Cancel,
        (Api::Gemini, "POST", ["models", model]) if model.ends_with(":batchGenerateContent") => Step::Submit,
        (Api::Gemini | Api::Openrouter, "GET", ["batches", _]) => Step::Poll,
        (Api::Gemini, "POST", ["batches", id]) if id.ends_with(":cancel") => Step::Cancel,
        (Api::Openrouter, "GET", ["batches", _, "results"]) => Step::Results,
        (Api::Mistral, "POST", ["batch", "jobs"]) => Step::Submit,
        (Api::Mistral, "GET", ["batch", "jobs"]) => Step::List,
        (Api::Mistral, "GET", ["batch", "jobs", _]) => Step::Poll,
        (Api::Mistral, "POST", ["batch", "jobs", _, "cancel"]) => Step::Cancel,
        (Api::Openai | Api::Together | Api::Mistral, "DELETE", ["files", _])
        | (Api::Anthropic, "DELETE", ["messages", "batches", _])
        | (Api::Gemini | Api::Openrouter, "DELETE", ["batches", _])
        | (Api::Mistral, "DELETE", ["batch", "jobs", _]) => Step::Remove,
        _ => return None,
    })
}

/// Method, path and query.
fn parts(line: &str) -> (&str, &str, &str) {
    let (method, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (method, path, query)
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Does what a call asks for, and answers.
pub(super) fn answer(state: &mut State, step: Step, sent: &Sent) -> Result<Whole, Refusal> {
    let (_, path, query) = parts(&sent.line);
    let api = state.api;
    let bad = |why: String| (400, why);
    match step {
        Step::Upload => {
            let (name, requests) = rules::upload(api, sent).map_err(bad)?;
            state.bodies.extend(requests.iter().map(|(_, body)| body.clone()));
            let id = state.name("file-");
            state.files.push((id.clone(), name.clone(), requests));
            Ok(json_of(200, &json!({"id": id, "object": "file", "filename": name, "purpose": "batch"})))
        }
        Step::Files => {
            let files = state.files.iter().rev().map(|(id, name, _)| json!({"id": id, "filename": name}));
            Ok(json_of(200, &json!({"object": "list", "data": files.collect::<Vec<_>>(), "has_more": false})))
        }
        Step::Submit => submit(state, sent),
        Step::List => Ok(json_of(200, &list(state, query))),
        Step::Poll => {
            let batch = named(state, path)?;
            Ok(json_of(200, &shape(api, &state.course, &batch, query.contains("inline=true"))))
        }
        Step::Results => results(state, path, query),
        Step::Remove => remove(state, path),
        Step::Cancel => {
            let batch = named(state, path)?;
            let found = state.batches.iter_mut().find(|other| other.id == batch.id && other.progress != Progress::Over);
            let found = found.ok_or((409, "it is over".to_owned()))?;
            found.progress = Progress::Cancelling;
            let found = found.clone();
            match api {
                Api::Gemini => Ok(json_of(200, &json!({}))),
                _ => Ok(json_of(200, &shape(api, &state.course, &found, false))),
            }
        }
    }
}

fn json_of(status: u16, value: &Value) -> Whole {
    (status, "application/json", value.to_string().into_bytes())
}

/// The batch in a path.
fn named(state: &State, path: &str) -> Result<Taken, Refusal> {
    let is_named = |batch: &&Taken| path.split(['/', ':']).any(|part| part == batch.id.trim_start_matches("batches/"));
    state.batches.iter().find(is_named).cloned().ok_or((404, "no such batch".to_owned()))
}

fn submit(state: &mut State, sent: &Sent) -> Result<Whole, Refusal> {
    let (name, file, mut requests) = rules::order(state.api, sent).map_err(|why| (400, why))?;
    state.bodies.extend(requests.iter().map(|(_, body)| body.clone()));
    if let Some(file) = &file {
        let found = state.files.iter().find(|(id, _, _)| id == file);
        requests = found.map(|(_, _, requests)| requests.clone()).ok_or((400, "no such file".to_owned()))?;
    }
    let name = name.filter(|_| state.api != Api::Together);
    let batch = take(state, name, file, requests);
    state.bill.batches += 1;
    let shaped = shape(state.api, &state.course, &batch, false);
    Ok(match state.api {
        Api::Together => json_of(200, &json!({"job": shaped, "warning": ""})),
        Api::Openrouter => json_of(202, &shaped),
        _ => json_of(200, &shaped),
    })
}

/// Removes a file, or a batch that is over.
fn remove(state: &mut State, path: &str) -> Result<Whole, Refusal> {
    if let Some((_, file)) = path.split_once("/files/") {
        let of_batch = file.split_once('-').map(|(_, id)| id);
        let is_result = state.batches.iter().any(|batch| Some(batch.id.as_str()) == of_batch);
        let is_upload = state.files.iter().any(|(id, _, _)| id == file);
        state.files.retain(|(id, _, _)| id != file);
        return match (is_upload || is_result) && state.removed.insert(file.to_owned()) {
            true => Ok(json_of(200, &json!({"id": file, "deleted": true}))),
            false => Err((404, "no such file".to_owned())),
        };
    }
    let batch = named(state, path)?;
    if batch.progress != Progress::Over {
        return Err((409, "it is not over".to_owned()));
    }
    state.batches.retain(|other| other.id != batch.id);
    Ok((204, "application/json", Vec::new()))
}

/// A page of the list, the newest first.
fn list(state: &State, query: &str) -> Value {
    let cursor = ["after", "after_id", "pageToken"].iter().find_map(|name| parameter(query, name));
    let all: Vec<&Taken> = state.batches.iter().rev().collect();
    let number = parameter(query, "page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(0);
    let behind = |batch: &&Taken| cursor.is_some_and(|id| id == batch.id.replace('/', "%2F"));
    let start = all.iter().position(behind).map_or(number * PER_PAGE, |at| at + 1);
    let has_more = all.len() > start + PER_PAGE;
    // Together's list has no pages.
    let most = if state.api == Api::Together { usize::MAX } else { PER_PAGE };
    let page: Vec<&Taken> = all.into_iter().skip(start).take(most).collect();
    let last = page.last().map(|batch| batch.id.clone());
    let shaped: Vec<Value> = page
        .into_iter()
        .map(|batch| {
            // A list holds no results.
            let course = Course { is_apart: true, ..state.course.clone() };
            shape(state.api, &course, batch, false)
        })
        .collect();
    match state.api {
        Api::Together => Value::Array(shaped),
        Api::Gemini if has_more => json!({"operations": shaped, "nextPageToken": last}),
        Api::Gemini => json!({ "operations": shaped }),
        Api::Mistral => json!({"object": "list", "data": shaped, "total": state.batches.len()}),
        _ => json!({"object": "list", "data": shaped, "has_more": has_more, "last_id": last}),
    }
}

/// A file or a page of results.
fn results(state: &State, path: &str, query: &str) -> Result<Whole, Refusal> {
    let (course, api) = (&state.course, state.api);
    let is_of = |batch: &&Taken| path.contains(&format!("-{}/", batch.id)) || path.contains(&format!("/{}/", batch.id));
    let batch = state.batches.iter().find(|batch| is_of(batch) && batch.progress == Progress::Over);
    let is_removed = path.split('/').any(|part| state.removed.contains(part));
    let batch = batch.filter(|_| !is_removed).ok_or((404, "no such file".to_owned()))?;
    let wants = |line: &Value| match path.contains("errors-") {
        true => line.get("response").is_none_or(Value::is_null),
        false => api == Api::Anthropic || api == Api::Openrouter || !line["response"].is_null(),
    };
    let mut lines: Vec<Value> = lines(api, course, batch);
    lines.retain(|line| wants(line));
    if api == Api::Openrouter {
        let start = parameter(query, "cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let page: Vec<Value> = lines.iter().skip(start).take(2).cloned().collect();
        let has_more = lines.len() > start + 2;
        let next = has_more.then(|| (start + 2).to_string());
        return Ok(json_of(200, &json!({"object": "list", "data": page, "has_more": has_more, "next_cursor": next})));
    }
    let end = if course.is_messy { "\r\n\r\n" } else { "\n" };
    let mut text: String = lines.iter().map(|line| format!("{line}{end}")).collect();
    if course.is_messy {
        text.push_str(r#"{"custom_id":"a","resu"#);
    }
    Ok((200, "application/jsonl", text.into_bytes()))
}
