//! Why an answer counts for nothing. It leaves finding that out to the files of each form of answer.

use std::fmt;

use crate::cut::is_unseen;

/// Why an answer counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It says nothing.
    Empty,
    /// The model would not do it.
    Refused,
    /// It holds a fence where plain text is wanted.
    Fence,
    /// Its first line is longer than this many characters.
    Long {
        /// The most allowed.
        most: usize,
    },
    /// It holds characters that nobody sees.
    Unseen,
    /// It holds a marker of a model's format.
    Marker(String),
    /// It was cut off at its ceiling.
    CutOff,
    /// It has not the form that was asked for.
    Form(String),
    /// It changes nothing.
    Same,
    /// It has nothing in common with the lines that it replaces.
    Foreign,
    /// It changes what lies outside its scope.
    Outside,
    /// It is not where it says it is: the text to replace is not in the file, or more than once.
    Nowhere(String),
    /// The file parses worse with it.
    Broken,
    /// It changes code where only comments were asked for.
    Code,
    /// It does not document the item in the form of its language at its place, or it changes other comments, too.
    Undocumented,
    /// It holds no test.
    NoTest,
    /// It holds what the file has already under this name.
    Known(String),
    /// What was wrong stays as it is.
    Unmended,
    /// It does not name what it is about.
    Nameless(String),
    /// It repeats a mask that stands for a key or password.
    Masked,
}

impl Unfit {
    /// Its name in the ledger.
    pub fn name(&self) -> &'static str {
        match self {
            Unfit::Empty => "empty",
            Unfit::Refused => "refused",
            Unfit::Fence => "fence",
            Unfit::Long { .. } => "long",
            Unfit::Unseen => "unseen",
            Unfit::Marker(_) => "marker",
            Unfit::CutOff => "cut off",
            Unfit::Form(_) => "form",
            Unfit::Same => "same",
            Unfit::Foreign => "foreign",
            Unfit::Outside => "outside",
            Unfit::Nowhere(_) => "nowhere",
            Unfit::Broken => "broken",
            Unfit::Code => "code",
            Unfit::Undocumented => "undocumented",
            Unfit::NoTest => "no test",
            Unfit::Known(_) => "known",
            Unfit::Unmended => "unmended",
            Unfit::Nameless(_) => "nameless",
            Unfit::Masked => "masked",
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Empty => f.write_str("the answer is empty"),
            Unfit::Refused => f.write_str("the model would not do it"),
            Unfit::Fence => f.write_str("the answer holds a fence"),
            Unfit::Long { most } => write!(f, "the first line of the answer has more than {most} characters"),
            Unfit::Unseen => f.write_str("the answer holds invisible characters"),
            Unfit::Marker(marker) => write!(f, "the answer holds a marker of a model's format: {marker}"),
            Unfit::CutOff => f.write_str("the answer was cut off at its ceiling"),
            Unfit::Form(what) => write!(f, "the answer has not the form that was asked for: {what}"),
            Unfit::Same => f.write_str("the answer changes nothing"),
            Unfit::Foreign => f.write_str("the answer has nothing in common with the lines that it replaces"),
            Unfit::Outside => f.write_str("the answer changes lines that it may not change"),
            Unfit::Nowhere(what) => write!(f, "the answer replaces what is not there: {what}"),
            Unfit::Broken => f.write_str("the file would parse worse"),
            Unfit::Code => f.write_str("the answer changes code, and only a comment was asked for"),
            Unfit::Undocumented => {
                f.write_str("the answer does not document the item, in its place and form, or changes other comments")
            }
            Unfit::NoTest => f.write_str("the answer holds no test"),
            Unfit::Known(name) => write!(f, "the file has a `{name}` already"),
            Unfit::Unmended => f.write_str("the answer leaves what the diagnostic is about as it is"),
            Unfit::Nameless(name) => write!(f, "the answer does not hold `{name}`"),
            Unfit::Masked => f.write_str("the answer repeats a masked key or password"),
        }
    }
}

/// Whether a text holds an invisible character that does not stand in another one.
pub(super) fn is_hostile(text: &str, known: &str) -> bool {
    text.chars().any(|c| is_unseen(c) && c != '\r' && !known.contains(c))
}
