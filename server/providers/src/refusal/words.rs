//! The words of an error's body, wherever its provider puts them. It leaves what they mean to the other files here.

use serde_json::Value;

/// A number, which some providers write as a text.
pub(super) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The error in a body: most servers' `error`, DeepInfra's `detail`, or the body itself.
fn error(body: &Value) -> &Value {
    body.get("error").or_else(|| body.get("detail").filter(|detail| detail.is_object())).unwrap_or(body)
}

/// The message of an error, in lower case.
pub(super) fn message(body: &Value) -> String {
    let error = error(body);
    let text = |value: &Value| value.as_str().map(str::to_ascii_lowercase);
    let told = ["message", "detail", "msg", "error", "details"].iter().find_map(|key| text(error.get(key)?));
    text(error).or(told).unwrap_or_default()
}

/// All that an error says in words, in lower case: message, a firewall's fields, codes, and the names of violated quotas.
pub(super) fn said(body: &Value) -> String {
    let error = error(body);
    let mut said = message(body);
    let quotas = error.get("details").and_then(Value::as_array).into_iter().flatten();
    let quotas = quotas.filter_map(|detail| detail.get("violations")?.as_array()).flatten();
    let quotas = quotas.flat_map(|quota| ["quotaId", "quotaMetric"].map(|key| quota.get(key)));
    let reasons =
        error.get("details").and_then(Value::as_array).into_iter().flatten().map(|detail| detail.get("reason"));
    let codes = ["code", "type", "status"].into_iter().map(|key| error.get(key));
    let fields = ["cloudflare_error", "ray_id"].into_iter().filter(|field| body.get(field).is_some());
    for word in fields {
        said.push(' ');
        said.push_str(word);
    }
    for word in codes.chain(quotas).chain(reasons).flatten().filter_map(Value::as_str) {
        said.push(' ');
        said.push_str(&word.to_ascii_lowercase());
    }
    said
}
