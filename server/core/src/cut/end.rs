//! An end of an answer: where it is, why it is there, and when it is certain. It leaves finding ends to the files beside it.

use serde::{Deserialize, Serialize};

/// Why an answer ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// At the end of the line.
    Newline,
    /// At the closer of the bracket the cursor stands in.
    Balanced,
    /// At the end of the statement.
    Statement,
    /// Where the body closes.
    Block,
    /// At a blank line.
    Blank,
    /// After one item.
    Item,
    /// Before a bracket or quote that is already closed after the cursor.
    Closed,
    /// Before text that already follows the cursor.
    Repeats,
    /// Where it began to repeat itself.
    Loops,
    /// At a sentinel.
    Marker,
    /// At the mask of a key or a password.
    Masked,
    /// Before an invisible character.
    Unseen,
    /// At the end of the fence around the code.
    Fence,
    /// At the limit of lines.
    Lines,
    /// The model ended.
    Model,
    /// The token ceiling cut it.
    Length,
    /// The stream broke off.
    CutOff,
}

/// An end found in the answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    /// Bytes of the body after which it is certain. The first certain end counts, so that the sizes of the pieces do not matter.
    pub(super) seen: usize,
    /// Where the body ends.
    pub(super) at: usize,
    pub(super) why: Ended,
}

/// Whether more of the answer may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    On,
    Over,
}
