//! Prompt formats: the shape in which a prompt travels, and the templates and stop texts of a family of models.
//! It leaves parsing templates to `template`, and what fills them to `prompt`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::template::Template;

/// The shape in which a prompt travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One text with the model's own sentinels.
    Raw,
    /// Prefix and suffix in separate fields.
    Fields,
    /// Messages.
    Chat,
}

impl Shape {
    /// Every shape with its name in tables.
    pub const ALL: [(&'static str, Shape); 3] = [("raw", Shape::Raw), ("fields", Shape::Fields), ("chat", Shape::Chat)];
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Shape::ALL.iter().find(|(_, shape)| shape == self).map_or("", |(name, _)| name))
    }
}

/// The prompt format of a family of models; a `[format.NAME]` row.
#[derive(Clone, Debug, PartialEq)]
pub struct Format {
    /// Its name in tables.
    pub name: String,
    /// What it is for; empty if its row does not say.
    pub about: String,
    /// Parts of the names of models that may take it, in lower case.
    pub family: Vec<String>,
    /// The shape of its prompts.
    pub shape: Shape,
    /// The prompt without excerpts of other files.
    pub template: Template,
    /// The prompt with excerpts of other files.
    pub multi: Option<Template>,
    /// One excerpt of another file.
    pub excerpt: Option<Template>,
    /// The system message of a chat; empty for other shapes.
    pub system: String,
    /// Sentinels of the model: code that contains one is not sent, and an answer is cut there.
    pub markers: Vec<String>,
    /// Stop texts, the most useful first.
    pub stops: Vec<String>,
    /// Parts of the names of models trained on this format, in lower case.
    pub names: Vec<String>,
}

pub(super) fn format_for_id<'a>(formats: &'a BTreeMap<String, Format>, id: &str) -> Option<&'a Format> {
    by_longest(formats, id, |format| &format.names)
}

/// The format that a model with this name may take, by its family.
pub(super) fn format_of_family<'a>(formats: &'a BTreeMap<String, Format>, id: &str) -> Option<&'a Format> {
    by_longest(formats, id, |format| &format.family)
}

/// The format that has the longest part of a name, ignoring case.
fn by_longest<'a>(
    formats: &'a BTreeMap<String, Format>,
    id: &str,
    parts: impl Fn(&'a Format) -> &'a Vec<String>,
) -> Option<&'a Format> {
    let id = id.to_lowercase();
    let matches = formats.values().flat_map(|format| parts(format).iter().map(move |part| (part, format)));
    matches.filter(|(part, _)| id.contains(part.as_str())).max_by_key(|(part, _)| part.len()).map(|(_, format)| format)
}
