//! The one HTTP client of the process: its connections, its rules about proxies and redirects, and what it learned about providers.
//! It leaves bodies and answers to the protocols.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pennyworth_core::models::{Model, is_loopback};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::error::{self, Kind, ProviderError};
use crate::limits::Limits;
use crate::quirks::Quirks;
use crate::wire::wire;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept, since a new one costs two or three round trips.
const IDLE: Duration = Duration::from_secs(120);
/// Redirects followed at most, all to the same host.
const REDIRECTS: usize = 3;
/// Bytes of an error's body that are read.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// Connections to providers. A clone shares them.
#[derive(Clone, Debug)]
pub struct Client {
    /// For other machines; honours the system's proxy. `None` where the system has no certificates that could be trusted.
    remote: Option<reqwest::Client>,
    /// For this machine: code for a model here must not travel through a proxy elsewhere.
    loopback: reqwest::Client,
    pub(crate) quirks: Arc<Quirks>,
}

impl Client {
    /// A client without connections.
    pub fn new() -> Result<Client, ProviderError> {
        // Nobody vouches for this machine, so that it is spoken to without a system's certificates, too.
        // Its servers close connections whenever they like, and a request on one that was just closed is lost, while a new one costs microseconds.
        let here = || builder().no_proxy().pool_max_idle_per_host(0);
        let loopback = here().build().or_else(|_| here().tls_certs_only([]).build());
        let loopback = loopback.map_err(|_| ProviderError::new(Kind::Client))?;
        Ok(Client { remote: builder().build().ok(), loopback, quirks: Arc::default() })
    }

    /// A question to a server on this machine, without a key; `None` for an address elsewhere.
    pub(crate) fn loopback(&self, method: reqwest::Method, address: &str) -> Option<reqwest::RequestBuilder> {
        is_loopback(address).then(|| self.loopback.request(method, address))
    }

    /// A question to another machine, without a key.
    pub(crate) fn remote(&self, address: &str) -> Result<reqwest::RequestBuilder, ProviderError> {
        let remote = self.remote.as_ref().ok_or_else(|| ProviderError::new(Kind::Certificate))?;
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
        let here = model.is_on_this_machine();
        let remote = || self.remote.as_ref().ok_or_else(|| ProviderError::new(Kind::Certificate));
        let client = if here { &self.loopback } else { remote()? };
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            // A key in clear text on a network is not a secret.
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

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("pennyworth/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        .referer(false)
        .retry(reqwest::retry::never())
        .redirect(Policy::custom(|attempt| {
            let origin = |url: &reqwest::Url| url.origin();
            let same = attempt.previous().first().is_some_and(|first| origin(first) == origin(attempt.url()));
            if same && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
        }))
}

/// Sends; an answer that is not a success becomes its error and the JSON body it came with.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<reqwest::Response, (ProviderError, Value)> {
    let response = request.send().await.map_err(|error| (transport(&error), Value::Null))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let pause = error::pause(header("retry-after-ms"), header("retry-after"), now());
    let pause = pause.or_else(|| Limits::read(response.headers(), now())?.pause());
    let status = response.status().as_u16();
    let body = serde_json::from_slice(&body(response, MAX_ERROR_BODY).await.unwrap_or_default()).unwrap_or(Value::Null);
    Err((ProviderError::answer(status, &body, pause), body))
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A body up to a size; a larger one is an error.
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

/// The error of a connection; its own message is left out, because it may hold the address with what is in it.
pub(crate) fn transport(error: &reqwest::Error) -> ProviderError {
    ProviderError::new(match () {
        () if error.is_builder() => Kind::Client,
        () if is_untrusted(error) => Kind::Certificate,
        () if error.is_connect() => Kind::Connect,
        () if error.is_timeout() => Kind::Deadline,
        () if error.is_redirect() => Kind::Redirect,
        () => Kind::CutOff,
    })
}

/// Whether a connection came to nothing because of the other side's certificate.
fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        // An I/O error does not count what it wraps among its sources.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source());
    }
    false
}
