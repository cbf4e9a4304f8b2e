//! The client against a provider that fails: the error and the next action that each fault must give, and what reaches the wire.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use fake_provider::{Answer, FakeProvider, Fault};
use futures_util::StreamExt;
use pennyworth_core::models::{Model, Models};
use pennyworth_core::prompt::Body;
use pennyworth_providers::{Chunk, Client, FinishReason, Kind, Next, Pace, Request, SecretString, Timeouts};
use serde_json::{Value, json};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

#[allow(dead_code, missing_docs, unreachable_pub, reason = "shared with other tests, each of which uses a part")]
#[path = "../../../tests/src/fake_provider.rs"]
mod fake_provider;

fn model(base_url: &str, more: &str) -> Model {
    let row = format!("[model.local]\nbase_url = '{base_url}'\nlogprobs = true\n{more}");
    let (models, problems) = Models::builtin().extended("config.toml", &row);
    assert_eq!(problems, []);
    models.get("local").unwrap().clone()
}

fn request(model: Model) -> Request {
    Request {
        model,
        key: Some(SecretString::from("sk-secret")),
        body: Body::Raw { prompt: "fn a() {".into() },
        prompt_tokens: 7,
        max_tokens: 16,
        stops: vec!["\n".into()],
        temperature: 0.0,
        schema: None,
        cache_key: None,
        timeouts: Timeouts { first_byte: LONG, silence: LONG, total: LONG },
    }
}

/// What came: text, whether the usage is an estimate, and how it ended.
#[derive(Debug, PartialEq)]
struct Came {
    text: String,
    estimated: Option<bool>,
    end: Result<FinishReason, (Kind, Next)>,
}

async fn ask(client: &Client, request: Request) -> Came {
    let mut answer = client.ask(request);
    let mut came = Came { text: String::new(), estimated: None, end: Err((Kind::Client, Next::Fatal)) };
    let mut ended = false;
    while let Some(chunk) = answer.next().await {
        assert!(!ended, "nothing follows the end");
        match chunk {
            Ok(Chunk::Limits(_)) => {}
            Ok(Chunk::Text { text, .. }) => came.text.push_str(&text),
            Ok(Chunk::Usage(usage)) => came.estimated = Some(usage.estimated),
            Ok(Chunk::Finish(reason)) => (came.end, ended) = (Ok(reason), true),
            Err(error) => {
                assert!(!format!("{error} {error:?}").contains("secret"));
                (came.end, ended) = (Err((error.kind, error.next)), true);
            }
        }
    }
    came
}

async fn check(fault: Fault, text: &str, estimated: Option<bool>, end: Result<FinishReason, (Kind, Next)>) {
    let provider = FakeProvider::start().await.unwrap();
    let label = format!("{fault:?}");
    let silent = matches!(
        fault,
        Fault::HangBeforeFirstByte | Fault::HangAfterHead | Fault::StallAfter(_) | Fault::HangAfter(..)
    );
    provider.always(Answer::new(&["a", " + ", "b"]).with(fault));
    let mut request = request(model(&provider.base_url(), ""));
    if silent {
        // Only silence runs into a timeout; loopback needs a small part of this.
        request.timeouts =
            Timeouts { first_byte: Duration::from_millis(800), silence: LONG, total: Duration::from_millis(1600) };
    }
    let client = Client::new().unwrap();
    let came = ask(&client, request).await;
    assert_eq!(came, Came { text: text.into(), estimated, end }, "{label}");
    let posts = provider.seen().iter().filter(|seen| seen.line.starts_with("POST")).count();
    assert_eq!(posts, 1, "{label}: nothing is asked twice");
}

fn status(status: u16, body: Value) -> Fault {
    Fault::Status(status, Vec::new(), body)
}

