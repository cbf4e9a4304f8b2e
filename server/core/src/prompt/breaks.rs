//! Line breaks as models know them. It leaves those that a document gets back to `present`.

use std::borrow::Cow;

/// The text with line breaks as models know them: `\r\n` and a lone `\r` become `\n`.
pub fn normalised(text: &str) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    }
}
