//! Whether it is worth asking a model at all, from plain facts about the moment. The first decision, because a call not made is the cheapest.
//! It leaves the cache alone: an answer that is there already may be shown whatever the gate says.

use std::fmt;

use serde::Serialize;

use crate::task::Enabled;

/// Characters that are not blank a file needs before its cursor; with fewer a model can only guess.
const ENOUGH: usize = 10;

/// The answer of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Models may be asked.
    Ask,
    /// No model is asked, and why.
    Silent(Reason),
}

/// Why no model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The user paused completions.
    Paused,
    /// Ignored by a `.gitignore` or by the settings.
    Ignored,
    /// Holds keys or passwords.
    Secret,
    /// Written by a program.
    Generated,
    /// Over the size limit.
    TooLarge,
    /// The task's class is off.
    ClassOff,
    /// The task's class may only be served on this machine, and no model is here.
    LocalOnly,
    /// Text was just deleted: who deletes does not want more.
    Deletion,
    /// The cursor stands in the middle of a word.
    MidWord,
    /// Too little stands before the cursor.
    TooLittle,
    /// A statement has just been ended, and nothing follows it in its line: what comes next begins with a line break, at which models stop.
    Finished,
}

impl Reason {
    /// Whether it is only a guess about the user's wish, so that an answer which is there already may be shown all the same.
    pub fn is_guess(self) -> bool {
        matches!(self, Reason::Deletion | Reason::MidWord | Reason::TooLittle | Reason::Finished)
    }

    /// Whether the model inside may answer all the same: it costs nothing, and knows lines that follow each other.
    pub fn spares_embedded(self) -> bool {
        self == Reason::Finished
    }
}

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// One to work on.
    Normal,
    /// Ignored by a `.gitignore` or by the settings.
    Ignored,
    /// Holds keys or passwords.
    Secret,
    /// Written by a program.
    Generated,
    /// Over the size limit.
    TooLarge,
}

/// How the request came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The user asked with a key.
    Invoked,
    /// Text was typed.
    Typed,
    /// Text was deleted.
    Deleted,
}

/// Facts about the moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// How the request came about.
    pub trigger: Trigger,
    /// What kind of file it is.
    pub file: FileKind,
    /// Who may serve the task.
    pub enabled: Enabled,
    /// Whether the user paused completions.
    pub paused: bool,
    /// Whether a model on this machine may be asked.
    pub has_local_model: bool,
    /// The text before the cursor, or the end of it.
    pub prefix: &'a str,
    /// The text after the cursor, or the head of it.
    pub suffix: &'a str,
}

/// Decides. Asking with a key overrules what is only a guess about the user's wish, never what protects a file or the settings.
pub fn gate(moment: &Moment<'_>) -> Gate {
    let reason = forbidden(moment).or_else(|| (moment.trigger != Trigger::Invoked).then(|| unwanted(moment)).flatten());
    reason.map_or(Gate::Ask, Gate::Silent)
}

fn forbidden(moment: &Moment<'_>) -> Option<Reason> {
    match (moment.file, moment.enabled) {
        (FileKind::Secret, _) => Some(Reason::Secret),
        (FileKind::Ignored, _) => Some(Reason::Ignored),
        (FileKind::Generated, _) => Some(Reason::Generated),
        (FileKind::TooLarge, _) => Some(Reason::TooLarge),
        (FileKind::Normal, _) if moment.paused && moment.trigger != Trigger::Invoked => Some(Reason::Paused),
        (FileKind::Normal, Enabled::Off) => Some(Reason::ClassOff),
        (FileKind::Normal, Enabled::Local) if !moment.has_local_model => Some(Reason::LocalOnly),
        (FileKind::Normal, Enabled::On | Enabled::Local) => None,
    }
}

fn unwanted(moment: &Moment<'_>) -> Option<Reason> {
    if moment.trigger == Trigger::Deleted {
        return Some(Reason::Deletion);
    }
    unwanted_at(moment.prefix, moment.suffix)
}

