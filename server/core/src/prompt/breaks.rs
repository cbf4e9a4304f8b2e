//! Texts as models and editors know them: their line breaks, and no byte order mark. It leaves those that a document gets back to `present`.

use std::borrow::Cow;

/// The text with line breaks as models know them: `\r\n` and a lone `\r` become `\n`.
pub fn normalised(text: &str) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    }
}

/// The text without a byte order mark, which editors keep to themselves.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
