//! Who is at the other end, behind the proxies that the settings trust.

use crate::{config::Settings, state::AppState};
use actix_web::{HttpRequest, http::header, web};
use ipnet::IpNet;
use std::{net::IpAddr, sync::Once};

/// What proxies add for whom they forward.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// What proxies add to say whether they were asked by TLS.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The address of the client: of the connection, or where that is a trusted proxy's, the last in `X-Forwarded-For` that
/// is not. What a client writes there itself stands further left, and counts for nothing.
pub fn address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = peer(request)?;
    let Some(settings) = trusting(request, peer) else {
        if is_near(peer) && request.headers().contains_key(FORWARDED_FOR) {
            warn_of_proxy(peer);
        }
        return Some(peer);
    };
    let forwarded = request.headers().get_all(FORWARDED_FOR).filter_map(|value| value.to_str().ok());
    let forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    Some(behind(peer, &forwarded, |address| settings.trusts(address)))
}

/// Whether it can be a proxy of whoever runs the service: on this machine, or in a private network.
fn is_near(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(peer) => peer.is_loopback() || peer.is_private(),
        IpAddr::V6(peer) => peer.is_loopback() || peer.is_unique_local(),
    }
}

/// Says once in the log what is missing in the settings.
fn warn_of_proxy(peer: IpAddr) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            "{peer} forwards requests, but trusted_proxies does not name it: all who come through it count as one client, and \
             wrong passwords of one slow down all. If it is your proxy: trusted_proxies = [\"{}\"]",
            IpNet::from(peer)
        );
    });
}

/// The other end of the connection.
fn peer(request: &HttpRequest) -> Option<IpAddr> {
    Some(request.peer_addr()?.ip().to_canonical())
}

/// The settings, if to them `peer` is a trusted proxy.
fn trusting(request: &HttpRequest, peer: IpAddr) -> Option<&Settings> {
    let state = request.app_data::<web::Data<AppState>>()?;
    state.settings.trusts(peer).then_some(&state.settings)
}

fn behind(peer: IpAddr, forwarded: &[&str], trusts: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer;
    for text in forwarded.iter().rev() {
        if !trusts(client) {
            break;
        }
        let Some(next) = read(text.trim()) else { break };
        client = next;
    }
    client
}

/// An address, as proxies write it: some with a port, IPv6 then in brackets.
fn read(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip()));
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    address.or_else(bare).map(|address| address.to_canonical())
}

/// Whether the client asked by TLS: of this service, or of a trusted proxy that says so.
pub fn is_secure(request: &HttpRequest) -> bool {
    let https = || {
        let value = request.headers().get(FORWARDED_PROTO).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.rsplit(',').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("https"))
    };
    let behind_proxy = || peer(request).is_some_and(|peer| trusting(request, peer).is_some());
    request.app_config().secure() || (behind_proxy() && https())
}

/// Whether the client takes a body in this encoding.
pub fn accepts_encoding(request: &HttpRequest, encoding: &str) -> bool {
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(";").unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim() == encoding && weight.parse().is_ok_and(|weight: f32| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusts = |address: IpAddr| address.to_string().starts_with("10.");
        behind(peer.parse().unwrap(), forwarded, trusts).to_string()
    }

    #[test]
    fn only_what_trusted_proxies_wrote_counts() {
        assert_eq!(client("192.0.2.1", &["203.0.113.9"]), "192.0.2.1", "no proxy of ours");
        assert_eq!(client("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1", " 203.0.113.9", "10.0.0.2 "]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.9", "nonsense"]), "10.0.0.1", "nothing behind it is believed");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn addresses_may_have_ports() {
        for text in ["203.0.113.9", "203.0.113.9:4711", "::ffff:203.0.113.9"] {
            assert_eq!(client("10.0.0.1", &[text]), "203.0.113.9");
        }
        for text in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711"] {
            assert_eq!(client("10.0.0.1", &[text]), "2001:db8::1");
        }
    }

    #[test]
    fn a_body_is_compressed_for_those_who_take_it() {
        let accepts = |value: &'static str| {
            let request = TestRequest::default().insert_header((header::ACCEPT_ENCODING, value)).to_http_request();
            accepts_encoding(&request, "br")
        };
        assert!(accepts("gzip, deflate, br, zstd"));
        assert!(accepts("br;q=0.8"));
        assert!(!accepts("gzip"));
        assert!(!accepts("br;q=0"));
        assert!(!accepts("br; q=0.0"));
    }
}
