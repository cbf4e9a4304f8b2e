//! A model whose code must stay on this machine is sent a prompt only if its server does not keep silent about where it runs, and no other
//! prompt once an answer tells that another machine wrote it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use pennyworth_core::models::{Model, Models};
use pennyworth_core::prompt::Body;
use pennyworth_providers::{Chunk, Client, Kind, Request, Timeouts};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The same in OpenAI's protocol.
const EVENTS: &str = "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
/// What LiteLLM answers at its own path.
const ALIVE: &str = "\"I'm alive!\"";
/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);
/// Without a line break behind it, so that the end of the body ends it.
const ANSWER: &str = r#"{"response":"a","done":true,"done_reason":"stop"}"#;
const ELSEWHERE: &str =
    r#"{"remote_model":"gpt-oss:120b","remote_host":"https://ollama.com:443","response":"a","done":true}"#;

/// A server that says where its models run by one answer, or never, and completes by another; its address, and the count of its completions.
async fn server(describes: Option<String>, completes: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let prompts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&prompts);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (describes, count) = (describes.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let head = head(&mut stream).await;
                let answer = match head.starts_with("POST /api/show ") || head.starts_with("GET ") {
                    true => describes,
                    false => {
                        count.fetch_add(1, Ordering::SeqCst);
                        Some(http("200 OK", completes))
                    }
                };
                match answer {
                    Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                    None => while stream.read_u8().await.is_ok() {},
                }
            });
        }
    });
    (address, prompts)
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = vec![0; 16];
    stream.read_exact(&mut head).await.unwrap();
    String::from_utf8(head).unwrap()
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/x-ndjson\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn model(address: &str, id: &str, more: &str) -> Model {
    let row =
        format!("[model.m]\nprovider = 'ollama'\nbase_url = '{address}'\nmodel = '{id}'\nformat = 'suffix'\n{more}");
    let (models, problems) = Models::builtin().extended("config.toml", &row);
    assert_eq!(problems, []);
    models.get("m").unwrap().clone()
}

/// The text, or the kind of the error.
async fn ask(client: &Client, model: Model) -> Result<String, Kind> {
    ask_within(client, model, LONG).await
}

async fn ask_within(client: &Client, model: Model, first_byte: Duration) -> Result<String, Kind> {
    let mut answer = client.ask(Request {
        model,
        key: None,
        body: Body::Raw { prompt: "fn a() {".into() },
        prompt_tokens: 7,
        max_tokens: 16,
        stops: Vec::new(),
        temperature: 0.0,
        schema: None,
        cache_key: None,
        timeouts: Timeouts { first_byte, silence: LONG, total: LONG },
    });
    let mut text = String::new();
    while let Some(chunk) = answer.next().await {
        if let Chunk::Text { text: more, .. } = chunk.map_err(|error| error.kind)? {
            text.push_str(&more);
        }
    }
    Ok(text)
}

