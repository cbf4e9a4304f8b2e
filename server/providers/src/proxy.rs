//! The HTTP proxy of the environment or the system that a provider is reached through, and whether it connects. The HTTP client says no more of
//! a proxy that refuses than that there is no connection, so this asks the proxy itself, without a key and without code.
//! It leaves the calls to `client`, which finds the same proxy by the same rules.

use std::fmt;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use pennyworth_core::models::Model;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for the proxy. It connects to the provider before it answers.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of the head of its answer.
const MOST: usize = 8 * 1024;
/// Most characters of its own words that are repeated.
const WORDS: usize = 80;

/// A proxy between this machine and a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its address, without user and password.
    pub address: String,
    /// Its host and port; `None` if it does not speak plain HTTP, and cannot be asked here.
    host: Option<(String, u16)>,
    /// The provider's host and port, if it is reached by a tunnel.
    target: Option<String>,
    /// The header with user and password, which `Debug` does not show.
    credentials: Option<HeaderValue>,
}

/// What a proxy did instead of connecting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyFault {
    /// It cannot be reached.
    #[error("the proxy {0} cannot be reached")]
    Unreachable(String),
    /// It was reached and did not connect.
    #[error("the proxy {proxy} does not connect to {target}: {answer}")]
    Refused {
        /// The proxy.
        proxy: String,
        /// The provider's host and port.
        target: String,
        /// What it said.
        answer: String,
    },
}

impl Proxy {
    /// The proxy of a model; `None` for a model whose address is on this machine, and without one.
    pub fn of(model: &Model) -> Option<Proxy> {
        if model.address_is_here() {
            return None;
        }
        let url = reqwest::Url::parse(&model.base_url).ok()?;
        let proxy = Matcher::from_system().intercept(&url.as_str().parse().ok()?)?;
        let (scheme, host) = (proxy.uri().scheme_str().unwrap_or("http"), proxy.uri().host()?.to_owned());
        let port = proxy.uri().port_u16();
        let address = format!("{scheme}://{host}{}", port.map(|port| format!(":{port}")).unwrap_or_default());
        let is_tunnelled = url.scheme() == "https";
        Some(Proxy {
            address,
            host: (scheme == "http").then(|| (host.trim_matches(['[', ']']).to_owned(), port.unwrap_or(80))),
            target: is_tunnelled
                .then(|| format!("{}:{}", url.host_str().unwrap_or(""), url.port_or_known_default().unwrap_or(443))),
            credentials: proxy.basic_auth().cloned().map(|mut header| {
                header.set_sensitive(true);
                header
            }),
        })
    }

    /// Asks the proxy for a connection to the provider, and drops it. One that does not speak plain HTTP is not asked.
    pub async fn check(&self) -> Result<(), ProxyFault> {
        let (Some((host, port)), Some(target)) = (&self.host, &self.target) else { return Ok(()) };
        let unreachable = || ProxyFault::Unreachable(self.address.clone());
        let connected = timeout(PATIENCE, TcpStream::connect((host.as_str(), *port))).await;
        let mut stream = connected.map_err(|_| unreachable())?.map_err(|_| unreachable())?;
        let credentials = self.credentials.as_ref().and_then(|header| header.to_str().ok());
        let credentials = credentials.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n");
        let head = timeout(PATIENCE, async {
            stream.write_all(request.as_bytes()).await?;
            head(&mut stream).await
        });
        let answer = match head.await {
            Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
            Ok(Err(_)) => Some("it closes the connection".to_owned()),
            Ok(Ok(head)) => refusal(&head),
        };
        match answer {
            None => Ok(()),
            Some(answer) => Err(ProxyFault::Refused { proxy: self.address.clone(), target: target.clone(), answer }),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unasked = if self.host.is_none() { " (which is not tested: it is no plain HTTP proxy)" } else { "" };
        write!(f, "{}{unasked}", self.address)
    }
}

/// Reads the head of an answer, as much as comes of it.
async fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while head.len() < MOST && !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    match head.is_empty() {
        true => Err(std::io::ErrorKind::UnexpectedEof.into()),
        false => Ok(String::from_utf8_lossy(&head).into_owned()),
    }
}

/// What the head of an answer says if it is no connection.
fn refusal(head: &str) -> Option<String> {
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().splitn(3, ' ');
    let is_http = first.next().is_some_and(|version| version.starts_with("HTTP/"));
    let status = first.next().and_then(|status| status.parse::<u16>().ok()).filter(|_| is_http);
    let Some(status) = status else { return Some("an answer that is not HTTP".to_owned()) };
    let is_page =
        lines.take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':')).any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type") && value.trim().to_ascii_lowercase().starts_with("text/html")
        });
    if status == 200 && !is_page {
        return (!head.contains("\r\n\r\n")).then(|| "HTTP 200, with a head that does not end".to_owned());
    }
    let usual = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let own: String =
        first.next().unwrap_or_default().chars().filter(|c| (' '..='~').contains(c)).take(WORDS).collect();
    let words = if own.trim().is_empty() { usual.unwrap_or_default() } else { own.trim() };
    let page = if is_page { ", with a page" } else { "" };
    Some(format!("HTTP {status} {words}{page}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_told_from_every_other_answer() {
        for (head, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", None),
            ("HTTP/1.0 200 Connection established\r\nvia: x\r\n\r\n", None),
            ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Some("HTTP 407 Proxy Authentication Required")),
            ("HTTP/1.1 407\r\n\r\n", Some("HTTP 407 Proxy Authentication Required")),
            ("HTTP/1.1 403 Blocked\u{1b}[31m by policy\r\n\r\n", Some("HTTP 403 Blocked[31m by policy")),
            ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", Some("HTTP 200 OK, with a page")),
            (
                "HTTP/1.1 302 Found\r\nlocation: http://login\r\ncontent-type: text/html; charset=utf-8\r\n\r\n",
                Some("HTTP 302 Found, with a page"),
            ),
            ("HTTP/1.1 200 OK\r\nx: ", Some("HTTP 200, with a head that does not end")),
            ("HTTP/1.1 200", Some("HTTP 200, with a head that does not end")),
            ("SSH-2.0-OpenSSH_9.6\r\n", Some("an answer that is not HTTP")),
            ("<html>", Some("an answer that is not HTTP")),
            ("HTTP/1.1 x\r\n", Some("an answer that is not HTTP")),
        ] {
            assert_eq!(refusal(head).as_deref(), expected, "{head:?}");
        }
    }
}
