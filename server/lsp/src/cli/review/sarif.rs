//! Findings in SARIF 2.1.0, as code scanning services take them. It leaves other forms to `review`.

use std::fmt::Write as _;

use pennyworth_core::demand::{Finding, Severity};
use serde_json::{Value, json};

use super::left_out::LeftOut;

/// The log of a run. It succeeded if no more was left out than the user's rules want.
pub(super) fn sarif(findings: &[Finding], left_out: &[LeftOut]) -> Value {
    let result = |finding: &Finding| {
        let Finding { file, line, severity, title, why, fix } = finding;
        let level = match severity {
            Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "note",
        };
        let place = json!({"uri": uri(file)});
        let fixes = fix.as_ref().map(|fix| {
            // Without columns, a region ends before the line break of its last line, which there may not be.
            let region = json!({"startLine": fix.first, "endLine": fix.last});
            let text = fix.text.strip_suffix('\n').unwrap_or(&fix.text);
            let replaced = json!([{"deletedRegion": region, "insertedContent": {"text": text}}]);
            json!([{"description": {"text": title}, "artifactChanges": [{"artifactLocation": place, "replacements": replaced}]}])
        });
        let mut result = json!({
            "ruleId": severity.to_string(), "level": level, "message": {"text": format!("{title}\n{why}")},
            "locations": [{"physicalLocation": {"artifactLocation": place, "region": {"startLine": line}}}],
        });
        if let (Some(fields), Some(fixes)) = (result.as_object_mut(), fixes) {
            fields.insert("fixes".into(), fixes);
        }
        result
    };
    let notification = |LeftOut { file, why, by_rule }: &LeftOut| {
        let level = if *by_rule { "note" } else { "error" };
        json!({"level": level, "message": {"text": format!("{file} was not reviewed: {why}")},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(file)}}}]})
    };
    let rules = ["low", "medium", "high"].map(
        |severity| json!({"id": severity, "shortDescription": {"text": format!("A finding of {severity} severity")}}),
    );
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "pennyworth", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "invocations": [{
                "executionSuccessful": left_out.iter().all(|left_out| left_out.by_rule),
                "toolExecutionNotifications": left_out.iter().map(notification).collect::<Vec<_>>(),
            }],
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

/// A path below the workspace as a relative URI.
fn uri(path: &str) -> String {
    path.bytes().fold(String::new(), |mut uri, byte| {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => uri.push(byte.into()),
            byte => _ = write!(uri, "%{byte:02X}"),
        }
        uri
    })
}

#[cfg(test)]
mod tests {
    use pennyworth_core::demand::Fix;

    use super::*;

    #[test]
    fn a_place_is_a_uri_and_a_fix_ends_with_its_lines() {
        let (title, why) = ("It is wrong".to_owned(), "Because.".to_owned());
        for text in ["x\ny", "x\ny\n"] {
            let fix = Some(Fix { first: 2, last: 3, text: text.into() });
            let finding = Finding {
                file: "s/a b \u{fc}%:1.rs".into(),
                line: 3,
                severity: Severity::High,
                title: title.clone(),
                why: why.clone(),
                fix,
            };
            let log = sarif(&[finding], &[]);
            let result = &log["runs"][0]["results"][0];
            let uri = "s/a%20b%20%C3%BC%25%3A1.rs";
            assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], uri);
            let change = &result["fixes"][0]["artifactChanges"][0];
            assert_eq!(change["artifactLocation"]["uri"], uri);
            let expected =
                json!([{"deletedRegion": {"startLine": 2, "endLine": 3}, "insertedContent": {"text": "x\ny"}}]);
            assert_eq!(change["replacements"], expected);
        }
    }
}
