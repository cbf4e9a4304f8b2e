//! The error that a refusal is: an answer without a success status, or an error inside a stream that began well.
//! It leaves which answer means what to `table`, pauses to `pause`, and lengths to `context`.

use serde_json::Value;

use crate::error::{Kind, Next, ProviderError};

mod context;
mod pause;
mod table;
mod words;

pub(crate) use pause::asked;
pub(crate) use table::{Answered, Page};
use words::number;

impl ProviderError {
    /// The error for an answer without a success status.
    pub(crate) fn answer(answered: &Answered<'_>) -> ProviderError {
        let kind = table::kind(answered);
        let mut error =
            ProviderError { status: Some(answered.status), code: code(answered.body), ..ProviderError::new(kind) };
        if let Next::RetryAfter(given) = &mut error.next {
            *given = answered.pause.or_else(|| pause::in_body(answered.body, answered.now)).and_then(pause::sensible);
        }
        // A page about a path says little of the others, unless it comes again and again.
        if kind == Kind::NotFound && answered.page != Page::None {
            error.next = Next::NextModel;
        }
        if kind == Kind::TooLong {
            error.lengths = Some(context::lengths(answered.body));
        }
        error
    }

    /// An error inside a stream that began well. Its code may be a status; otherwise the provider failed.
    pub(crate) fn in_stream(body: &Value) -> ProviderError {
        let said = ["/error/code", "/error/status", "/code"].iter().find_map(|at| number(body.pointer(at)?));
        let status = said.and_then(|status| u16::try_from(status).ok()).filter(|status| (400..600).contains(status));
        let error = ProviderError::answer(&Answered::new(status.unwrap_or(table::NO_STATUS), body));
        match status {
            Some(_) => error,
            None => ProviderError { status: None, ..error },
        }
    }
}

/// The provider's code for an error: `code`, else `type`, else `status`. Only a plain word is kept, since messages may quote the prompt;
/// a number there only repeats the status.
fn code(body: &Value) -> Option<String> {
    let error = body.get("error").unwrap_or(body);
    let plain = |word: &&str| {
        word.len() <= 64
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
            && word.bytes().any(|b| b.is_ascii_alphabetic())
    };
    ["code", "type", "status"].iter().find_map(|key| error.get(key)?.as_str().filter(plain)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Pace;
    use serde_json::json;

    fn error(status: u16, body: &Value, pause: Option<Duration>) -> ProviderError {
        ProviderError::answer(&Answered { pause, ..Answered::new(status, body) })
    }

    #[test]
    fn a_code_is_kept_only_as_a_plain_word() {
        let said = error(422, &json!({"error": {"code": "fn secret() {}", "message": "SECRET"}}), None);
        assert_eq!(said.to_string(), "the provider refuses the request (HTTP 422)");
        let said = error(429, &json!({"error": {"code": "insufficient_quota"}}), Some(Duration::MAX));
        assert_eq!((said.kind, said.next), (Kind::Budget, Next::Rest(Pace::Budget)));
    }
}
