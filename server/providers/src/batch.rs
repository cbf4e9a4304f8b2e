//! Batches: many requests to one model at once, for work that nobody waits for, at about half the price. A file for each provider's API, which
//! a row of the models names. It sends nothing twice: a call that failed is not repeated, and [`Batches::find`] tells whether it arrived.
//! It leaves keeping batches, waiting for them and their money to the caller.

use std::collections::BTreeMap;
use std::fmt;

use pennyworth_core::models::{BatchProtocol, Model};
use secrecy::SecretString;
use serde_json::Value;

use self::caller::{Caller, File, Lines};
use self::results::Gathered;
use self::wire::{BatchWire, Source, Start, Upload, refused};
use crate::answer::Expected;
use crate::client::Client;
use crate::error::{Kind, ProviderError};
use crate::request::Request;
use crate::whereabouts;

mod anthropic;
mod caller;
mod find;
mod gemini;
mod lines;
mod mistral;
mod openai;
mod openrouter;
mod plan;
mod results;
mod state;
mod wire;

pub use self::caller::BatchTimeouts;
pub use self::find::{Found, Sought};
pub use self::results::{BatchEnd, BatchResult, BatchResults};
pub use self::state::{Batch, BatchCounts, BatchState};

/// Most pages of results.
const MOST_PAGES: usize = 1000;

/// The batch API of a name.
fn api(protocol: BatchProtocol) -> &'static BatchWire {
    match protocol {
        BatchProtocol::Openai => &openai::OPENAI,
        BatchProtocol::Together => &openai::TOGETHER,
        BatchProtocol::Anthropic => &anthropic::ANTHROPIC,
        BatchProtocol::Gemini => &gemini::GEMINI,
        BatchProtocol::Mistral => &mistral::MISTRAL,
        BatchProtocol::Openrouter => &openrouter::OPENROUTER,
    }
}

/// A file with requests at the provider, of which a batch can be made. Both texts are to be kept until the batch has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The provider's name for the file.
    pub file: String,
    /// The path of its requests, as [`Batches::endpoint`] says it.
    pub endpoint: String,
}

/// The batches of one model.
pub struct Batches<'a> {
    api: &'static BatchWire,
    protocol: BatchProtocol,
    caller: Caller<'a>,
}

/// Shows neither key nor address.
impl fmt::Debug for Batches<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Batches");
        shown.field("model", &self.caller.model.name).field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl Client {
    /// The batches of a model; an error if its row names no batch API.
    pub fn batches<'a>(
        &'a self,
        model: &'a Model,
        key: Option<&'a SecretString>,
        timeouts: BatchTimeouts,
    ) -> Result<Batches<'a>, ProviderError> {
        let protocol = model.batch.ok_or_else(|| refused("no_batch_api"))?;
        Ok(Batches { api: api(protocol), protocol, caller: Caller { client: self, model, key, timeouts } })
    }
}