#[tokio::test]
async fn no_prompt_is_sent_where_the_server_does_not_say_where_the_model_runs() {
    let ok = |body: &str| Some(http("200 OK", body));
    let cut = || Some("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned());
    for (describes, error) in [
        (ok("{}"), None),
        (ok(r#"{"details":{"family":"qwen2"}}"#), None),
        (Some(http("404 Not Found", r#"{"error":"model not found"}"#)), None),
        (Some(http("405 Method Not Allowed", "")), None),
        (Some(http("500 No", r#"{"error":"it broke"}"#)), Some(Kind::Unplaced)),
        (Some(http("503 No", "{}")), Some(Kind::Unplaced)),
        (ok("<html>"), Some(Kind::Unplaced)),
        (ok(""), Some(Kind::Unplaced)),
        (ok("null"), Some(Kind::Unplaced)),
        (ok(&" ".repeat(8 * 1024 * 1024 + 1)), Some(Kind::Unplaced)),
        (cut(), Some(Kind::Unplaced)),
        (Some("SSH-2.0\r\n".to_owned()), Some(Kind::Unplaced)),
        (None, Some(Kind::FirstByte)),
        (ok(r#"{"details":{"remote_host":"https://ollama.com"}}"#), Some(Kind::Elsewhere)),
    ] {
        let label = describes.as_deref().map(|text| text.chars().take(60).collect::<String>());
        // Only silence runs into the deadline of the call, which is the only one.
        let first = if describes.is_some() { LONG } else { Duration::from_millis(800) };
        let (address, prompts) = server(describes, ANSWER).await;
        let came = ask_within(&Client::new().unwrap(), model(&address, "m", ""), first).await;
        assert_eq!((came.err(), prompts.load(Ordering::SeqCst)), (error, usize::from(error.is_none())), "{label:?}");
    }
}

#[tokio::test]
async fn any_other_server_is_asked_once_whether_it_passes_prompts_on() {
    let litellm = || Some(http("401 Unauthorized\r\nx-litellm-version: 1.106.2", "{}"));
    for (says, path, error) in [
        (Some(http("404 Not Found", r#"{"detail":"Not Found"}"#)), "", None),
        (Some(http("404 Not Found", "I'm alive! is no page here")), "", None),
        (Some(http("200 OK", "<html>")), "/v1", None),
        (Some(http("200 OK", "")), "", None),
        (Some(http("401 Unauthorized", "{}")), "", None),
        (Some(http("200 OK", &" ".repeat(1 << 20))), "", None),
        (Some(http("200 OK", ALIVE)), "", Some(Kind::Elsewhere)),
        (Some(http("200 OK", ALIVE)), "/v1", Some(Kind::Elsewhere)),
        (Some(http("200 OK", ALIVE)), "/proxy/v1/", Some(Kind::Elsewhere)),
        (Some(http("503 Service Unavailable", r#"{"status":"shutting_down"}"#)), "", Some(Kind::Elsewhere)),
        (litellm(), "", Some(Kind::Elsewhere)),
        (Some("SSH-2.0\r\n".to_owned()), "", Some(Kind::Unplaced)),
        (None, "", Some(Kind::FirstByte)),
    ] {
        let label = says.as_deref().map(|text| text.chars().take(60).collect::<String>());
        let first = if says.is_some() { LONG } else { Duration::from_millis(800) };
        let (address, prompts) = server(says, EVENTS).await;
        let row = format!(
            "[model.m]\nprotocol = 'openai'\nbase_url = '{address}{path}'\nmodel = 'm'\nformat = 'suffix'\ntier = 'local'"
        );
        let (models, problems) = Models::builtin().extended("config.toml", &row);
        assert_eq!(problems, []);
        let (client, model) = (Client::new().unwrap(), models.get("m").unwrap());
        for asked in 1..=2 {
            let came = ask_within(&client, model.clone(), first).await;
            assert_eq!(came, error.map_or_else(|| Ok("a".to_owned()), Err), "{label:?}");
            assert_eq!(prompts.load(Ordering::SeqCst), if error.is_none() { asked } else { 0 }, "{label:?}");
        }
    }
}

#[tokio::test]
async fn a_model_whose_answer_another_machine_wrote_gets_no_other_prompt() {
    let (address, prompts) = server(Some(http("200 OK", "{}")), ELSEWHERE).await;
    let client = Client::new().unwrap();
    for _ in 0..3 {
        assert_eq!(ask(&client, model(&address, "m", "")).await, Err(Kind::Elsewhere));
    }
    assert_eq!(prompts.load(Ordering::SeqCst), 1);
    assert_eq!(client.runs_here(&model(&address, "m", "")).await.unwrap_err().code.as_deref(), Some("ollama.com"));
    client.runs_here(&model(&address, "another", "")).await.unwrap();
    let paid = "tier = 'cheap'\nprice = { input = 1, output = 1, as_of = '2026-11-25' }";
    assert_eq!(ask(&client, model(&address, "m", paid)).await, Ok("a".to_owned()), "its row says that code leaves");
}