/// Why no model is asked at a place while typing, whatever was typed there; a key asks.
pub fn unwanted_at(prefix: &str, suffix: &str) -> Option<Reason> {
    // Before a word is the middle of one too: what is typed there is a correction.
    if suffix.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return Some(Reason::MidWord);
    }
    let written = prefix.chars().filter(|c| !c.is_whitespace()).take(ENOUGH).count();
    if written < ENOUGH {
        return Some(Reason::TooLittle);
    }
    is_finished(prefix, suffix).then_some(Reason::Finished)
}

/// Whether a statement or a body ends with the text before the cursor, and its line with it.
pub fn is_finished(prefix: &str, suffix: &str) -> bool {
    prefix.ends_with([';', '}']) && suffix.lines().next().is_none_or(|rest| rest.trim().is_empty())
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Reason::Paused => "completions are paused",
            Reason::Ignored => "the file is ignored",
            Reason::Secret => "the file holds secrets",
            Reason::Generated => "the file is generated",
            Reason::TooLarge => "the file is over the size limit",
            Reason::ClassOff => "this kind of place is off",
            Reason::LocalOnly => "this kind of place is served on this machine only, and no model is here",
            Reason::Deletion => "text was just deleted",
            Reason::MidWord => "the cursor is in the middle of a word",
            Reason::TooLittle => "too little stands before the cursor",
            Reason::Finished => "the statement is finished",
        })
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gate::Ask => f.pad("ask"),
            Gate::Silent(reason) => write!(f, "silent: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPING: Moment<'static> = Moment {
        trigger: Trigger::Typed,
        file: FileKind::Normal,
        enabled: Enabled::On,
        paused: false,
        has_local_model: false,
        prefix: "fn main() {\n    let x = ",
        suffix: ";\n}",
    };

    #[test]
    fn each_reason_has_its_moment_and_a_key_overrules_only_the_guesses() {
        use Reason::*;
        let deleted = Moment { trigger: Trigger::Deleted, ..TYPING };
        for (moment, typed, invoked) in [
            (TYPING, None, None),
            (deleted, Some(Deletion), None),
            (Moment { suffix: "bar", ..TYPING }, Some(MidWord), None),
            (Moment { suffix: "ü", ..TYPING }, Some(MidWord), None),
            (Moment { suffix: "", ..TYPING }, None, None),
            (Moment { prefix: "  \n let x", ..TYPING }, Some(TooLittle), None),
            (Moment { prefix: "    let answer = 42;", suffix: "  \n}", ..TYPING }, Some(Finished), None),
            (Moment { prefix: "fn main() { answer }", suffix: "", ..TYPING }, Some(Finished), None),
            (Moment { prefix: "    for (i = 0; i < n;", suffix: ") {", ..TYPING }, None, None),
            (Moment { prefix: "    let answer = 42;\n", suffix: "}", ..TYPING }, None, None),
            (Moment { paused: true, ..TYPING }, Some(Paused), None),
            (Moment { enabled: Enabled::Off, ..TYPING }, Some(ClassOff), Some(ClassOff)),
            (Moment { enabled: Enabled::Local, ..TYPING }, Some(LocalOnly), Some(LocalOnly)),
            (Moment { enabled: Enabled::Local, has_local_model: true, ..TYPING }, None, None),
            (Moment { file: FileKind::Secret, ..TYPING }, Some(Secret), Some(Secret)),
            (Moment { file: FileKind::Ignored, ..deleted }, Some(Ignored), Some(Ignored)),
            (Moment { file: FileKind::Generated, ..TYPING }, Some(Generated), Some(Generated)),
            (Moment { file: FileKind::TooLarge, ..TYPING }, Some(TooLarge), Some(TooLarge)),
        ] {
            let expect = |reason: Option<Reason>| reason.map_or(Gate::Ask, Gate::Silent);
            assert_eq!(gate(&moment), expect(typed), "{moment:?}");
            assert_eq!(gate(&Moment { trigger: Trigger::Invoked, ..moment }), expect(invoked), "{moment:?}");
        }
    }
}
