//! What lies between a server and its models in companies: certificates of a private authority, and proxies. A front that speaks TLS stands
//! before the fake provider, and the real server is started with the variables that say how to reach it.
//! It leaves what providers answer to the other tests. Elsewhere than on Linux the system alone says what is trusted, and no test changes that.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pennyworth_tests::editor::{Editor, binary};
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A name that no server of names knows, and that only the proxy can reach.
const NAME: &str = "provider.test";
const SECRET: &str = "sk-test";
/// What the provider answers.
const GREETING: &str = "\"hello\";";

/// A provider, the front that speaks TLS for it, and a proxy that leads there whatever it is asked for.
struct Network {
    provider: FakeProvider,
    front: u16,
    proxy: u16,
    /// What the proxy was asked for: heads of requests.
    asked: Arc<Mutex<Vec<String>>>,
    home: tempfile::TempDir,
}

impl Network {
    async fn new() -> Network {
        let (provider, home) = (FakeProvider::start().await.unwrap(), tempfile::tempdir().unwrap());
        provider.always(Answer::new(&[GREETING]));
        let (authority, config) = certificates();
        std::fs::write(home.path().join("authority.pem"), authority).unwrap();
        let front = front(TlsAcceptor::from(Arc::new(config)), provider.port()).await;
        let asked = Arc::default();
        let proxy = proxy(front, Arc::clone(&asked)).await;
        Network { provider, front, proxy, asked, home }
    }

    /// The file with the authority's certificate.
    fn authority(&self) -> PathBuf {
        self.home.path().join("authority.pem")
    }

    /// Starts a server with a model at this address under these variables, and asks it twice: what is shown, and what is told to the user.
    async fn ask(&self, base_url: &str, environment: &[(&str, &str)]) -> (Vec<Option<String>>, Vec<String>) {
        let config = self.home.path().join("config.toml");
        let text = format!(
            "debounce_ms = 0\ndiscover = false\n[embedded]\nenabled = false\n[tasks.expression]\ndeadline_ms = 60000\n\
             [model.fake]\nprotocol = \"openai\"\nbase_url = \"{base_url}\"\napi_key_env = \"KEY\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\n\
             context = 8000\nchars_per_token = 4.0\nprice = {{ input = 1, cached = 1, output = 1, as_of = \"2026-11-25\" }}\n"
        );
        std::fs::write(&config, text).unwrap();
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

    /// The heads the proxy got since it was last asked.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// An authority's certificate as a file holds it, and what the front needs to speak in its name.
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

/// Speaks TLS and passes on what it reads; its port.
async fn front(tls: TlsAcceptor, provider: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                let mut stream = tls.accept(stream).await?;
                copy_bidirectional(&mut stream, &mut TcpStream::connect(("127.0.0.1", provider)).await?).await
            });
        }
    });
    port
}

/// Opens a way to the front for whoever asks for one, writes down the heads of what it is asked, and refuses everything else; its port.
async fn proxy(front: u16, asked: Arc<Mutex<Vec<String>>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let asked = Arc::clone(&asked);
            tokio::spawn(async move {
                let (mut stream, mut head) = (BufReader::new(stream), String::new());
                while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await? > 0 {}
                asked.lock().unwrap().push(head.clone());
                if !head.starts_with("CONNECT ") {
                    return stream.write_all(b"HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n").await;
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                copy_bidirectional(&mut stream, &mut TcpStream::connect(("127.0.0.1", front)).await?).await.map(drop)
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
    assert_eq!(network.provider.seen().len(), calls, "nothing is said to who cannot be trusted");
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
