//! Addresses of servers: `http://host:port`, and `https://` where connections are encrypted.

use std::net::IpAddr;

use http::Uri;

/// Whether `text` is an address that a connection can be opened to.
///
/// # Errors
/// [`InvalidAddress`] says what is wrong.
pub fn check(text: &str) -> Result<(), InvalidAddress> {
    parse(text).map(drop)
}

/// Whether `uri` is this machine's own: what is said there, no other machine hears.
pub(crate) fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    number.map_or(host == "localhost", |address| address.to_canonical().is_loopback())
}

pub(crate) fn parse(text: &str) -> Result<Uri, InvalidAddress> {
    let invalid = |reason| InvalidAddress { address: text.to_owned(), reason };
    let uri: Uri = text.parse().map_err(|_| invalid("it is no URL"))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        _ => return Err(invalid("it does not begin with http:// or https://")),
    }
    if uri.port_u16().is_none_or(|port| port == 0) {
        return Err(invalid("it names no port"));
    }
    if uri.path_and_query().is_some_and(|path| path != "/") {
        return Err(invalid("it names a path"));
    }
    Ok(uri)
}

/// A text that is no address of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid address {address:?}: {reason}; use http://HOST:PORT or https://HOST:PORT")]
pub struct InvalidAddress {
    /// What was given.
    pub address: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_accepted() {
        for good in [
            "http://127.0.0.1:7400",
            "http://[::1]:1/",
            "http://node-3.cluster:65535",
            "https://h:1",
        ] {
            check(good).unwrap();
        }
        for (bad, reason) in [
            ("", "no URL"),
            ("127.0.0.1:7400", "begin with http://"),
            ("localhost:7400", "begin with http://"),
            ("ftp://h:1", "begin with http://"),
            ("https://h", "no port"),
            ("http://h", "no port"),
            ("http://h:0", "no port"),
            ("http://h:1/path", "a path"),
            ("http://h:70000", "no port"),
        ] {
            let error = check(bad).unwrap_err();
            assert!(error.reason.contains(reason), "{bad:?}: {error}");
        }
    }
}
