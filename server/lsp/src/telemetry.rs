//! A span for each model call, sent to a collector the user names, for teams that watch many machines: OTLP over HTTP, with the names of
//! OpenTelemetry's conventions for generative AI (in development as of 2026-11, which is why they stand in this file alone). It holds what the
//! ledger holds: names, counts, times and cost; never code, never prompts. Off unless `telemetry.endpoint` is set.
//! It leaves collecting spans and sending them to the crates of OpenTelemetry, on a thread of theirs.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TracerProvider as _};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;

/// Longest that a collector may take for a batch, and the end of the program for the last one.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where below its address a collector takes spans.
const TRACES: &str = "/v1/traces";

/// A way to a collector.
pub struct Telemetry {
    endpoint: String,
    spans: SdkTracerProvider,
}

/// What is said of a call.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    /// The provider's host.
    pub(crate) provider: &'a str,
    /// The model's name in tables.
    pub(crate) model: &'a str,
    /// What was asked for.
    pub(crate) task: &'a str,
    /// The language's name.
    pub(crate) language: &'a str,
    /// The output ceiling.
    pub(crate) max_tokens: u32,
    /// Input tokens, those read from the cache among them.
    pub(crate) input: u64,
    /// Input tokens read from the cache.
    pub(crate) cached: u64,
    /// Output tokens.
    pub(crate) output: u64,
    /// Whether the counts are estimates.
    pub(crate) estimated: bool,
    /// What it cost, in USD.
    pub(crate) cost: f64,
    /// Why the answer ended, if it did.
    pub(crate) finish: Option<String>,
    /// What became of the call, in the ledger's word.
    pub(crate) status: &'a str,
    /// Why it failed, or why its answer is not shown.
    pub(crate) reason: Option<&'a str>,
    /// How long it took to the first text.
    pub(crate) first: Option<Duration>,
    /// How long it took.
    pub(crate) total: Duration,
}

impl Telemetry {
    /// For the collector at an address, such as `http://localhost:4318`. An error is a sentence.
    pub fn new(endpoint: &str) -> Result<Telemetry, String> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(format!("{}{TRACES}", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| format!("telemetry cannot be sent: {error}"))?;
        let resource = Resource::builder_empty()
            .with_service_name("pennyworth")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let spans = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Telemetry { endpoint: endpoint.to_owned(), spans })
    }

    /// The collector's address.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A call ended. Does not wait: what cannot be sent in time is dropped.
    pub(crate) fn call(&self, said: &Said<'_>) {
        let end = SystemTime::now();
        let mut span = SpanBuilder::from_name(format!("text_completion {}", said.model))
            .with_kind(SpanKind::Client)
            .with_start_time(end.checked_sub(said.total).unwrap_or(end))
            .with_attributes(attributes(said))
            .start(&self.spans.tracer("pennyworth"));
        if said.status == "failed" {
            span.set_status(Status::error(said.reason.unwrap_or_default().to_owned()));
        }
        span.end_with_timestamp(end);
    }
}

fn attributes(said: &Said<'_>) -> Vec<KeyValue> {
    let count = |tokens: u64| Value::I64(i64::try_from(tokens).unwrap_or(i64::MAX));
    let mut all = vec![
        KeyValue::new("gen_ai.operation.name", "text_completion"),
        KeyValue::new("gen_ai.provider.name", said.provider.to_owned()),
        KeyValue::new("gen_ai.request.model", said.model.to_owned()),
        KeyValue::new("gen_ai.request.max_tokens", i64::from(said.max_tokens)),
        KeyValue::new("gen_ai.usage.input_tokens", count(said.input)),
        KeyValue::new("gen_ai.usage.cache_read.input_tokens", count(said.cached)),
        KeyValue::new("gen_ai.usage.output_tokens", count(said.output)),
        KeyValue::new("pennyworth.task", said.task.to_owned()),
        KeyValue::new("pennyworth.language", said.language.to_owned()),
        KeyValue::new("pennyworth.status", said.status.to_owned()),
        KeyValue::new("pennyworth.usage.estimated", said.estimated),
        KeyValue::new("pennyworth.cost_usd", said.cost),
    ];
    if let Some(finish) = &said.finish {
        let reasons = Value::Array(Array::String(vec![finish.clone().into()]));
        all.push(KeyValue::new("gen_ai.response.finish_reasons", reasons));
    }
    if let Some(first) = said.first {
        all.push(KeyValue::new("gen_ai.response.time_to_first_chunk", first.as_secs_f64()));
    }
    match said.reason {
        Some(reason) if said.status == "failed" => all.push(KeyValue::new("error.type", reason.to_owned())),
        Some(reason) => all.push(KeyValue::new("pennyworth.rejected", reason.to_owned())),
        None => {}
    }
    all
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // What a collector does not take by then is lost; the ledger has it.
        let _ = self.spans.shutdown_with_timeout(PATIENCE);
    }
}
