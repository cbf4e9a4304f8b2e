//! The bodies of the fuzz targets on a bounded number of inputs: random bytes, and valid input with bytes changed, removed and doubled.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;

use pennyworth_tests::fuzz;
use proptest::prelude::*;

/// A change of valid input at a place.
#[derive(Clone, Debug)]
enum Change {
    Replace(u8),
    Remove(usize),
    Double(usize),
    Insert(&'static [u8]),
}

fn change() -> impl Strategy<Value = Change> {
    let marks: [&[u8]; 10] = [
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b"data: ",
        b"data: [DONE]\n\n",
        b"Content-Length: 3\r\n\r\n",
        b"\"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf",
    ];
    prop_oneof![
        any::<u8>().prop_map(Change::Replace),
        (1..40_usize).prop_map(Change::Remove),
        (1..40_usize).prop_map(Change::Double),
        prop::sample::select(marks.to_vec()).prop_map(Change::Insert),
    ]
}

/// Changes at places given as shares of the length.
fn changes() -> impl Strategy<Value = Vec<(f64, Change)>> {
    prop::collection::vec((0.0..1.0, change()), 1..6)
}

fn changed(good: &[u8], changes: &[(f64, Change)]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for (share, change) in changes {
        let at = (bytes.len() as f64 * share) as usize;
        let until = |count: usize| at..(at + count).min(bytes.len());
        match change {
            Change::Replace(byte) => bytes.get_mut(at).into_iter().for_each(|place| *place = *byte),
            Change::Remove(count) => drop(bytes.drain(until(*count))),
            Change::Double(count) => {
                let part = bytes[until(*count)].to_vec();
                drop(bytes.splice(at..at, part));
            }
            Change::Insert(mark) => drop(bytes.splice(at..at, mark.iter().copied())),
        }
    }
    bytes
}

/// The recorded streams of all providers, one folder for each protocol.
fn streams() -> Vec<Vec<u8>> {
    let entries = |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders = entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("streams"));
    let recorded = |path: &std::path::PathBuf| path.extension().is_some_and(|name| name == "sse" || name == "ndjson");
    let mut paths: Vec<_> = folders.flat_map(|folder| entries(&folder)).filter(recorded).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// A list of ignored names with every kind of pattern.
const IGNORE_FILE: &[u8] =
    b"# a comment\n/target/\n*.log\n!keep.log\n**/a/**/b\na/**\n[a-c]?[!d]\n[[:alpha:]]\\ \nfoo\\*{a,b}\n\\!x\n\\#y  \n\xc3\xa9/[x]\n.env*\n";

/// A short session of a client.
fn session() -> Vec<u8> {
    let messages = [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#,
        r#"{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///a.rs","text":"fn ö() {}\r\n😀"}}}"#,
        r#"{"jsonrpc":"2.0","id":"a","result":null}"#,
        r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no"}}"#,
        r#"{"jsonrpc":"2.0","method":"exit"}"#,
    ];
    messages.iter().flat_map(|body| format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()).collect()
}

proptest! {
    // 256 cases; `PROPTEST_CASES` asks for more.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edits(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz::edits(&bytes);
    }

    #[test]
    fn streams_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz::stream(&bytes);
    }

    #[test]
    fn streams_changed(which in any::<prop::sample::Index>(), changes in changes()) {
        let streams = streams();
        fuzz::stream(&changed(&streams[which.index(streams.len())], &changes));
    }

    #[test]
    fn grammars_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        fuzz::grammars(&bytes);
    }

    #[test]
    fn workspace_settings_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        fuzz::workspace_settings(&bytes);
    }

    #[test]
    fn workspace_settings_changed(own in 0..3_u8, which in 0..3_usize, changes in changes()) {
        let mut bytes = vec![own];
        bytes.extend(changed(fuzz::OWN[which].as_bytes(), &changes));
        fuzz::workspace_settings(&bytes);
    }

    #[test]
    fn editor_settings_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        fuzz::editor_settings(&bytes);
    }

    #[test]
    fn editor_settings_changed(own in 0..3_u8, changes in changes()) {
        let sent = br#"{"pennyworth": {"local_only": false, "secrets": ["!.env", "x"], "languages": {"*": true}, "cap_usd_per_day": 1e3,
            "tasks": {"line": {"enabled": "on", "max_tokens": 9}}, "model": {"gpt-6-luna": {"base_url": "http://127.0.0.1:9"}}}}"#;
        let mut bytes = vec![own];
        bytes.extend(changed(sent, &changes));
        fuzz::editor_settings(&bytes);
    }

    #[test]
    fn ignore_files_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz::ignore_file(&bytes);
    }

    #[test]
    fn ignore_files_changed(changes in changes()) {
        fuzz::ignore_file(&changed(IGNORE_FILE, &changes));
    }

    #[test]
    fn protocol_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz::protocol(&bytes);
    }

    #[test]
    fn protocol_changed(changes in changes()) {
        fuzz::protocol(&changed(&session(), &changes));
    }
}