impl Batches<'_> {
    /// Whether the requests are uploaded as a file before: [`Batches::upload`], then [`Batches::submit_file`]. Otherwise [`Batches::submit`] is
    /// the only step.
    pub fn has_upload(&self) -> bool {
        self.upload_of().is_some()
    }

    /// The path of a request, as the provider names it in a batch.
    pub fn endpoint(&self, request: &Request) -> String {
        plan::endpoint(request)
    }

    /// Uploads requests with their own ids, under our name. This costs nothing.
    pub async fn upload(&self, name: &str, requests: &[(String, Request)]) -> Result<Uploaded, ProviderError> {
        let upload = self.upload_of().ok_or_else(|| refused("wrong_step"))?;
        let plan = plan::plan(self.caller.client, self.api, self.caller.model, name, requests)?;
        let content = plan::jsonl(&plan);
        self.check_size(content.len())?;
        whereabouts::check(self.caller.client, self.caller.model).await?;
        let named = file_name(name);
        let mut fields = upload.fields.to_vec();
        fields.extend(upload.name_field.map(|field| (field, named.as_str())));
        let file = File { name: &named, content: &content, fields };
        let told = self.caller.upload(upload.path, &file).await?;
        let id = told.get("id").and_then(Value::as_str).ok_or_else(|| untold(&told))?;
        Ok(Uploaded { file: id.to_owned(), endpoint: plan.endpoint })
    }

    /// Looks for an uploaded file of our name, for the time after an upload of which nobody knows whether it arrived; `None` if there is none.
    pub async fn find_upload(&self, name: &str) -> Result<Option<String>, ProviderError> {
        let upload = self.upload_of().ok_or_else(|| refused("wrong_step"))?;
        find::file(&self.caller, self.api, upload, &file_name(name)).await
    }

    /// Makes a batch of an uploaded file. An error that may be billed leaves open whether there is a batch: [`Batches::find`] tells.
    pub async fn submit_file(&self, name: &str, uploaded: &Uploaded) -> Result<Batch, ProviderError> {
        let upload = self.upload_of().ok_or_else(|| refused("wrong_step"))?;
        let post = (upload.submit)(name, &uploaded.file, &uploaded.endpoint);
        let told = self.caller.post(&post.path, post.body.to_string().into_bytes()).await?;
        self.read(&told)
    }

    /// Sends requests with their own ids as a batch, under our name where the provider keeps one. An error that may be billed leaves open whether
    /// there is a batch: [`Batches::find`] tells.
    pub async fn submit(&self, name: &str, requests: &[(String, Request)]) -> Result<Batch, ProviderError> {
        let Start::Inline(submit) = &self.api.start else { return Err(refused("wrong_step")) };
        let plan = plan::plan(self.caller.client, self.api, self.caller.model, name, requests)?;
        let post = submit(&plan)?;
        let body = post.body.to_string().into_bytes();
        self.check_size(body.len())?;
        whereabouts::check(self.caller.client, self.caller.model).await?;
        let told = self.caller.post(&post.path, body).await?;
        self.read(&told)
    }

    /// Looks for a batch that was sent before. After an error it is unknown whether there is one.
    pub async fn find(&self, sought: &Sought<'_>) -> Result<Found, ProviderError> {
        find::batch(&self.caller, self.api, sought).await
    }

    /// The batch as it is now. [`Kind::NotFound`] means that the provider has it no more.
    pub async fn poll(&self, id: &str) -> Result<Batch, ProviderError> {
        let told = self.caller.get(&(self.api.path)(id)).await?;
        self.read(&told)
    }

    /// Whether a batch can be cancelled.
    pub fn has_cancel(&self) -> bool {
        self.api.cancel.is_some()
    }

    /// Cancels a batch. Requests that run may still be answered and billed, so it is to be polled until it is over.
    pub async fn cancel(&self, id: &str) -> Result<(), ProviderError> {
        let path = self.api.cancel.ok_or_else(|| refused("no_cancel"))?;
        self.caller.order(&path(id)).await.map(drop)
    }

    /// Removes what the provider holds of a batch, as [`BatchResults::kept`] names it; the first error, after all were tried.
    pub async fn remove(&self, kept: &[String]) -> Result<(), ProviderError> {
        let mut failed = Ok(());
        for path in kept {
            failed = failed.and(self.caller.remove(path).await);
        }
        failed
    }

    /// Removes an uploaded file of which no batch will be made.
    pub async fn remove_upload(&self, file: &str) -> Result<(), ProviderError> {
        self.caller.remove(&openai::file(file)).await
    }

    /// The results of a batch for these requests. An error means that nothing could be read; what ended the reading later is in `broken`.
    pub async fn results(
        &self,
        id: &str,
        expected: &BTreeMap<String, Expected>,
    ) -> Result<BatchResults, ProviderError> {
        let told = self.caller.get(&(self.api.detail)(id)).await?;
        let batch = self.read(&told)?;
        let is_over = batch.state.is_over();
        let mut gathered = Gathered::new(self.api, self.protocol, batch, expected).kept((self.api.keeps)(&told));
        for source in (self.api.sources)(&told).into_iter().filter(|_| is_over) {
            let read = match source {
                Source::Inline(values) => {
                    values.iter().for_each(|value| gathered.value(value));
                    Ok(())
                }
                Source::File(path) => self.caller.lines(&path, |line| gathered.line(line)).await,
                Source::Pages(path) => self.pages(&path, &mut gathered).await,
            };
            if let Err(error) = read {
                gathered.broke(error);
            }
        }
        Ok(gathered.finish())
    }

    async fn pages(&self, path: &str, gathered: &mut Gathered<'_>) -> Result<(), ProviderError> {
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let behind = wire::parameter("cursor", cursor.as_deref()).replacen('&', "?", 1);
            let told = self.caller.get(&format!("{path}{behind}")).await?;
            let page = (self.api.page)(&told, cursor.as_deref());
            page.items.iter().for_each(|value| gathered.value(value));
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
        Err(ProviderError::new(Kind::TooLarge))
    }

    fn upload_of(&self) -> Option<&'static Upload> {
        match &self.api.start {
            Start::File(upload) => Some(upload),
            Start::Inline(_) => None,
        }
    }

    fn check_size(&self, bytes: usize) -> Result<(), ProviderError> {
        if bytes > self.api.most_bytes { Err(refused("batch_too_large")) } else { Ok(()) }
    }

    fn read(&self, told: &Value) -> Result<Batch, ProviderError> {
        let batch = (self.api.read)(told).ok_or_else(|| untold(told))?;
        Ok(batch.with_charges(self.caller.model.charges))
    }
}

/// Reads the results of a batch from what was received: the batch, and its files of results in their order.
pub fn decode_batch(
    protocol: BatchProtocol,
    told: &[u8],
    files: &[&[u8]],
    expected: &BTreeMap<String, Expected>,
) -> Result<BatchResults, ProviderError> {
    let api = api(protocol);
    let told: Value = serde_json::from_slice(told).map_err(|_| ProviderError::new(Kind::Malformed))?;
    let batch = (api.read)(&told).ok_or_else(|| untold(&told))?;
    let mut gathered = Gathered::new(api, protocol, batch, expected).kept((api.keeps)(&told));
    let mut files = files.iter();
    for source in (api.sources)(&told) {
        match source {
            Source::Inline(values) => values.iter().for_each(|value| gathered.value(value)),
            Source::File(_) | Source::Pages(_) => {
                let mut lines = Lines::default();
                let mut each = |line: Option<&[u8]>| gathered.line(line);
                let read = lines.push(files.next().copied().unwrap_or_default(), &mut each);
                lines.end(&mut each);
                read.unwrap_or_else(|error| gathered.broke(error));
            }
        }
    }
    Ok(gathered.finish())
}

/// The error for an answer that holds no batch.
fn untold(told: &Value) -> ProviderError {
    match told.get("error").is_some_and(|error| !error.is_null()) {
        true => ProviderError::in_stream(told),
        false => ProviderError::new(Kind::Malformed),
    }
}

/// The name of a file of requests.
fn file_name(name: &str) -> String {
    format!("{name}.jsonl")
}
