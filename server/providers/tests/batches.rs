//! Hand-written batches in `tests/batches/<API>/<case>`, each with its files of results beside the `.txt` that it must read as.
//! `UPDATE=1` rewrites these; read the difference.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pennyworth_core::models::BatchProtocol;
use pennyworth_providers::{BatchResults, Expected, ProviderError, decode_batch};
use proptest::prelude::*;

/// A batch: its folder, its API, what says how it is, and its files of results.
struct Case {
    folder: PathBuf,
    protocol: BatchProtocol,
    told: Vec<u8>,
    files: Vec<Vec<u8>>,
}

impl Case {
    fn read(&self, files: &[Vec<u8>]) -> Result<BatchResults, ProviderError> {
        read(self.protocol, &self.told, files)
    }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/batches");
    let mut cases = Vec::new();
    for (name, protocol) in BatchProtocol::ALL {
        for entry in std::fs::read_dir(folder.join(name)).unwrap() {
            let folder = entry.unwrap().path();
            let told = std::fs::read(folder.join("batch.json")).unwrap();
            let files = (1..=2).map_while(|number| std::fs::read(folder.join(format!("results-{number}.jsonl"))).ok());
            let files = files.collect();
            cases.push(Case { folder, protocol, told, files });
        }
    }
    cases.sort_by(|a, b| a.folder.cmp(&b.folder));
    cases
}

fn read(protocol: BatchProtocol, told: &[u8], files: &[Vec<u8>]) -> Result<BatchResults, ProviderError> {
    let each = Expected { prompt_tokens: 20, max_tokens: 16, chars_per_token: 4.39, charges: true, charged: None };
    let expected: BTreeMap<String, Expected> = (0..4).map(|id| (id.to_string(), each)).collect();
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    decode_batch(protocol, told, &files, &expected)
}

fn shown(read: Result<BatchResults, ProviderError>) -> String {
    let mut text = String::new();
    match read {
        Err(error) => writeln!(text, "error {error}: {:?}", error.next).unwrap(),
        Ok(BatchResults { batch, results, missing, unknown, repeated, unreadable, kept, broken }) => {
            writeln!(text, "{batch:?}").unwrap();
            for (id, result) in results {
                writeln!(text, "{id}: {:?} {:?}\n   {:?}", result.text(), result.end, result.usage).unwrap();
            }
            writeln!(text, "missing {missing:?}, unknown {unknown}, repeated {repeated}, unreadable {unreadable}")
                .unwrap();
            writeln!(text, "kept {kept:?}").unwrap();
            assert_eq!(broken, None);
        }
    }
    text
}

#[test]
fn each_batch_reads_as_it_should() {
    let cases = cases();
    assert!(cases.len() > 25, "the batches are there");
    for case in cases {
        let read = shown(case.read(&case.files));
        let beside = case.folder.join("results.txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&beside, &read).unwrap();
        }
        assert_eq!(read, std::fs::read_to_string(&beside).unwrap_or_default(), "{}", beside.display());
        assert!(!read.contains("secret"), "{}", beside.display());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_of_results_are_read_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0.0..1.0_f64, instead in any::<bool>()
    ) {
        for case in cases() {
            let spoil = |file: &[u8]| {
                let at = (file.len() as f64 * at) as usize;
                let (head, tail) = file.split_at(at);
                let tail = if instead { tail.get(bytes.len()..).unwrap_or_default() } else { tail };
                [head, &bytes, tail].concat()
            };
            let files: Vec<Vec<u8>> = case.files.iter().map(|file| spoil(file)).collect();
            if let (Ok(whole), Ok(spoilt)) = (case.read(&case.files), case.read(&files)) {
                prop_assert_eq!(spoilt.results.len() + spoilt.missing.len(), 4);
                prop_assert!(spoilt.results.keys().all(|id| id.len() == 1));
                prop_assert_eq!(whole.batch, spoilt.batch);
            }
            let _ = read(case.protocol, &spoil(&case.told), &case.files);
            let _ = read(case.protocol, &bytes, std::slice::from_ref(&bytes));
        }
    }

    #[test]
    fn a_file_cut_anywhere_gives_no_other_answers(at in 0.0..1.0_f64) {
        for case in cases() {
            let cut = |file: &Vec<u8>| file.iter().take((file.len() as f64 * at) as usize).copied().collect();
            let files: Vec<Vec<u8>> = case.files.iter().map(cut).collect();
            if let (Ok(whole), Ok(cut)) = (case.read(&case.files), case.read(&files)) {
                let is_same = |(id, result): (&String, _)| whole.results.get(id) == Some(result);
                // A line that replaces an error may be behind the cut.
                let replaces = case.folder.ends_with("twice_and_unknown");
                prop_assert!(replaces || cut.results.iter().all(is_same), "{}", case.folder.display());
            }
        }
    }
}
