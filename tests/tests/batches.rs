//! Batches against a fake of each API: the good course, each fault at each step, and what a crash between two steps leaves.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::time::Duration;

use pennyworth_core::models::{Model, Models};
use pennyworth_core::prompt::Body;
use pennyworth_providers::{
    Batch, BatchCounts, BatchEnd, BatchResults, BatchState, BatchTimeouts, Batches, Client, Expected, FinishReason,
    Found, Kind, ProviderError, Request, SecretString, Sought, Timeouts,
};
use pennyworth_tests::fake_batches::{Api, Bill, Course, End, FakeBatches, Fate, Fault, KEY, Step, USES};
use serde_json::{Value, json};

const APIS: [Api; 6] = [Api::Openai, Api::Together, Api::Anthropic, Api::Gemini, Api::Mistral, Api::Openrouter];
/// Longer than anything here takes.
const LONG: BatchTimeouts = BatchTimeouts { call: Duration::from_secs(20), transfer: Duration::from_secs(20) };
/// As long as a test waits for what does not come.
const SHORT: BatchTimeouts = BatchTimeouts { call: Duration::from_millis(300), transfer: Duration::from_millis(300) };
/// Our name for a batch.
const NAME: &str = "pw-2026-11-30-1";

/// A model of each provider, at the fake's address.
fn model(api: Api, base_url: &str, more: &str) -> Model {
    let (provider, own) = match api {
        Api::Openai => ("openai", ""),
        Api::Together => ("together", ""),
        Api::Anthropic => ("anthropic", ""),
        Api::Gemini => ("gemini", ""),
        Api::Mistral => ("mistral", "path = '/fim/completions'\nformat = 'suffix'"),
        Api::Openrouter => ("openrouter", "extra = { provider = { only = ['mistral'], allow_fallbacks = false } }"),
    };
    let own = if more.contains("extra") { "" } else { own };
    let row = format!(
        "[model.m]\nprovider = '{provider}'\nbase_url = '{base_url}'\nmodel = 'm-1'\n{own}\n{more}\n\
         price = {{ input = 1, output = 2, as_of = '2026-11-30' }}"
    );
    let (models, problems) = Models::builtin().extended("config.toml", &row);
    assert_eq!(problems, []);
    models.get("m").unwrap().clone()
}

fn request(api: Api, model: &Model) -> Request {
    let body = match api {
        Api::Mistral => Body::Fields { prompt: "fn a() {".into(), suffix: "}".into(), excerpts: Vec::new() },
        _ => Body::Chat { system: "Fill in.".into(), shared: String::new(), user: "fn a() {".into() },
    };
    let total = Duration::from_secs(1);
    Request {
        model: model.clone(),
        key: None,
        body,
        prompt_tokens: 7,
        max_tokens: 16,
        stops: vec!["\n\n".into()],
        temperature: 0.0,
        schema: None,
        cache_key: None,
        timeouts: Timeouts { first_byte: total, silence: total, total },
    }
}

/// A fake, and all that a client needs to call it.
struct Setting {
    api: Api,
    fake: FakeBatches,
    client: Client,
    model: Model,
    key: SecretString,
}

impl Setting {
    async fn new(api: Api) -> Setting {
        Setting::with(api, "").await
    }

    async fn with(api: Api, more: &str) -> Setting {
        let fake = FakeBatches::start(api).await.unwrap();
        let model = model(api, &fake.base_url(), more);
        Setting { api, fake, client: Client::new().unwrap(), model, key: SecretString::from(KEY) }
    }

