//! What a source that is not the user's own may do to a key: the values of `x-elsewhere` in the schema. It leaves what follows to `authority`.

/// What may be done to a key that is the user's own, in words.
pub(super) const NOTHING: &str = "–";

/// What a source that is not the user's own may do to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing: there is no value that only tightens.
    Own,
    /// An editor sets it freely, because it concerns only what is shown or logged. A workspace does not.
    Free,
    /// Lower it: a smaller number, or `false`.
    Lower,
    /// Raise it: a larger number, or `true`.
    Raise,
    /// Set a later one of the values in the order in which the schema lists them.
    Later,
    /// Add entries that begin with no `!`.
    Add,
    /// Switch off what is named.
    Off,
}

impl Rule {
    /// Every rule by its name in the schema, with what an editor may do, in words.
    pub(super) const ALL: [(&'static str, Rule, &'static str); 7] = [
        ("own", Rule::Own, NOTHING),
        ("free", Rule::Free, "set it"),
        ("lower", Rule::Lower, "lower it"),
        ("raise", Rule::Raise, "raise it"),
        ("later", Rule::Later, "set a later one of its values"),
        ("add", Rule::Add, "add to it"),
        ("off", Rule::Off, "switch off"),
    ];

    /// The rule with a name.
    pub(super) fn named(name: &str) -> Option<Rule> {
        Rule::ALL.iter().find(|(known, _, _)| *known == name).map(|(_, rule, _)| *rule)
    }
}
