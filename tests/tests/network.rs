//! Company networks: certificates of a private authority, and proxies. A TLS front stands before the fake provider, and the real server
//! starts with the environment variables to reach it.
//! It leaves the answers of providers to the other tests. It runs only on Linux: elsewhere only the system's settings decide which
//! certificates are trusted, and no test changes those.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use h2::RecvStream;
use h2::server::SendResponse;
use http::{Request, Response};
use pennyworth_tests::editor::{Editor, binary};
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

/// A name that DNS does not know and only the proxy can reach.
const NAME: &str = "provider.test";
const SECRET: &str = "sk-test";
/// The provider's answer.
const GREETING: &str = "\"hello\";";

/// A provider, its TLS front, and a proxy that connects every request to that front.
struct Network {
    provider: FakeProvider,
    front: u16,
    proxy: u16,
    /// Heads of the requests to the proxy.
    asked: Arc<Mutex<Vec<String>>>,
    /// How often the network changed: the proxy's connections of before carry nothing any more, and nobody is told.
    changes: watch::Sender<usize>,
    home: tempfile::TempDir,
}

impl Network {
    async fn new() -> Network {
        Network::that_speaks("http/1.1").await
    }

    /// A network whose front speaks this protocol.
    async fn that_speaks(protocol: &str) -> Network {
        let (provider, home) = (FakeProvider::start().await.unwrap(), tempfile::tempdir().unwrap());
        provider.always(Answer::new(&[GREETING]));
        let (authority, mut config) = certificates();
        config.alpn_protocols = vec![protocol.into()];
        std::fs::write(home.path().join("authority.pem"), authority).unwrap();
        let front = front(TlsAcceptor::from(Arc::new(config)), provider.port()).await;
        let asked = Arc::default();
        let changes = watch::Sender::new(0);
        let proxy = proxy(front, Arc::clone(&asked), changes.subscribe()).await;
        Network { provider, front, proxy, asked, changes, home }
    }

    /// The file with the authority's certificate.
    fn authority(&self) -> PathBuf {
        self.home.path().join("authority.pem")
    }

    /// Writes a configuration with a model at this address; returns its path.
    fn config(&self, base_url: &str, deadline_ms: u32) -> PathBuf {
        let config = self.home.path().join("config.toml");
        let text = format!(
            "debounce_ms = 0\ndiscover = false\n[embedded]\nenabled = false\n[tasks.expression]\ndeadline_ms = {deadline_ms}\n\
             [model.fake]\nprotocol = \"openai\"\nbase_url = \"{base_url}\"\napi_key_env = \"KEY\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\n\
             context = 8000\nchars_per_token = 4.0\nprice = {{ input = 1, cached = 1, output = 1, as_of = \"2026-11-25\" }}\n"
        );
        std::fs::write(&config, text).unwrap();
        config
    }

    /// Starts a server with a model at this address and these variables, and asks it twice. Returns what is shown, and the messages to the user.
    async fn ask(&self, base_url: &str, environment: &[(&str, &str)]) -> (Vec<Option<String>>, Vec<String>) {
        let config = self.config(base_url, 60_000);
        let home = self.home.path().to_string_lossy();
        let own = [("HOME", &*home), ("KEY", SECRET)];
        let environment: Vec<_> = own.into_iter().chain(environment.iter().copied()).collect();
        let mut editor = Editor::spawn(&binary(), &["--config", &config.to_string_lossy()], &environment).unwrap();
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        let mut shown = Vec::new();
        for number in 0..2 {
            let uri = format!("file:///project/{number}.rs");
            let source = format!("fn main{number}() {{\n    let greeting = \n    print{number}(greeting);\n}}\n");
            editor.open(&uri, "rust", 1, &source).await;
            let place = json!({"textDocument": {"uri": uri}, "position": {"line": 1, "character": 19}, "context": {"triggerKind": 1}});
            let found = editor.request("textDocument/inlineCompletion", place).await;
            shown.push(found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned));
        }
        editor.request("shutdown", Value::Null).await;
        let told = editor.noted("window/showMessage");
        let told = told.iter().map(|note| note["message"].as_str().unwrap_or_default().to_owned()).collect();
        editor.notify("exit", Value::Null).await;
        assert_eq!(editor.ended().await, 0);
        (shown, told)
    }

    /// Takes the heads of the requests to the proxy.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// An authority's certificate in PEM, and the configuration of a front with a certificate of that authority.
fn certificates() -> (String, ServerConfig) {
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let names = CertificateParams::new([NAME.to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = names.signed_by(&key, &Issuer::from_params(&params, authority_key)).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    (authority.pem(), config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
}

/// Starts a TLS front that forwards to the provider; returns its port.
async fn front(tls: TlsAcceptor, provider: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                let mut stream = tls.accept(stream).await?;
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    return http2(stream, provider).await.map_err(std::io::Error::other);
                }
                copy_bidirectional(&mut stream, &mut TcpStream::connect(("127.0.0.1", provider)).await?).await.map(drop)
            });
        }
    });
    port
}