    fn batches(&self, timeouts: BatchTimeouts) -> Batches<'_> {
        self.client.batches(&self.model, Some(&self.key), timeouts).unwrap()
    }

    fn requests(&self, ids: &[&str]) -> Vec<(String, Request)> {
        ids.iter().map(|id| ((*id).to_owned(), request(self.api, &self.model))).collect()
    }

    fn expected(&self, ids: &[&str]) -> BTreeMap<String, Expected> {
        ids.iter().map(|id| ((*id).to_owned(), Expected::of(&request(self.api, &self.model)))).collect()
    }

    /// Takes all steps up to a batch.
    async fn submit(&self, ids: &[&str], timeouts: BatchTimeouts) -> Result<Batch, ProviderError> {
        let (batches, requests) = (self.batches(timeouts), self.requests(ids));
        match batches.has_upload() {
            true => batches.submit_file(NAME, &batches.upload(NAME, &requests).await?).await,
            false => batches.submit(NAME, &requests).await,
        }
    }

    async fn results(&self, id: &str, ids: &[&str]) -> BatchResults {
        self.batches(LONG).results(id, &self.expected(ids)).await.unwrap()
    }

    /// A batch with this course, at its end.
    async fn ended(&self, ids: &[&str], course: Course) -> Batch {
        self.fake.course(course);
        let batch = self.submit(ids, LONG).await.unwrap();
        self.fake.run();
        self.fake.finish();
        self.batches(LONG).poll(&batch.id).await.unwrap()
    }

    fn sought<'a>(&self, file: Option<&'a str>, requests: u64) -> Sought<'a> {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        Sought { name: NAME, file, since, requests }
    }

    fn has_names(&self) -> bool {
        !matches!(self.api, Api::Anthropic | Api::Openrouter)
    }

    /// The step in which results come.
    fn results_step(&self) -> Step {
        match self.api {
            Api::Openai | Api::Together | Api::Anthropic => Step::Results,
            _ => Step::Poll,
        }
    }
}

/// The tokens of all results.
fn used(results: &BatchResults) -> [u64; 3] {
    let usages = results.results.values().filter_map(|result| result.usage);
    usages.fold([0; 3], |[input, cached, output], usage| {
        [input + usage.input, cached + usage.cached, output + usage.output]
    })
}

fn ends(results: &BatchResults) -> BTreeMap<&str, String> {
    let end = |end: &BatchEnd| match end {
        BatchEnd::Finish(reason) => format!("{reason:?}"),
        BatchEnd::Error(error) => format!("{:?}", error.kind),
        end => format!("{end:?}"),
    };
    results.results.iter().map(|(id, result)| (id.as_str(), end(&result.end))).collect()
}

#[tokio::test]
async fn a_batch_is_sent_once_and_answered() {
    for api in APIS {
        let setting = Setting::new(api).await;
        let (fake, batches) = (&setting.fake, setting.batches(LONG));
        let ids = ["a", "b-2", "c_3"];
        let sent = setting.submit(&ids, LONG).await.unwrap();
        assert!(matches!(sent.state, BatchState::Pending | BatchState::Running), "{api:?}: {sent:?}");
        let early = setting.results(&sent.id, &ids).await;
        assert_eq!((early.results.len(), early.missing.len(), early.broken), (0, 3, None), "{api:?}");
        fake.run();
        assert_eq!(batches.poll(&sent.id).await.unwrap().state, BatchState::Running, "{api:?}");
        fake.finish();
        let batch = batches.poll(&sent.id).await.unwrap();
        let all = BatchCounts { total: 3, succeeded: 3, failed: 0 };
        assert_eq!((batch.state, batch.counts), (BatchState::Done, Some(all)), "{api:?}");
        let results = setting.results(&sent.id, &ids).await;
        for id in ids {
            let result = &results.results[id];
            assert_eq!(result.text(), format!("answer to {id}"), "{api:?}");
            assert_eq!(result.end, BatchEnd::Finish(FinishReason::Stop), "{api:?}");
        }
        assert_eq!(
            (results.missing.len(), results.unknown, results.repeated, results.unreadable),
            (0, 0, 0, 0),
            "{api:?}"
        );
        let [input, cached, output] = used(&results);
        assert_eq!(fake.bill(), Bill { batches: 1, answers: 3, input, cached, output }, "{api:?}");
        if let Some(usage) = batch.usage {
            assert_eq!([usage.input, usage.cached, usage.output], [input, cached, output], "{api:?}");
        }
    }
}

