//! Words that depend on a number. It leaves the sentences around them to the reports.

/// A number of things: `1 call`, `2 calls`.
pub fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_plural() {
        for (number, expected) in [(0, "0 calls"), (1, "1 call"), (2, "2 calls")] {
            assert_eq!(counted(number, "call"), expected);
        }
    }
}