#[tokio::test]
async fn each_status_says_what_to_do_next() {
    use Kind::*;
    use Next::*;
    let error = |code: &str| json!({"error": {"message": "fn secret() {}", "code": code}});
    let said = |message: &str| json!({"error": {"message": message, "code": "400"}});
    let pause = |header: &'static str, value: &str| vec![(header, value.to_owned())];
    for (fault, kind, next) in [
        (status(429, json!({})), RateLimited, RetryAfter(None)),
        (
            Fault::Status(429, pause("retry-after", "7"), json!({})),
            RateLimited,
            RetryAfter(Some(Duration::from_secs(7))),
        ),
        (
            Fault::Status(429, pause("retry-after-ms", "70"), json!({})),
            RateLimited,
            RetryAfter(Some(Duration::from_millis(70))),
        ),
        (status(429, error("insufficient_quota")), Budget, Rest(Pace::Budget)),
        (status(429, error("budget_exceeded")), Budget, Rest(Pace::Budget)),
        (status(401, error("invalid_api_key")), Key, Rest(Pace::Account)),
        (status(402, json!("secret")), Quota, Rest(Pace::Account)),
        (status(403, json!(null)), Blocked, NextModel),
        (status(403, json!({"message": "Forbidden"})), Blocked, NextModel),
        (status(403, error("forbidden_key")), Key, Rest(Pace::Account)),
        (status(404, error("model_not_found")), NotFound, RestModel(Pace::Minutes)),
        (status(400, json!({"error": "m does not support insert"})), NoInfill, RestModel(Pace::Minutes)),
        (status(400, error("context_length_exceeded")), TooLong, NextModel),
        (status(400, error("other")), Refused, NextModel),
        (status(400, said("No connected db.")), Key, Rest(Pace::Account)),
        (status(400, said("/completions: Invalid model name passed in model=x.")), NotFound, RestModel(Pace::Minutes)),
        (status(400, said("x is not a valid model ID")), NotFound, RestModel(Pace::Minutes)),
        (
            status(501, said("Infill is not supported by this model: prefix token is missing.")),
            NoInfill,
            RestModel(Pace::Minutes),
        ),
        (status(413, json!({})), TooLong, NextModel),
        (status(500, error("server_error")), Server, RetryAfter(None)),
        (Fault::Status(503, pause("retry-after", "2"), json!({})), Server, RetryAfter(Some(Duration::from_secs(2)))),
        (status(529, error("overloaded_error")), Server, RetryAfter(None)),
        (status(407, json!(null)), Proxy, Rest(Pace::Minutes)),
        (Fault::Page(403, "text/html", "<html>Sorry, you have been blocked</html>"), Blocked, NextModel),
        (Fault::Page(403, "text/plain", "error code: 1020"), Blocked, NextModel),
        (Fault::Page(403, "application/json", ""), Blocked, NextModel),
        (Fault::Page(400, "text/plain", "the request exceeds the available context size"), TooLong, NextModel),
        (Fault::Page(429, "text/plain", "budget_exceeded: over budget"), Budget, Rest(Pace::Budget)),
        (
            Fault::Page(403, "application/problem+json", r#"{"title":"Access denied","cloudflare_error":true}"#),
            Blocked,
            NextModel,
        ),
        (Fault::Page(403, "application/json", r#"{"message":null}"#), Blocked, NextModel),
        (Fault::Page(401, "text/html", "<html>log in</html>"), Blocked, NextModel),
        (Fault::Page(401, "text/plain", "Unauthorized"), Key, Rest(Pace::Account)),
        (Fault::Page(401, "application/json", ""), Key, Rest(Pace::Account)),
        (Fault::Page(404, "text/html", "<html>not found</html>"), NotFound, NextModel),
        (Fault::Page(404, "", "404 page not found"), NotFound, NextModel),
        (Fault::Page(404, "application/json", ""), NotFound, RestModel(Pace::Minutes)),
        (Fault::Page(405, "text/html", "<html>not allowed</html>"), NotFound, NextModel),
        (Fault::Page(200, "text/html", "<html>Request Rejected</html>"), Blocked, NextModel),
        (Fault::Page(200, "Text/HTML; charset=utf-8", ""), Blocked, NextModel),
        (Fault::Page(503, "text/html", "<html>unavailable</html>"), Server, RetryAfter(None)),
        (
            Fault::Status(429, pause("retry-after", "86400"), json!({})),
            RateLimited,
            RetryAfter(Some(Duration::from_secs(600))),
        ),
        (Fault::Status(429, pause("retry-after", "0"), json!({})), RateLimited, RetryAfter(None)),
        (
            Fault::Status(503, pause("retry-after", "Thu, 01 Jan 2015 00:00:00 GMT"), json!({})),
            Server,
            RetryAfter(None),
        ),
        (Fault::Status(302, pause("location", "http://elsewhere.invalid/"), json!({})), Redirect, Rest(Pace::Minutes)),
    ] {
        check(fault, "", None, Err((kind, next))).await;
    }
}

#[tokio::test]
async fn each_broken_answer_is_an_error_and_what_it_wrote_is_accounted() {
    use Kind::*;
    use Next::*;
    let overloaded = json!({"error": {"message": "secret", "code": 529}});
    for (fault, text, estimated, kind, next) in [
        (Fault::HangBeforeFirstByte, "", None, FirstByte, RetryAfter(None)),
        (Fault::HangAfterHead, "", None, FirstByte, RetryAfter(None)),
        (Fault::StallAfter(2), "a + ", Some(true), Deadline, RetryAfter(None)),
        (Fault::ResetAfter(1), "a", Some(true), CutOff, RetryAfter(None)),
        (Fault::CutAfter(0), "", None, CutOff, RetryAfter(None)),
        (Fault::CutAfter(2), "a + ", Some(true), CutOff, RetryAfter(None)),
        (Fault::MalformedAfter(2), "a + ", Some(true), Malformed, NextModel),
        (Fault::ErrorAfter(2, overloaded), "a + ", Some(true), Server, RetryAfter(None)),
        (Fault::HugeFrame(400_000), "", None, TooLarge, NextModel),
    ] {
        check(fault, text, estimated, Err((kind, next))).await;
    }
}

/// Bounds on bytes and text end these, without a deadline.
#[tokio::test]
async fn what_never_ends_is_read_within_bounds() {
    use Kind::*;
    use Next::*;
    const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    const NESTED: &str = "data: {\"choices\":[{\"index\":0,\"text\":\"(\"}]}\n\n";
    let most = "(".repeat(16 * 32 + 1024);
    for (head, text, came, estimated, end) in [
        (EVENTS, NESTED, most.as_str(), Some(true), Ok(FinishReason::Length)),
        (EVENTS, "data: {\"choices\":[{\"index\":0,\"text\":\"\"}]}\n\n", "", None, Err((TooLarge, NextModel))),
        (EVENTS, "data: {}\n\n", "", None, Err((TooLarge, NextModel))),
        (EVENTS, "data:\n\n", "", None, Err((TooLarge, NextModel))),
        (EVENTS, ": ping\n\n", "", None, Err((TooLarge, NextModel))),
        (EVENTS, "\n", "", None, Err((TooLarge, NextModel))),
        (EVENTS, "data: x", "", None, Err((TooLarge, NextModel))),
        (EVENTS, "data: [[[[\n", "", None, Err((TooLarge, NextModel))),
        (JSON, "[", "", None, Err((TooLarge, NextModel))),
        ("HTTP/1.1 503 No\r\ncontent-type: application/json\r\n\r\n", "[", "", None, Err((Server, RetryAfter(None)))),
        ("HTTP/1.1 403 No\r\ncontent-type: text/html\r\n\r\n", "<p>", "", None, Err((Blocked, NextModel))),
        ("HTTP/1.1 200 OK\r\n", "x-more: 1\r\n", "", None, Err((CutOff, RetryAfter(None)))),
        ("HTTP/1.1 200 OK\r\nx-more: ", "1", "", None, Err((CutOff, RetryAfter(None)))),
    ] {
        check(Fault::Endless(head, text), came, estimated, end).await;
    }
}

/// A deadline ends these.
#[tokio::test]
async fn what_stops_in_the_middle_of_a_body_is_given_up() {
    const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    const BUSY: &str = "HTTP/1.1 429 No\r\ncontent-type: application/json\r\nretry-after: 7\r\n\r\n";
    let seven = Next::RetryAfter(Some(Duration::from_secs(7)));
    for (head, end) in [(JSON, (Kind::Deadline, Next::RetryAfter(None))), (BUSY, (Kind::RateLimited, seven))] {
        check(Fault::HangAfter(head, "{\"choices\""), "", None, Err(end)).await;
    }
}

/// The body of an answer that is not streamed has no length, or a wrong one, and the connection stays open.
#[tokio::test]
async fn an_answer_is_whole_although_its_body_does_not_end() {
    const WHOLE: &str = r#"{"choices":[{"index":0,"text":"a + b","finish_reason":"stop"}],
        "usage":{"prompt_tokens":7,"completion_tokens":3}}"#;
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n",
    ] {
        check(Fault::HangAfter(head, WHOLE), "a + b", Some(false), Ok(FinishReason::Stop)).await;
    }
}

#[tokio::test]
async fn a_failure_with_a_bill_is_accounted() {
    for body in [
        json!({"error": {"message": "it broke"}, "usage": {"prompt_tokens": 7, "completion_tokens": 2}}),
        json!({"error": {"message": "it broke", "usage": {"prompt_tokens": 7, "completion_tokens": 2}}}),
    ] {
        check(status(500, body), "", Some(false), Err((Kind::Server, Next::RetryAfter(None)))).await;
    }
}

#[tokio::test]
async fn whole_answers_end_well() {
    for (fault, estimated) in [(Fault::None, false), (Fault::NoUsage, true), (Fault::NotStreamed, false)] {
        check(fault, "a + b", Some(estimated), Ok(FinishReason::Stop)).await;
    }
}

#[tokio::test]
async fn no_server_is_no_connection() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let came = ask(&Client::new().unwrap(), request(model(&format!("http://{free}/v1"), ""))).await;
    assert_eq!(came.end, Err((Kind::Connect, Next::RetryAfter(None))));
}