#[tokio::test]
async fn each_request_is_as_it_would_be_alone_without_a_stream() {
    for (api, ceiling) in [
        (Api::Openai, "/max_completion_tokens"),
        (Api::Together, "/max_tokens"),
        (Api::Anthropic, "/max_tokens"),
        (Api::Gemini, "/generationConfig/maxOutputTokens"),
        (Api::Mistral, "/max_tokens"),
        (Api::Openrouter, "/max_tokens"),
    ] {
        let setting = Setting::new(api).await;
        setting.submit(&["a"], LONG).await.unwrap();
        let body = setting.fake.bodies().remove(0);
        assert_eq!(body.pointer(ceiling), Some(&json!(16)), "{api:?}: {body}");
        assert!(body.to_string().contains("fn a() {"), "{api:?}: {body}");
        assert_eq!(body.get("suffix"), (api == Api::Mistral).then_some(&json!("}")), "{body}");
        assert_eq!(body.get("reasoning_effort"), (api == Api::Openai).then_some(&json!("none")), "{body}");
    }
}

#[tokio::test]
async fn no_row_raises_the_ceiling() {
    for (api, more) in [
        (Api::Openai, "extra = { max_completion_tokens = 9999, stream = true }"),
        (Api::Anthropic, "extra = { max_tokens = 9999, stream = true }\nomit = ['max_tokens']"),
        (Api::Gemini, "extra = { generationConfig = { maxOutputTokens = 9999 } }\nomit = ['generationConfig']"),
        (Api::Mistral, "path = '/fim/completions'\nformat = 'suffix'\nextra = { max_tokens = 9999 }"),
    ] {
        let setting = Setting::with(api, more).await;
        setting.submit(&["a"], LONG).await.unwrap();
        let body = setting.fake.bodies().remove(0).to_string();
        assert!(!body.contains("9999") && body.contains("16"), "{api:?}: {body}");
    }
}

#[tokio::test]
async fn a_row_that_asks_for_more_than_the_ceiling_is_not_sent() {
    for (api, more) in [
        (Api::Together, "extra = { max_completion_tokens = 9999 }"),
        (Api::Openai, "extra = { n = 3 }"),
        (Api::Gemini, "extra = { generationConfig = { candidateCount = 2 } }"),
        (Api::Anthropic, "extra = { max_output_tokens = '17' }"),
    ] {
        let setting = Setting::with(api, more).await;
        let error = setting.submit(&["a"], LONG).await.unwrap_err();
        assert_eq!((error.code.as_deref(), setting.fake.steps().len()), (Some("no_ceiling"), 0), "{more}");
    }
}

#[tokio::test]
async fn each_result_is_what_became_of_its_request() {
    let fates = [
        ("e400", Fate::Error(400)),
        ("e500", Fate::Error(500)),
        ("expired", Fate::Expired),
        ("cancelled", Fate::Cancelled),
        ("lost", Fate::Lost),
    ];
    let ids = ["e400", "e500", "expired", "cancelled", "lost", "good"];
    for api in APIS {
        for (is_messy, is_apart) in [(false, false), (true, true)] {
            let setting = Setting::new(api).await;
            let fates = fates.map(|(id, fate)| (id.to_owned(), fate)).into_iter().collect();
            let course = Course { fates, repeats: true, is_messy, is_apart, ..Course::default() };
            let batch = setting.ended(&ids, course).await;
            assert_eq!(batch.state, BatchState::Partly, "{api:?}");
            let results = setting.results(&batch.id, &ids).await;
            let late = if api == Api::Gemini { "Server" } else { "Expired" };
            let expected = [
                ("cancelled", "Cancelled"),
                ("e400", "Refused"),
                ("e500", "Server"),
                ("expired", late),
                ("good", "Stop"),
            ];
            let expected = expected.map(|(id, end)| (id, end.to_owned())).into_iter().collect::<BTreeMap<_, _>>();
            assert_eq!(ends(&results), expected, "{api:?}");
            assert_eq!((results.missing.as_slice(), results.repeated), (["lost".to_owned()].as_slice(), 5), "{api:?}");
            assert!(results.unknown == 1 && (results.unreadable > 0) <= is_messy, "{api:?}: {results:?}");
            assert_eq!(used(&results), USES, "only the answer is billed: {api:?}");
            assert_eq!(setting.fake.bill().answers, 2, "{api:?}");
        }
    }
}

