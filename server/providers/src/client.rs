//! The one HTTP client of the process: its connections, its rules for proxies and redirects, and what it learned about providers.
//! It leaves bodies and answers to the protocols.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fmt, io};

use pennyworth_core::models::{Model, is_loopback};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::timeout;

use crate::connections::Connections;
use crate::error::{Kind, ProviderError};
use crate::forwarders::Forwarders;
use crate::limits::Limits;
use crate::protocols::wire;
use crate::quirks::Quirks;
use crate::refusal::{self, Answered, Page};

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
/// How the names of headers end, in lower case, that hold a secret.
const SECRETS: [&str; 6] = ["authorization", "key", "token", "secret", "password", "cookie"];

/// Connections to providers. A clone shares them.
#[derive(Clone)]
pub struct Client {
    /// For other machines; honours the system's proxy. Without a client if the system has no trusted certificates.
    pub(crate) remote: Arc<Connections>,
    /// For this machine, without a proxy: code for a model here must not pass through a proxy elsewhere.
    loopback: reqwest::Client,
    pub(crate) quirks: Arc<Quirks>,
    /// What answers told of models that must run here and do not.
    pub(crate) forwarders: Forwarders,
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
        Ok(Client { remote, loopback, quirks: Arc::default(), forwarders: Forwarders::default() })
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
        // A key must not cross a network in clear text.
        let has_secret = key.is_some() || model.headers.keys().any(|name| is_secret(name));
        if has_secret && !here && !model.base_url.starts_with("https://") {
            return Err(ProviderError::new(Kind::Key));
        }
        if let Some(key) = key {
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
            let mut value = HeaderValue::from_str(value).map_err(|_| ProviderError::new(Kind::Client))?;
            value.set_sensitive(is_secret(name));
            headers.insert(self::name(name)?, value);
        }
        Ok(client.request(method, format!("{}{path}", model.base_url)).headers(headers))
    }
}

/// Shows nothing: addresses may hold a password.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Whether a header holds a secret, by its name.
fn is_secret(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    SECRETS.iter().any(|end| header.ends_with(end))
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

/// An error, and the body of the refusal: JSON or a plain text.
pub(crate) type Refused = (ProviderError, Value);

/// Sends a request. An answer without a success status becomes an error and its body.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<reqwest::Response, Refused> {
    let response = request.send().await.map_err(|error| (transport(&error), Value::Null))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let (status, now) = (response.status().as_u16(), now());
    let pause = refusal::asked(header("retry-after-ms"), header("retry-after"), now);
    let pause = pause.or_else(|| Limits::read(response.headers(), now)?.pause());
    let is_html = header("content-type").is_some_and(is_html);
    // The status says enough if the rest does not come.
    let text = timeout(ERROR_BODY, body(response, MAX_ERROR_BODY)).await.ok().and_then(Result::ok).unwrap_or_default();
    let parsed: Option<Value> = serde_json::from_slice(&text).ok();
    // An API's own errors are JSON or, from a few servers, plain text; other text comes from a firewall or a gateway before it.
    let page = match text.trim_ascii() {
        _ if parsed.is_some() => Page::None,
        text if is_html || text.starts_with(b"<") => Page::Markup,
        [] => Page::None,
        _ => Page::Text,
    };
    let plain = || Value::String(String::from_utf8_lossy(&text).into_owned());
    let body = parsed.unwrap_or_else(|| if page == Page::Text { plain() } else { Value::Null });
    Err((ProviderError::answer(&Answered { status, body: &body, page, pause, now }), body))
}

/// Whether a content type is a page's.
pub(crate) fn is_html(kind: &str) -> bool {
    kind.trim_ascii_start().to_ascii_lowercase().starts_with("text/html")
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

#[cfg(test)]
mod tests {
    use pennyworth_core::models::Models;

    use super::*;

    fn model(row: &str) -> Model {
        let (models, problems) = Models::builtin().extended("config.toml", &format!("[model.m]\nmodel = 'm'\n{row}"));
        assert_eq!(problems, []);
        models.get("m").unwrap().clone()
    }

    #[test]
    fn no_secret_crosses_a_network_in_clear_text_or_is_shown() {
        const FREE: &str = "protocol = 'openai'\nformat = 'chat'\ntier = 'cheap'\nprice = { input = 0, output = 0, as_of = '2026-11-25' }";
        const KEY: &str = "headers = { Authorization = 'Bearer SECRET' }";
        for (address, more, refused) in [
            ("http://10.0.0.1/v1", "", None),
            ("http://10.0.0.1/v1", "headers = { x-title = 'a', x-portkey-config = 'pc-1' }", None),
            ("http://10.0.0.1/v1", KEY, Some(Kind::Key)),
            ("http://10.0.0.1/v1", "headers = { api-key = 'SECRET' }", Some(Kind::Key)),
            ("http://10.0.0.1/v1", "headers = { X-API-Key = 'SECRET' }", Some(Kind::Key)),
            ("http://10.0.0.1/v1", "headers = { x-auth-token = 'SECRET' }", Some(Kind::Key)),
            ("https://10.0.0.1/v1", KEY, None),
            ("http://127.0.0.1:1/v1", KEY, None),
        ] {
            let client = Client::new().unwrap();
            let request = client.request(
                reqwest::Method::GET,
                &model(&format!("base_url = '{address}'\n{FREE}\n{more}")),
                "/",
                None,
            );
            let shown = format!(
                "{client:?} {:?}",
                request.as_ref().map(|request| request.try_clone().unwrap().build().unwrap())
            );
            assert!(!shown.contains("SECRET"), "{shown}");
            assert_eq!(request.err().map(|error| error.kind), refused, "{address} {more}");
        }
    }
}
