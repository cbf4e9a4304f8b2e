//! Tells a user who asked with a key why nothing is shown: `$/pennyworth/nothing`. Editors that have a place for a short text show it there;
//! others ignore it. It leaves the reasons to `complete`.

use serde::{Deserialize, Serialize};
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{LspNotificationMethod, MessageDirection, Notification, Uri};

use crate::wire::messages;

/// Longest reason, in characters: it is for a line of a status bar.
const MAX_CHARS: usize = 300;

/// The notification `$/pennyworth/nothing`.
enum NothingNotification {}

impl Notification for NothingNotification {
    type Params = Nothing;
    const MESSAGE_DIRECTION: MessageDirection = MessageDirection::ServerToClient;
    const METHOD: LspNotificationMethod<'static> = LspNotificationMethod::Custom("$/pennyworth/nothing");
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nothing {
    /// The document.
    uri: Uri,
    /// Why there is no suggestion, in one line.
    reason: String,
}

/// Tells the client, without waiting for it.
pub(super) fn tell(client: &Client, uri: Uri, why: &str) {
    let (client, reason) = (client.clone(), line(why));
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move { client.send_notification::<NothingNotification>(Nothing { uri, reason }).await });
    }
}

/// A text as one line that is not too long.
pub(super) fn line(text: &str) -> String {
    messages::bounded(text.split_whitespace().collect::<Vec<_>>().join(" "), MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_bounded_length() {
        assert_eq!(line("a:\n  b"), "a: b");
        assert_eq!(line(&"ä".repeat(MAX_CHARS)), "ä".repeat(MAX_CHARS));
        assert_eq!(line(&"ä".repeat(MAX_CHARS + 1)).chars().count(), MAX_CHARS);
    }
}
