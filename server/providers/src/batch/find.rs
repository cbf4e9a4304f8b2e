//! Finds a batch that was sent before, when nobody knows whether it arrived. It leaves reading lists to each provider's file, and what to do
//! about several that fit to the caller.

use serde_json::Value;

use super::caller::Caller;
use super::state::Batch;
use super::wire::{BatchWire, Page, Upload};
use crate::error::{Kind, ProviderError};

/// Most pages of a list. A longer list is an error: half of it does not tell that a batch is not there.
const MOST_PAGES: usize = 50;
/// By how much the provider's clock may be behind ours, in seconds. A wide span costs a comparison, a narrow one a second batch.
const SLACK: u64 = 3600;

/// What is known of a batch whose id is not.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// Our name for it.
    pub name: &'a str,
    /// Its uploaded file, where there is one.
    pub file: Option<&'a str>,
    /// When it was sent at the earliest, in seconds since 1970 by our clock.
    pub since: u64,
    /// How many requests it has.
    pub requests: u64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// No batch. One that was sent a moment ago may still come.
    Nothing,
    /// The batch, by its name or its file.
    Batch(Box<Batch>),
    /// Batches that fit in time and size, the newest first: the provider keeps no names. Their results tell, since they have our ids.
    Perhaps(Vec<Batch>),
}

/// Looks for a batch.
pub(crate) async fn batch(caller: &Caller<'_>, api: &BatchWire, sought: &Sought<'_>) -> Result<Found, ProviderError> {
    let mut fitting = Vec::new();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let page = page(caller, api, api.list, cursor).await?;
        let batches: Vec<Batch> = page.items.iter().filter_map(api.read).collect();
        // A list of which nothing can be read tells nothing.
        if batches.is_empty() && !page.items.is_empty() {
            return Err(ProviderError::new(Kind::Malformed));
        }
        let is_old = |batch: &Batch| batch.created.is_some_and(|created| created < sought.since.saturating_sub(SLACK));
        let is_behind = api.newest_first && !batches.is_empty() && batches.iter().all(is_old);
        for batch in batches {
            if api.is_named && is_it(&batch, sought) {
                return Ok(Found::Batch(Box::new(batch)));
            }
            if !api.is_named && !is_old(&batch) && is_as_large(&batch, sought) {
                fitting.push(batch);
            }
        }
        cursor = page.next.filter(|_| !is_behind);
        if cursor.is_none() {
            return Ok(if fitting.is_empty() { Found::Nothing } else { Found::Perhaps(fitting) });
        }
    }
    Err(ProviderError::new(Kind::TooLarge))
}

/// Looks for an uploaded file by its name, and returns its id.
pub(crate) async fn file(
    caller: &Caller<'_>,
    api: &BatchWire,
    upload: &Upload,
    name: &str,
) -> Result<Option<String>, ProviderError> {
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let page = page(caller, api, upload.list, cursor).await?;
        let said = |file: &Value, key: &str| file.get(key).and_then(Value::as_str).map(str::to_owned);
        let found = page.items.iter().find(|file| said(file, "filename").as_deref() == Some(name));
        if let Some(id) = found.and_then(|file| said(file, "id")) {
            return Ok(Some(id));
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(None);
        }
    }
    Err(ProviderError::new(Kind::TooLarge))
}

/// A page of a list. An answer that is no list is an error, since it does not say that nothing is there.
async fn page(
    caller: &Caller<'_>,
    api: &BatchWire,
    path: fn(Option<&str>) -> String,
    cursor: Option<String>,
) -> Result<Page, ProviderError> {
    let told = caller.get(&path(cursor.as_deref())).await?;
    let is_list = told.is_array() || (told.is_object() && told.get("error").is_none_or(Value::is_null));
    match is_list {
        true => Ok((api.page)(&told, cursor.as_deref())),
        false => Err(ProviderError::in_stream(&told)),
    }
}

fn is_it(batch: &Batch, sought: &Sought<'_>) -> bool {
    let has_file = sought.file.is_some() && batch.file.as_deref() == sought.file;
    has_file || batch.name.as_deref() == Some(sought.name)
}

/// Whether a batch has as many requests, as far as its provider tells.
fn is_as_large(batch: &Batch, sought: &Sought<'_>) -> bool {
    batch.counts.is_none_or(|counts| counts.total == 0 || counts.total == sought.requests)
}
