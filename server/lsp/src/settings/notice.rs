//! Notices about settings that could not be used as written, and what holds until they are mended.
//! It leaves showing them to the server and the command line.

use std::fmt;
use std::path::{Path, PathBuf};

use super::types::{Closed, Settings};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Every known key is in force.
    Warning,
    /// A value was left out.
    Error,
}

/// A notice about one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub severity: Severity,
    /// The file, or `editor settings`, or `environment`.
    pub file: String,
    /// The line, from 1, if the source has lines.
    pub line: Option<usize>,
    /// The key with its tables, such as `embedded.memory_mb`; empty if the notice is about the whole source.
    pub key: String,
    /// What is wrong and what is allowed. It continues a sentence that begins with the key.
    pub message: String,
    /// What holds until it is mended.
    pub holds: Holds,
}

/// What holds until a fault is mended. A typo must not lift a restriction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Every known key, as it is written.
    Everything,
    /// Everything but the value or the row with the fault.
    TheRest,
    /// Only models where code stays on this machine are called.
    Here,
    /// Only the embedded model answers, in this folder or everywhere.
    Embedded(Option<PathBuf>),
}

impl Holds {
    /// How far the fault closes the server.
    pub fn closed(&self) -> Closed {
        match self {
            Holds::Everything | Holds::TheRest => Closed::No,
            Holds::Here => Closed::Here,
            Holds::Embedded(_) => Closed::Embedded,
        }
    }

    /// Who still answers, in a few words; `None` if the fault closes nothing.
    pub fn in_short(&self) -> Option<&'static str> {
        match self.closed() {
            Closed::No => None,
            Closed::Here => Some("local only"),
            Closed::Embedded => Some("embedded only"),
        }
    }
}

impl Notice {
    /// The user's own files are on a disk that does not answer.
    pub fn late(config: Option<&Path>) -> Notice {
        Notice {
            severity: Severity::Error,
            file: config.map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string()),
            line: None,
            key: String::new(),
            message: "its disk does not answer".to_owned(),
            holds: Holds::Embedded(None),
        }
    }
}

impl Settings {
    /// The settings while the user's own cannot be known, closed as these notices demand.
    pub fn closed(notices: &[Notice]) -> Settings {
        let mut settings = Settings::default();
        settings.close(notices);
        settings
    }

    /// Closes the server as far as faults in the settings demand.
    pub(super) fn close(&mut self, notices: &[Notice]) {
        self.closed = notices.iter().map(|notice| notice.holds.closed()).fold(self.closed, Closed::max);
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

impl fmt::Display for Holds {
    /// A sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holds::Everything => f.pad("everything else holds as it is written"),
            Holds::TheRest => f.pad("this is left out, and everything else holds"),
            Holds::Here => f.pad("until it is mended, only models on this machine are called, and nothing costs money"),
            Holds::Embedded(None) => f.pad("until it is mended, only the embedded model answers"),
            Holds::Embedded(Some(folder)) => {
                write!(f, "until it is mended, only the embedded model answers in {}", folder.display())
            }
        }
    }
}

impl fmt::Display for Notice {
    /// `file:line: key: message`, as compilers write it, so that editors can jump to the line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}