#[tokio::test]
async fn refused_fields_are_left_out_once_and_for_all_but_never_the_ceiling() {
    let provider = FakeProvider::start().await.unwrap();
    let fault = Fault::Refuses(vec!["max_tokens", "stop", "logprobs", "stream_options"]);
    provider.always(Answer::new(&["x"; 40]).with(fault));
    let client = Client::new().unwrap();
    let model = model(&provider.base_url(), "");
    let came = ask(&client, request(model.clone())).await;
    assert_eq!((came.text.len(), came.estimated, came.end), (16, Some(true), Ok(FinishReason::Length)));
    assert_eq!(provider.seen().len(), 5, "four refusals and the answer");
    ask(&client, request(model.clone())).await;
    let seen = provider.seen();
    assert_eq!(seen.len(), 6, "learned for the process");
    assert_eq!(
        seen.last().unwrap().body,
        json!({"model": model.id, "prompt": "fn a() {", "stream": true, "temperature": 0, "max_completion_tokens": 16})
    );
    assert_eq!(provider.bill().calls, 2);
}

#[tokio::test]
async fn a_refused_suffix_is_an_error_and_is_not_asked_again() {
    let provider = FakeProvider::start().await.unwrap();
    provider.always(Answer::new(&["x"]).with(Fault::Refuses(vec!["suffix"])));
    let body = Body::Fields { prompt: "a".into(), suffix: "b".into(), excerpts: Vec::new() };
    let came = ask(&Client::new().unwrap(), Request { body, ..request(model(&provider.base_url(), "")) }).await;
    assert_eq!((came.end, provider.seen().len()), (Err((Kind::Refused, Next::NextModel)), 1));
}

