//! The one HTTP client of the process: its connections, its rules for proxies and redirects, and what it learned about providers.
//! It leaves bodies and answers to the protocols.

use std::collections::HashSet;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use pennyworth_core::models::{Model, is_loopback};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::timeout;

use crate::connections::Connections;
use crate::error::{Kind, ProviderError};
use crate::limits::Limits;
use crate::protocols::wire;
use crate::quirks::Quirks;
use crate::refusal::{self, Answered};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept, since a new one costs two or three round trips.
const IDLE: Duration = Duration::from_secs(120);
/// Time between two pings of an HTTP/2 connection on which a request waits, and the longest wait for their answer.
const PING: Duration = Duration::from_secs(2);
const PONG: Duration = Duration::from_secs(2);
/// Time after which, and between which, the system probes a connection that carries nothing.
const PROBE: Duration = Duration::from_secs(15);
/// Most redirects of a request, all to the same host.
const REDIRECTS: usize = 3;
/// Most bytes of an error's body.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// Longest wait for an error's body.
const ERROR_BODY: Duration = Duration::from_millis(500);

/// Connections to providers. A clone shares them.
#[derive(Clone, Debug)]
pub struct Client {
    /// For other machines; honours the system's proxy. Without a client if the system has no trusted certificates.
    pub(crate) remote: Arc<Connections>,
    /// For this machine, without a proxy: code for a model here must not pass through a proxy elsewhere.
    loopback: reqwest::Client,
    pub(crate) quirks: Arc<Quirks>,
    /// Addresses at which a proxy answered for a model that must run here.
    pub(crate) proxies: Arc<Mutex<HashSet<String>>>,
}

impl Client {
    /// A client without connections.
    pub fn new() -> Result<Client, ProviderError> {
        install_crypto();
        // Calls to this machine must work without the system's certificates, too. They never reuse a connection: a server here may close it
        // at any time, a request on one that was just closed is lost, and a new connection costs microseconds.
        let here = || builder().no_proxy().pool_max_idle_per_host(0);
        let loopback = here().build().or_else(|_| here().tls_certs_only([]).build());
        let loopback = loopback.map_err(|_| ProviderError::new(Kind::Client))?;
        let remote = Arc::new(Connections::new(|| builder().build().ok()));
        Ok(Client { remote, loopback, quirks: Arc::default(), proxies: Arc::default() })
    }

    /// A request to a server on this machine, without a key; `None` for an address elsewhere.
    pub(crate) fn loopback(&self, method: reqwest::Method, address: &str) -> Option<reqwest::RequestBuilder> {
        is_loopback(address).then(|| self.loopback.request(method, address))
    }

    /// A request to another machine, without a key.
    pub(crate) fn remote(&self, address: &str) -> Result<reqwest::RequestBuilder, ProviderError> {
        let remote = self.remote.client().ok_or_else(|| ProviderError::new(Kind::Certificate))?;
        Ok(remote.get(address))
    }

    /// A request to a path below the model's address, with the key.
    pub(crate) fn request(
        &self,
        method: reqwest::Method,
        model: &Model,
        path: &str,
        key: Option<&SecretString>,
    ) -> Result<reqwest::RequestBuilder, ProviderError> {
        let wire = wire(model.protocol);
        let here = model.address_is_here();
        let remote = || self.remote.client().ok_or_else(|| ProviderError::new(Kind::Certificate));
        let client = if here { self.loopback.clone() } else { remote()? };
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            // A key must not cross a network in clear text.
            if !here && !model.base_url.starts_with("https://") {
                return Err(ProviderError::new(Kind::Key));
            }
            let key = key.expose_secret().trim();
            let own = model.api_key_header.as_deref().or(wire.key_header);
            let (name, text) = match own {
                Some(name) => (self::name(name)?, key.to_owned()),
                None => (AUTHORIZATION, format!("Bearer {key}")),
            };
            let mut value = HeaderValue::from_str(&text).map_err(|_| ProviderError::new(Kind::Key))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let own = model.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in wire.headers.iter().copied().chain(own) {
            let value = HeaderValue::from_str(value).map_err(|_| ProviderError::new(Kind::Client))?;
            headers.insert(self::name(name)?, value);
        }
        Ok(client.request(method, format!("{}{path}", model.base_url)).headers(headers))
    }
}