#[tokio::test]
async fn counts_that_stay_zero_hide_nothing() {
    for api in APIS {
        let setting = Setting::new(api).await;
        let course = Course { counts_nothing: true, ..Course::default() };
        let batch = setting.ended(&["a", "b"], course).await;
        assert_eq!(batch.state, BatchState::Done, "{api:?}");
        assert_eq!(setting.results(&batch.id, &["a", "b"]).await.results.len(), 2, "{api:?}");
    }
}

#[tokio::test]
async fn a_batch_that_ended_early_keeps_what_was_answered() {
    for api in APIS {
        for (end, fate) in [(End::Expired, Fate::Expired), (End::Cancelled, Fate::Cancelled)] {
            let setting = Setting::new(api).await;
            let fates = [("late".to_owned(), fate)].into();
            let batch = setting.ended(&["good", "late"], Course { fates, end, ..Course::default() }).await;
            let expected = match (api, end) {
                (Api::Anthropic, _) => BatchState::Partly,
                (_, End::Expired) => BatchState::Expired,
                _ => BatchState::Cancelled,
            };
            assert_eq!(batch.state, expected, "{api:?}");
            let results = setting.results(&batch.id, &["good", "late"]).await;
            assert_eq!(results.results["good"].text(), "answer to good", "{api:?}");
            assert!(results.results["late"].usage.is_none() && results.missing.is_empty(), "{api:?}: {results:?}");
        }
        // Anthropic's batches say it by their counts alone.
        let setting = Setting::new(api).await;
        let fates = [("late".to_owned(), Fate::Expired)].into();
        let batch = setting.ended(&["late"], Course { fates, end: End::Expired, ..Course::default() }).await;
        assert_eq!(batch.state, BatchState::Expired, "{api:?}");
    }
}

#[tokio::test]
async fn a_batch_that_failed_as_a_whole_says_why() {
    for api in APIS.into_iter().filter(|api| *api != Api::Anthropic) {
        let setting = Setting::new(api).await;
        let batch = setting.ended(&["a"], Course { end: End::Failed, ..Course::default() }).await;
        assert_eq!(batch.state, BatchState::Failed, "{api:?}");
        assert_eq!(batch.error.clone().unwrap().code.as_deref(), Some("token_limit_exceeded"), "{api:?}");
        let results = setting.results(&batch.id, &["a"]).await;
        assert_eq!((results.results.len(), results.missing), (0, vec!["a".to_owned()]), "{api:?}");
    }
}

#[tokio::test]
async fn a_batch_is_cancelled_where_the_api_can() {
    for api in APIS {
        let setting = Setting::new(api).await;
        let sent = setting.submit(&["a", "b"], LONG).await.unwrap();
        let batches = setting.batches(LONG);
        if api == Api::Openrouter {
            assert!(!batches.has_cancel());
            assert_eq!(batches.cancel(&sent.id).await.unwrap_err().code.as_deref(), Some("no_cancel"));
            continue;
        }
        batches.cancel(&sent.id).await.unwrap();
        let state = batches.poll(&sent.id).await.unwrap().state;
        assert_eq!(state, if api == Api::Gemini { BatchState::Running } else { BatchState::Cancelling }, "{api:?}");
        let fates = [("a".to_owned(), Fate::Cancelled), ("b".to_owned(), Fate::Cancelled)].into();
        setting.fake.course(Course { fates, ..Course::default() });
        setting.fake.finish();
        let results = setting.results(&sent.id, &["a", "b"]).await;
        assert_eq!(results.batch.state, BatchState::Cancelled, "{api:?}");
        assert!(results.results.values().all(|result| result.end == BatchEnd::Cancelled), "{api:?}");
        assert_eq!(setting.fake.bill().answers, 0, "{api:?}");
        assert!(batches.cancel(&sent.id).await.is_err(), "{api:?}");
        setting.fake.forget();
        assert_eq!(batches.poll(&sent.id).await.unwrap_err().kind, Kind::NotFound, "{api:?}");
    }
}