/// Serves HTTP/2 on a connection: each request is passed on to the provider, and its whole answer is passed back.
async fn http2(stream: TlsStream<TcpStream>, provider: u16) -> Result<(), h2::Error> {
    let mut connection = h2::server::Builder::new().handshake(stream).await?;
    while let Some(asked) = connection.accept().await {
        let (request, answer) = asked?;
        tokio::spawn(async move { pass_on(request, answer, provider).await.unwrap() });
    }
    Ok(())
}

async fn pass_on(
    request: Request<RecvStream>,
    mut answer: SendResponse<Cursor<Vec<u8>>>,
    provider: u16,
) -> anyhow::Result<()> {
    let (head, mut body) = request.into_parts();
    let mut asked = Vec::new();
    while let Some(piece) = body.data().await.transpose()? {
        body.flow_control().release_capacity(piece.len())?;
        asked.extend_from_slice(&piece);
    }
    let address = format!("http://127.0.0.1:{provider}{}", head.uri.path());
    let client = reqwest::Client::builder().no_proxy().build()?;
    let said = client.request(head.method, address).headers(head.headers).body(asked).send().await?;
    let mut whole = Response::builder().status(said.status());
    if let Some(kind) = said.headers().get("content-type") {
        whole = whole.header("content-type", kind);
    }
    answer.send_response(whole.body(())?, false)?.send_data(Cursor::new(said.bytes().await?.to_vec()), true)?;
    Ok(())
}

/// Starts a proxy that answers every request alike and closes the connection; returns its port.
async fn stubborn_proxy(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut stream, mut head) = (BufReader::new(stream), String::new());
                while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await? > 0 {}
                stream.write_all(answer.as_bytes()).await
            });
        }
    });
    port
}

