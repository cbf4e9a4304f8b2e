//! Whose program listens at a port of this machine. Any user may listen at the usual port of a model server and read what is sent there.
//! Linux tells; elsewhere nobody is known to be a stranger. It leaves what to do about a stranger to its callers.

/// The number of another user who listens where a connection to this address may end; `None` if nobody is known to.
///
/// System accounts are no strangers: the administrator made them, and Ollama's installer runs its server under one.
pub(super) async fn stranger_at(address: &str) -> Option<u32> {
    let port = url::Url::parse(address).ok()?.port_or_known_default()?;
    // The kernel writes the table while it is read, which takes a moment on a machine with many connections.
    tokio::task::spawn_blocking(move || stranger(port)).await.ok().flatten()
}

#[cfg(target_os = "linux")]
fn stranger(port: u16) -> Option<u32> {
    let own = rustix::process::geteuid().as_raw();
    let tables = [procfs::net::tcp(), procfs::net::tcp6()];
    let entries = tables.into_iter().flatten().flatten().filter(|entry| entry.state == procfs::net::TcpState::Listen);
    let listeners = entries.map(|entry| (entry.local_address, entry.uid));
    strangers(listeners, port, own).next()
}

#[cfg(not(target_os = "linux"))]
fn stranger(_: u16) -> Option<u32> {
    None
}

/// The highest number of a system account.
#[cfg(target_os = "linux")]
const LAST_SYSTEM_ACCOUNT: u32 = 999;

/// The users, other than `own` and system accounts, who listen at a port that a connection to this machine's own address reaches.
#[cfg(target_os = "linux")]
fn strangers(
    listeners: impl Iterator<Item = (std::net::SocketAddr, u32)>,
    port: u16,
    own: u32,
) -> impl Iterator<Item = u32> {
    let is_reached = move |address: &std::net::SocketAddr| {
        let ip = address.ip().to_canonical();
        address.port() == port && (ip.is_loopback() || ip.is_unspecified())
    };
    let is_stranger = move |user: u32| user != own && user > LAST_SYSTEM_ACCOUNT;
    listeners.filter(move |(address, user)| is_reached(address) && is_stranger(*user)).map(|(_, user)| user)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn others_are_strangers_and_system_accounts_are_not() {
        for (address, user, expected) in [
            ("127.0.0.1:80", 1000, None),
            ("127.0.0.1:80", 1001, Some(1001)),
            ("0.0.0.0:80", 1001, Some(1001)),
            ("[::]:80", 65534, Some(65534)),
            ("[::1]:80", 1001, Some(1001)),
            ("[::ffff:127.0.0.1]:80", 1001, Some(1001)),
            ("127.0.0.1:80", 0, None),
            ("127.0.0.1:80", 999, None),
            ("127.0.0.1:81", 1001, None),
            ("10.0.0.1:80", 1001, None),
        ] {
            let listener = (address.parse().unwrap(), user);
            assert_eq!(strangers(std::iter::once(listener), 80, 1000).next(), expected, "{address} {user}");
        }
    }

    #[tokio::test]
    async fn what_this_user_listens_at_is_no_stranger() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        assert_eq!(stranger_at(&address).await, None);
        let tables = procfs::net::tcp().unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(tables.iter().any(|entry| entry.local_address.port() == port), "the table holds it");
    }
}
