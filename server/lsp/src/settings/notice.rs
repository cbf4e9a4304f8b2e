//! What is said about a setting that could not be used as written. It leaves showing it to the server and the command line.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Everything given is in force, or was never understood.
    Warning,
    /// A value was left out.
    Error,
}

/// One thing about one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub severity: Severity,
    /// The file, or `editor settings`, or `environment`.
    pub file: String,
    /// The line, from 1, where there are lines.
    pub line: Option<usize>,
    /// The key with its tables, such as `embedded.memory_mb`; empty if it is about the whole.
    pub key: String,
    /// What is wrong and what is allowed, to be read after the key.
    pub message: String,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

impl fmt::Display for Notice {
    /// `file:line: key: message`, as compilers have it and editors can jump to.
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