/// Starts a proxy that connects every CONNECT request to the front, records the heads of requests and refuses others; returns its port.
async fn proxy(front: u16, asked: Arc<Mutex<Vec<String>>>, changes: watch::Receiver<usize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (asked, mut changes) = (Arc::clone(&asked), changes.clone());
            changes.borrow_and_update();
            tokio::spawn(async move {
                let (mut stream, mut head) = (BufReader::new(stream), String::new());
                while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await? > 0 {}
                asked.lock().unwrap().push(head.clone());
                if !head.starts_with("CONNECT ") {
                    return stream.write_all(b"HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n").await;
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                let mut front = TcpStream::connect(("127.0.0.1", front)).await?;
                tokio::select! {
                    copied = copy_bidirectional(&mut stream, &mut front) => copied.map(drop),
                    _ = changes.changed() => std::future::pending().await,
                }
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_authority_is_named_or_its_absence_is() {
    let network = Network::new().await;
    let address = format!("https://127.0.0.1:{}/v1", network.front);
    let authority = network.authority();
    let named = [("SSL_CERT_FILE", authority.to_str().unwrap())];

    let (shown, told) = network.ask(&address, &named).await;
    assert_eq!(shown, [Some(GREETING.to_owned()), Some(GREETING.to_owned())]);
    assert_eq!(told, [""; 0]);
    let calls = network.provider.seen().len();

    let (shown, told) = network.ask(&address, &[]).await;
    assert_eq!(shown, [None, None]);
    assert_eq!(told.len(), 1, "once, not at each call: {told:?}");
    assert!(told[0].contains("model.fake: the provider's certificate is not trusted"), "{told:?}");
    assert!(told[0].contains("SSL_CERT_FILE"), "{told:?}");
    assert_eq!(network.provider.seen().len(), calls, "nothing is sent to a provider that is not trusted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_machines_are_reached_through_the_proxy_and_this_one_is_not() {
    let network = Network::new().await;
    let (proxy, authority) = (format!("http://127.0.0.1:{}", network.proxy), network.authority());
    let named = ("SSL_CERT_FILE", authority.to_str().unwrap());
    let remote = format!("https://{NAME}/v1");
    let greetings = [Some(GREETING.to_owned()), Some(GREETING.to_owned())];

    let (shown, told) = network.ask(&remote, &[named, ("HTTPS_PROXY", &proxy)]).await;
    assert_eq!((&shown[..], &told[..]), (&greetings[..], &[][..]));
    let asked = network.asked();
    assert!(!asked.is_empty());
    for head in asked {
        assert!(head.starts_with(&format!("CONNECT {NAME}:443 HTTP/1.1\r\n")), "{head}");
        assert!(!head.contains(SECRET), "the key is for the provider");
    }
    let seen = network.provider.seen();
    let posts: Vec<_> = seen.iter().filter(|seen| seen.line.starts_with("POST")).collect();
    assert_eq!(posts.len(), 2);
    let key = ("authorization".to_owned(), format!("Bearer {SECRET}"));
    assert!(posts.iter().all(|post| post.headers.contains(&key)));

    let (shown, _) = network.ask(&remote, &[named, ("HTTPS_PROXY", &proxy), ("NO_PROXY", "other.test,.test")]).await;
    assert_eq!((shown, network.asked()), (vec![None, None], vec![]), "nobody but the proxy knows the name");

    let all = [named, ("HTTP_PROXY", &*proxy), ("HTTPS_PROXY", &*proxy), ("ALL_PROXY", &*proxy)];
    for here in [network.provider.base_url(), format!("https://127.0.0.1:{}/v1", network.front)] {
        let (shown, told) = network.ask(&here, &all).await;
        assert_eq!((&shown[..], &told[..], network.asked()), (&greetings[..], &[][..], vec![]), "{here}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_names_the_proxy_and_what_it_said() {
    let network = Network::new().await;
    let (config, authority) = (network.home.path().join("config.toml"), network.authority());
    let text = format!(
        "discover = false\n[model.fake]\nprotocol = \"openai\"\nbase_url = \"https://{NAME}/v1\"\napi_key_env = \"KEY\"\n\
         model = \"qwen2.5-coder\"\ntier = \"cheap\"\nprice = {{ input = 1, output = 1, as_of = \"2026-11-25\" }}\n"
    );
    std::fs::write(&config, text).unwrap();
    for (answer, expected) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n",
            Some("HTTP 407 Proxy Authentication Required"),
        ),
        (
            "HTTP/1.1 403 Blocked by policy\r\ncontent-type: text/html\r\n\r\n<html>no</html>",
            Some("HTTP 403 Blocked by policy, with a page"),
        ),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>log in</html>", Some("HTTP 200 OK, with a page")),
        ("HTTP/1.1 302 Found\r\nlocation: http://login.test\r\n\r\n", Some("HTTP 302 Found")),
        ("hello\r\n", Some("an answer that is not HTTP")),
        ("", Some("it closes the connection")),
        ("works", None),
    ] {
        let port = if answer == "works" { network.proxy } else { stubborn_proxy(answer).await };
        for online in [&[][..], &["--online"]] {
            let run = tokio::process::Command::new(binary())
                .arg("--config")
                .arg(&config)
                .arg("check")
                .args(online)
                .env_clear()
                .envs([("HOME", network.home.path().as_os_str()), ("SSL_CERT_FILE", authority.as_os_str())])
                .envs([("KEY", SECRET), ("HTTPS_PROXY", &format!("http://user:word@127.0.0.1:{port}"))])
                .output();
            let output = run.await.unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            let proxy = format!("the proxy http://127.0.0.1:{port}");
            match expected {
                Some(said) => {
                    let line = format!("  error: model.fake: {proxy} does not connect to {NAME}:443: {said}\n");
                    assert!(printed.contains(&line), "{answer:?} {online:?}: {printed}");
                    assert!(!printed.contains("all is well"), "{printed}");
                }
                None => assert!(
                    printed.contains(&format!(", through {proxy}\n")) && printed.contains("all is well"),
                    "{printed}"
                ),
            }
            assert_eq!(output.status.success(), expected.is_none(), "{printed}");
            assert!(!printed.contains("word") && !printed.contains(SECRET), "{printed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_refuses_is_named_as_the_cause() {
    let network = Network::new().await;
    let remote = format!("https://{NAME}/v1");
    for answer in ["HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1 403 No\r\n\r\n"] {
        let proxy = format!("http://127.0.0.1:{}", stubborn_proxy(answer).await);
        let (shown, told) = network.ask(&remote, &[("HTTPS_PROXY", &proxy)]).await;
        assert_eq!(shown, [None, None]);
        assert!(told.iter().any(|told| told.contains("the proxy refuses the connection")), "{answer}: {told:?}");
    }
}

/// After a sleep or a change of the network, a connection may be dead without a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_died_in_silence_costs_one_suggestion() {
    for protocol in ["http/1.1", "h2"] {
        dies_in_silence(protocol).await;
    }
}

async fn dies_in_silence(protocol: &str) {
    let network = Network::that_speaks(protocol).await;
    let (proxy, authority) = (format!("http://127.0.0.1:{}", network.proxy), network.authority());
    let config = network.config(&format!("https://{NAME}/v1"), 3000);
    let home = network.home.path().to_string_lossy();
    let environment =
        [("HOME", &*home), ("KEY", SECRET), ("SSL_CERT_FILE", authority.to_str().unwrap()), ("HTTPS_PROXY", &*proxy)];
    let mut editor = Editor::spawn(&binary(), &["--config", &config.to_string_lossy()], &environment).unwrap();
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    let mut number = 0;
    for changes in 0..3 {
        while editor.shown_in(&format!("before{number}"), 2).await.is_none() {
            number += 1;
        }
        let posts = || network.provider.seen().iter().filter(|seen| seen.line.starts_with("POST")).count();
        let before = posts();
        number += 1;
        network.changes.send_replace(changes + 1);
        assert_eq!(editor.shown_in(&format!("lost{number}"), 2).await, None, "{protocol}: the connection is dead");
        assert_eq!(posts(), before);
        assert_eq!(
            editor.shown_in(&format!("found{number}"), 2).await.as_deref(),
            Some(GREETING),
            "{protocol} {changes}"
        );
    }
    assert_eq!(editor.shutdown().await, 0);
}
