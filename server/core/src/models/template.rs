//! Prompt templates: literal text and named holes, filled in one pass so that the user's text is never read as a hole.
//! It leaves the contents of the holes to `prompt`.

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Literal(String),
    /// A hole, with one of the names that the template was parsed with.
    Hole(&'static str),
}

/// Literal text and holes in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Reads `{name}` as a hole. A name that is not in `names` is an error, which lists them. Other braces are text.
    pub fn parse(source: &str, names: &[&'static str]) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once('{') {
            literal.push_str(before);
            let name = after
                .split_once('}')
                .filter(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase()));
            let Some((name, tail)) = name else {
                literal.push('{');
                rest = after;
                continue;
            };
            let Some(known) = names.iter().find(|known| **known == name) else {
                let known: Vec<_> = names.iter().map(|name| format!("{{{name}}}")).collect();
                return Err(format!("unknown hole {{{name}}}; known: {}", known.join(" ")));
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Hole(known));
            rest = tail;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Template(pieces))
    }

    /// Whether the template begins with this hole.
    pub fn begins_with(&self, name: &str) -> bool {
        matches!(self.0.first(), Some(Piece::Hole(hole)) if *hole == name)
    }

    /// How often a hole occurs.
    pub fn count(&self, name: &str) -> usize {
        self.0.iter().filter(|piece| matches!(piece, Piece::Hole(hole) if *hole == name)).count()
    }

    /// The literal text without the holes.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Literal(text) => Some(text.as_str()),
            Piece::Hole(_) => None,
        })
    }

    /// The text with each hole filled by `fill(name)`.
    pub fn render<'a>(&self, mut fill: impl FnMut(&str) -> &'a str) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            text.push_str(match piece {
                Piece::Literal(literal) => literal,
                Piece::Hole(name) => fill(name),
            });
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_once_and_other_braces_are_text() {
        let template = Template::parse("{a}{ {} {B} {b} {a", &["a", "b"]).unwrap();
        assert_eq!(template.render(|name| if name == "a" { "{b}" } else { "2" }), "{b}{ {} {B} 2 {a");
        assert_eq!(Template::parse("{c}", &["a", "b"]).unwrap_err(), "unknown hole {c}; known: {a} {b}");
    }
}