fn name(text: &str) -> Result<HeaderName, ProviderError> {
    text.parse().map_err(|_| ProviderError::new(Kind::Client))
}

/// Gives the process its cryptography for TLS. [`Client::new`] calls it; any other client of `reqwest` needs the call before it is built.
pub fn install_crypto() {
    // It fails only if the process has one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("pennyworth/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        // Only while a request waits for its answer, so that an idle process stays idle.
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PONG)
        .http2_keep_alive_while_idle(false)
        // The system probes unused connections by itself.
        .tcp_keepalive(PROBE)
        .tcp_keepalive_interval(PROBE)
        .tcp_keepalive_retries(2)
        .tcp_nodelay(true)
        .referer(false)
        .retry(reqwest::retry::never())
        .redirect(Policy::custom(|attempt| {
            let origin = |url: &reqwest::Url| url.origin();
            let same = attempt.previous().first().is_some_and(|first| origin(first) == origin(attempt.url()));
            if same && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
        }))
}

/// Sends a request. An answer without a success status becomes an error and its JSON body.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<reqwest::Response, (ProviderError, Value)> {
    let response = request.send().await.map_err(|error| (transport(&error), Value::Null))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let (status, now) = (response.status().as_u16(), now());
    let pause = refusal::asked(header("retry-after-ms"), header("retry-after"), now);
    let pause = pause.or_else(|| Limits::read(response.headers(), now)?.pause());
    let is_html = header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"));
    // The status says enough if the rest does not come.
    let text = timeout(ERROR_BODY, body(response, MAX_ERROR_BODY)).await.ok().and_then(Result::ok).unwrap_or_default();
    let parsed: Option<Value> = serde_json::from_slice(&text).ok();
    // An API's own errors are JSON; other text comes from a firewall or a gateway before it.
    let is_page = parsed.is_none() && (is_html || !text.trim_ascii().is_empty());
    let body = parsed.unwrap_or_default();
    Err((ProviderError::answer(&Answered { status, body: &body, is_page, pause, now }), body))
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Reads a body; one of more than `most` bytes is an error.
pub(crate) async fn body(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, ProviderError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| transport(&error))? {
        body.extend_from_slice(&piece);
        if body.len() > most {
            return Err(ProviderError::new(Kind::TooLarge));
        }
    }
    Ok(body)
}

/// The error for a failed connection, without reqwest's message, which may contain the address and any secret in it.
pub(crate) fn transport(error: &reqwest::Error) -> ProviderError {
    if let Some(status) = refused_by_proxy(error) {
        return ProviderError { status, ..ProviderError::new(Kind::Proxy) };
    }
    ProviderError::new(match () {
        () if error.is_builder() => Kind::Client,
        () if is_untrusted(error) => Kind::Certificate,
        () if error.is_connect() => Kind::Connect,
        () if error.is_timeout() => Kind::Deadline,
        () if error.is_redirect() => Kind::Redirect,
        () => Kind::CutOff,
    })
}

/// The status of a proxy that refused a tunnel, as far as the HTTP client tells. Its type for that is private, so its words are read.
fn refused_by_proxy(error: &(dyn Error + 'static)) -> Option<Option<u16>> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.to_string().strip_prefix("tunnel error: ") {
            Some("proxy authorization required") => return Some(Some(407)),
            Some("unsuccessful") => return Some(None),
            _ => cause = error.source(),
        }
    }
    None
}

/// Whether a connection failed because of the other side's certificate.
fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        // `source` of an I/O error skips the error that it wraps.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source());
    }
    false
}
