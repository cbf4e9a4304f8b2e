//! Messages that the client shows to its user. It leaves deciding what to show to others.

use tower_lsp::Client;
use tower_lsp::gen_lsp_types::MessageType;

/// Most characters of a message: what is wrong may repeat text of any length.
const MAX_CHARS: usize = 1000;

/// A text of at most so many characters; three dots stand for the rest.
pub fn bounded(text: String, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text,
        Some(_) => text.chars().take(max_chars.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Shows a message without waiting for the client.
pub fn show(client: &Client, kind: MessageType, message: String) {
    let message = bounded(message, MAX_CHARS);
    let client = client.clone();
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move { client.show_message(kind, message).await });
    }
}

/// Logs a warning and shows it.
pub fn warn(client: &Client, warning: &str) {
    tracing::warn!("{warning}");
    show(client, MessageType::Warning, format!("Pennyworth: {warning}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_becomes_one_that_can_be_shown() {
        assert_eq!(bounded("äö".into(), 2), "äö");
        assert_eq!(bounded("äöü".into(), 2), "ä…");
        assert_eq!(bounded("x".repeat(1 << 20), MAX_CHARS).chars().count(), MAX_CHARS);
    }
}