#[tokio::test]
async fn dropping_an_answer_closes_the_connection() {
    let provider = FakeProvider::start().await.unwrap();
    let client = Client::new().unwrap();
    for fault in [Fault::StallAfter(2), Fault::HangAfterHead, Fault::HangBeforeFirstByte] {
        provider.answer(Answer::new(&["a", "b", "c"]).with(fault));
    }
    let mut answer = client.ask(request(model(&provider.base_url(), "")));
    assert!(matches!(answer.next().await, Some(Ok(Chunk::Text { .. }))));
    drop(answer);
    provider.closed(1).await;
    for count in 2..=3 {
        let mut answer = client.ask(request(model(&provider.base_url(), "")));
        // Polled until the server has the request, then dropped before any answer.
        tokio::select! {
            _ = answer.next() => panic!("nothing comes"),
            () = async { while provider.seen().len() < count { tokio::task::yield_now().await } } => {}
        }
        drop(answer);
        provider.closed(count).await;
    }
    assert_eq!(provider.bill().output, 2, "what was sent before the close");
}

/// A server on this machine may close a connection at any time; a request sent on one that was just closed is lost.
#[tokio::test]
async fn no_call_to_this_machine_meets_a_connection_that_was_used_before() {
    let provider = FakeProvider::start().await.unwrap();
    provider.always(Answer::new(&["a"]));
    let client = Client::new().unwrap();
    let model = model(&provider.base_url(), "");
    client.probe(&model, None).await.unwrap();
    for _ in 1..=5 {
        provider.closed(provider.connections()).await;
        ask(&client, request(model.clone())).await;
    }
    assert_eq!(provider.connections(), 8, "the first call asked, too, whether it is a proxy or an Ollama");
}

#[tokio::test]
async fn the_wire_has_the_key_the_ceiling_and_the_models_own_fields() {
    let provider = FakeProvider::start().await.unwrap();
    provider.always(Answer::new(&["a"]));
    let model =
        model(&provider.base_url(), "format = 'chat'\nextra = { reasoning_effort = 'none', max_tokens = 9000 }");
    let body = Body::Chat { system: "rules".into(), shared: String::new(), user: "file".into() };
    let asked = Request { body, ..request(model) };
    let shown = format!("{asked:?}");
    assert!(["sk-secret", "rules", &asked.model.base_url].iter().all(|hidden| !shown.contains(hidden)), "{shown}");
    let came = ask(&Client::new().unwrap(), asked).await;
    assert_eq!(came.end, Ok(FinishReason::Stop));
    let seen = provider.seen().remove(0);
    assert_eq!(seen.line, "POST /v1/chat/completions");
    assert!(seen.headers.contains(&("authorization".into(), "Bearer sk-secret".into())));
    let expected = json!({"model": "qwen2.5-coder:1.5b-base", "stream": true, "stream_options": {"include_usage": true}, "temperature": 0,
        "messages": [{"role": "system", "content": "rules"}, {"role": "user", "content": "file"}], "stop": ["\n"], "logprobs": true,
        "reasoning_effort": "none", "max_tokens": 16});
    assert_eq!(seen.body, expected);
}