/// Refusals, and what each is.
fn refusals() -> [(Fault, Kind, bool); 7] {
    let refusal = |status: u16, kind: &str| Fault::Refuse(status, json!({"error": {"message": "no", "type": kind}}));
    [
        (refusal(401, "authentication_error"), Kind::Key, false),
        (refusal(429, "rate_limit_error"), Kind::RateLimited, false),
        (refusal(500, "api_error"), Kind::Server, false),
        (refusal(503, "unavailable"), Kind::Server, false),
        (Fault::Refuse(302, Value::Null), Kind::Redirect, false),
        (Fault::Says("text/html", "<html>log in</html>"), Kind::Blocked, false),
        (Fault::Says("application/json", "{\"id\": \"batch_"), Kind::Malformed, true),
    ]
}

#[tokio::test]
async fn a_refused_step_is_an_error_and_no_batch() {
    for api in APIS {
        for (fault, kind, may_be_billed) in refusals() {
            let setting = Setting::new(api).await;
            setting.fake.fails(Step::Submit, fault.clone());
            let error = setting.submit(&["a"], LONG).await.unwrap_err();
            assert_eq!((error.kind, error.may_be_billed()), (kind, may_be_billed), "{api:?} {fault:?}");
            assert!(!format!("{error} {error:?} {:?}", setting.batches(LONG)).contains(KEY));
            let steps = setting.fake.steps();
            assert_eq!(steps.iter().filter(|step| **step == Step::Submit).count(), 1, "{api:?}: no second try");
            if matches!(fault, Fault::Refuse(..)) {
                let found = setting.batches(LONG).find(&setting.sought(None, 1)).await.unwrap();
                assert_eq!((found, setting.fake.bill()), (Found::Nothing, Bill::default()), "{api:?} {fault:?}");
            }
        }
        for (fault, kind, _) in refusals() {
            let setting = Setting::new(api).await;
            let sent = setting.submit(&["a"], LONG).await.unwrap();
            setting.fake.finish();
            for step in [Step::Poll, Step::List, Step::Cancel] {
                if step == Step::Cancel && api == Api::Openrouter {
                    continue;
                }
                let batches = setting.batches(LONG);
                setting.fake.fails(step, fault.clone());
                let error = match step {
                    Step::Poll => batches.poll(&sent.id).await.map(drop),
                    Step::List => batches.find(&setting.sought(Some("file-0"), 1)).await.map(drop),
                    _ => batches.cancel(&sent.id).await,
                };
                assert_eq!(error.unwrap_err().kind, kind, "{api:?} {step:?} {fault:?}");
            }
        }
    }
}

