//! Sends one span per model call to the collector at `telemetry.endpoint`, for teams that watch many machines. Off unless that is set. It
//! sends OTLP over HTTP, with the names of OpenTelemetry's conventions for generative AI (in development as of 2026-11, so only this file
//! uses them). It leaves batching and sending to the crates of OpenTelemetry, which have their own thread.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TracerProvider as _};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::span::CallSpan;

/// Longest time for sending a batch, including the last one when the program ends.
const PATIENCE: Duration = Duration::from_secs(2);
/// The path of spans below the collector's address.
const TRACES: &str = "/v1/traces";

/// Why this build sends no telemetry; it does.
pub const MISSING: Option<&str> = None;

/// A connection to a collector.
pub(super) struct Collector {
    endpoint: String,
    spans: SdkTracerProvider,
}

impl Collector {
    /// Connects to the collector at an address, such as `http://localhost:4318`. The error is a sentence for the user.
    pub(super) fn new(endpoint: &str) -> Result<Collector, String> {
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
        Ok(Collector { endpoint: endpoint.to_owned(), spans })
    }

    /// The collector's address.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sends a call that ended, without waiting. Spans that cannot be sent in time are dropped.
    pub(super) fn send(&self, call: &CallSpan<'_>) {
        let end = SystemTime::now();
        let mut span = SpanBuilder::from_name(format!("text_completion {}", call.model))
            .with_kind(SpanKind::Client)
            .with_start_time(end.checked_sub(call.total).unwrap_or(end))
            .with_attributes(attributes(call))
            .start(&self.spans.tracer("pennyworth"));
        if call.status == "failed" {
            span.set_status(Status::error(call.reason.unwrap_or_default().to_owned()));
        }
        span.end_with_timestamp(end);
    }
}

fn attributes(call: &CallSpan<'_>) -> Vec<KeyValue> {
    let count = |tokens: u64| Value::I64(i64::try_from(tokens).unwrap_or(i64::MAX));
    let mut all = vec![
        KeyValue::new("gen_ai.operation.name", "text_completion"),
        KeyValue::new("gen_ai.provider.name", call.provider.to_owned()),
        KeyValue::new("gen_ai.request.model", call.model.to_owned()),
        KeyValue::new("gen_ai.request.max_tokens", i64::from(call.max_tokens)),
        KeyValue::new("gen_ai.usage.input_tokens", count(call.input)),
        KeyValue::new("gen_ai.usage.cache_read.input_tokens", count(call.cached)),
        KeyValue::new("gen_ai.usage.output_tokens", count(call.output)),
        KeyValue::new("pennyworth.task", call.task.to_owned()),
        KeyValue::new("pennyworth.language", call.language.to_owned()),
        KeyValue::new("pennyworth.status", call.status.to_owned()),
        KeyValue::new("pennyworth.usage.estimated", call.estimated),
        KeyValue::new("pennyworth.cost_usd", call.cost),
    ];
    if let Some(finish) = &call.finish {
        let reasons = Value::Array(Array::String(vec![finish.clone().into()]));
        all.push(KeyValue::new("gen_ai.response.finish_reasons", reasons));
    }
    if let Some(first) = call.first {
        all.push(KeyValue::new("gen_ai.response.time_to_first_chunk", first.as_secs_f64()));
    }
    match call.reason {
        Some(reason) if call.status == "failed" => all.push(KeyValue::new("error.type", reason.to_owned())),
        Some(reason) => all.push(KeyValue::new("pennyworth.rejected", reason.to_owned())),
        None => {}
    }
    all
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Spans not sent by then are lost; the ledger still has the calls.
        let _ = self.spans.shutdown_with_timeout(PATIENCE);
    }
}