#[tokio::test]
async fn after_a_crash_between_sending_and_storing_nothing_is_sent_twice() {
    for api in APIS {
        for (fault, kind, is_there) in [
            (Fault::Hang, Kind::FirstByte, false),
            (Fault::HangAfter, Kind::FirstByte, true),
            (Fault::CutAfter, Kind::CutOff, true),
        ] {
            let setting = Setting::new(api).await;
            setting.fake.takes_others(3, 7);
            setting.fake.fails(Step::Submit, fault.clone());
            let error = setting.submit(&["a", "b"], SHORT).await.unwrap_err();
            assert_eq!((error.kind, error.may_be_billed()), (kind, true), "{api:?} {fault:?}");
            // Newer ones of somebody else, on more than one page.
            setting.fake.takes_others(230, 7);
            let batches = setting.batches(LONG);
            let file = batches.has_upload().then_some("file-0");
            let found = batches.find(&setting.sought(file, 2)).await.unwrap();
            match (found, is_there) {
                (Found::Nothing, false) => {}
                (Found::Batch(batch), true) if setting.has_names() => {
                    assert_eq!(
                        (batch.name.as_deref() == Some(NAME), setting.fake.bill().batches),
                        (api != Api::Together, 1)
                    );
                    setting.fake.finish();
                    assert_eq!(setting.results(&batch.id, &["a", "b"]).await.missing.len(), 0, "{api:?}");
                }
                (Found::Perhaps(found), true) if !setting.has_names() => {
                    assert_eq!(found.len(), 1, "{api:?}");
                    setting.fake.finish();
                    assert_eq!(setting.results(&found[0].id, &["a", "b"]).await.missing.len(), 0, "{api:?}");
                }
                (found, _) => panic!("{api:?} {fault:?}: {found:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_batch_that_only_fits_is_told_from_ours_by_its_results() {
    for api in [Api::Anthropic, Api::Openrouter] {
        let setting = Setting::new(api).await;
        setting.fake.takes_others(1, 2);
        let Found::Perhaps(found) = setting.batches(LONG).find(&setting.sought(None, 2)).await.unwrap() else {
            panic!("{api:?}")
        };
        setting.fake.finish();
        let results = setting.results(&found[0].id, &["a", "b"]).await;
        assert_eq!((results.unknown, results.results.len(), results.missing.len()), (2, 0, 2), "{api:?}");
        let later = Sought { since: setting.sought(None, 2).since + 7200, ..setting.sought(None, 2) };
        assert_eq!(setting.batches(LONG).find(&later).await.unwrap(), Found::Nothing, "{api:?}");
    }
}

#[tokio::test]
async fn an_upload_is_a_step_that_can_be_found_again() {
    for api in [Api::Openai, Api::Together] {
        for (fault, kind, is_there) in [
            (Fault::Refuse(500, json!({})), Kind::Server, false),
            (Fault::Hang, Kind::FirstByte, false),
            (Fault::HangAfter, Kind::FirstByte, true),
            (Fault::CutAfter, Kind::CutOff, true),
            (Fault::Says("application/json", "{}"), Kind::Malformed, true),
        ] {
            let setting = Setting::new(api).await;
            let requests = setting.requests(&["a"]);
            setting.fake.fails(Step::Upload, fault.clone());
            let error = setting.batches(SHORT).upload(NAME, &requests).await.unwrap_err();
            assert_eq!(error.kind, kind, "{api:?} {fault:?}");
            let batches = setting.batches(LONG);
            let found = batches.find_upload(NAME).await.unwrap();
            assert_eq!(found, is_there.then(|| "file-0".to_owned()), "{api:?} {fault:?}");
            assert_eq!(batches.find_upload("another").await.unwrap(), None);
            if let Some(file) = found {
                let uploaded = pennyworth_providers::Uploaded { file, endpoint: batches.endpoint(&requests[0].1) };
                let batch = batches.submit_file(NAME, &uploaded).await.unwrap();
                setting.fake.finish();
                assert_eq!(setting.results(&batch.id, &["a"]).await.results.len(), 1, "{api:?}");
                assert_eq!(setting.fake.steps().iter().filter(|step| **step == Step::Upload).count(), 1);
            }
            assert!(setting.fake.bill().batches <= 1);
        }
    }
}

#[tokio::test]
async fn results_that_break_off_are_kept_as_far_as_they_came() {
    for api in APIS {
        let setting = Setting::new(api).await;
        let ids: Vec<String> = (0..40).map(|number| format!("r{number}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let batch = setting.ended(&ids, Course::default()).await;
        let step = setting.results_step();
        for (fault, kind) in [(Fault::CutAfter, Kind::CutOff), (Fault::HangAfter, Kind::FirstByte)] {
            setting.fake.fails(step, fault);
            let read = setting.batches(SHORT).results(&batch.id, &setting.expected(&ids)).await;
            match read {
                Ok(results) => {
                    assert_eq!(results.broken.unwrap().kind, kind, "{api:?}");
                    assert_eq!(results.results.len() + results.missing.len(), 40, "{api:?}");
                    assert_eq!(results.results.is_empty(), kind == Kind::FirstByte, "{api:?}");
                }
                Err(error) => assert_eq!((error.kind, step), (kind, Step::Poll), "{api:?}"),
            }
        }
        assert_eq!(setting.results(&batch.id, &ids).await.missing.len(), 0, "{api:?}: they can be read again");
    }
}

#[tokio::test]
async fn nothing_leaves_that_cannot_be_a_batch() {
    for api in APIS {
        let setting = Setting::new(api).await;
        let batches = setting.batches(LONG);
        let send = async |name: &str, requests: &[(String, Request)]| match batches.has_upload() {
            true => batches.upload(name, requests).await.map(drop).unwrap_err(),
            false => batches.submit(name, requests).await.map(drop).unwrap_err(),
        };
        let other =
            Request { model: Model { id: "m-2".into(), ..setting.model.clone() }, ..request(api, &setting.model) };
        let long = "x".repeat(65);
        for (name, requests, why) in [
            (NAME, vec![], "no_requests"),
            ("a name", setting.requests(&["a"]), "bad_name"),
            (NAME, setting.requests(&["a", "a"]), "bad_custom_id"),
            (NAME, setting.requests(&["a/b"]), "bad_custom_id"),
            (NAME, setting.requests(&[&long]), "bad_custom_id"),
            (NAME, vec![("a".to_owned(), other)], "other_model"),
        ] {
            let error = send(name, &requests).await;
            assert_eq!((error.code.as_deref(), error.may_be_billed()), (Some(why), false), "{api:?}");
        }
        let wrong_step = match batches.has_upload() {
            true => batches.submit(NAME, &setting.requests(&["a"])).await.map(drop),
            false => batches.upload(NAME, &setting.requests(&["a"])).await.map(drop),
        };
        assert_eq!(wrong_step.unwrap_err().code.as_deref(), Some("wrong_step"), "{api:?}");
        assert_eq!(setting.fake.steps(), [], "{api:?}");
    }
    let setting = Setting::with(Api::Mistral, "batch = 'none'").await;
    let error = setting.client.batches(&setting.model, None, LONG).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("no_batch_api"));
}

#[tokio::test]
async fn results_too_large_to_be_fetched_are_not_ordered() {
    let setting = Setting::new(Api::Gemini).await;
    let mut requests = setting.requests(&["a", "b"]);
    requests.iter_mut().for_each(|(_, request)| request.max_tokens = 1_500_000);
    let error = setting.batches(LONG).submit(NAME, &requests).await.unwrap_err();
    assert_eq!((error.code.as_deref(), setting.fake.steps().len()), (Some("batch_too_large"), 0));
}

#[tokio::test]
async fn no_code_goes_to_companies_that_the_row_excludes() {
    for (more, excluded) in [
        ("extra = {}", Some("data_collection")),
        ("extra = { provider = { only = [] } }", Some("data_collection")),
        ("extra = { provider = { only = ['mistral'], zdr = true } }", Some("zdr")),
        ("extra = { provider = { only = ['mistral'] } }", None),
    ] {
        let setting = Setting::with(Api::Openrouter, more).await;
        let sent = setting.submit(&["a"], LONG).await;
        assert_eq!(sent.err().and_then(|error| error.code).as_deref(), excluded, "{more}");
        assert_eq!(setting.fake.steps().is_empty(), excluded.is_some(), "{more}");
    }
}
