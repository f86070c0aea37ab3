//! Settings of the network around a server: its names, its certificate, how many may come, and the proxies in front of it.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
};

use ipnet::IpNet;
use url::Host;

use super::{SettingError, Texts, value};

/// Names that a server answers under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts {
    /// In lower case; `None` for any.
    names: Option<Vec<String>>,
}

/// Names of the machine itself, which no page of somebody else can have.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

impl AllowedHosts {
    /// These, and those of loopback.
    pub fn beside_loopback(names: impl IntoIterator<Item = String>) -> Self {
        let names = names.into_iter().map(|name| name.to_ascii_lowercase());
        Self { names: Some(LOOPBACK.map(str::to_owned).into_iter().chain(names).collect()) }
    }

    /// Whether a server answers under `name`: a host without a port, an address of IPv6 without brackets.
    #[must_use]
    pub fn allow(&self, name: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)))
    }
}

/// Where the certificate of a server lies. Nothing has been read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM file of the certificate, and of those that vouch for it.
    pub cert: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// Fewer would not do for one browser and a probe; more than a machine has ports.
const CONNECTIONS: RangeInclusive<usize> = 16..=1_000_000;

/// The proxies whose word is taken for who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Whether `address` is one of them.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The address that is listened on is one of them, unless it is any.
pub(super) fn allowed_hosts(texts: &Texts, listen: SocketAddr) -> Result<AllowedHosts, SettingError> {
    const NAME: &str = "NOCTIS_ALLOWED_HOSTS";
    if texts.get(NAME) == "*" {
        return Ok(AllowedHosts { names: None });
    }
    let name = |text: &str| {
        let host = Host::parse(text).or_else(|_| Host::parse(&format!("[{text}]")));
        let takes = "is not a name or an address without a port, like viewer.example, or * alone for any";
        match host {
            Ok(Host::Ipv6(address)) => Ok(address.to_string()),
            Ok(host) => Ok(host.to_string()),
            Err(_) => Err(SettingError::new(NAME, format!("{text:?} {takes}"))),
        }
    };
    let names: Result<Vec<String>, SettingError> = value::list(texts.get(NAME)).map(name).collect();
    let own = Some(listen.ip()).filter(|address| !address.is_unspecified());
    Ok(AllowedHosts::beside_loopback(names?.into_iter().chain(own.map(|address| address.to_string()))))
}

/// `None` without TLS.
pub(super) fn tls(texts: &Texts) -> Result<Option<TlsFiles>, SettingError> {
    const CERT: &str = "NOCTIS_TLS_CERT";
    const KEY: &str = "NOCTIS_TLS_KEY";
    let file = |name: &str| Some(texts.get(name)).filter(|text| !text.is_empty()).map(PathBuf::from);
    let missing = |name, beside| Err(SettingError::new(name, format!("is needed beside {beside}")));
    match (file(CERT), file(KEY)) {
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert, key })),
        (None, None) => Ok(None),
        (Some(_), None) => missing(KEY, CERT),
        (None, Some(_)) => missing(CERT, KEY),
    }
}

pub(super) fn connections(texts: &Texts) -> Result<usize, SettingError> {
    const NAME: &str = "NOCTIS_CONNECTIONS";
    let text = texts.get(NAME);
    let takes = format!("is not a number from {} to {}", CONNECTIONS.start(), CONNECTIONS.end());
    let number = text.parse().ok().filter(|number| CONNECTIONS.contains(number));
    number.ok_or_else(|| SettingError::new(NAME, format!("{text:?} {takes}")))
}

pub(super) fn trusted_proxies(texts: &Texts) -> Result<TrustedProxies, SettingError> {
    const NAME: &str = "NOCTIS_TRUSTED_PROXIES";
    let network = |text: &str| {
        let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        let takes = "is not an address or a network, like 10.0.0.5 or 10.0.0.0/8";
        network.ok_or_else(|| SettingError::new(NAME, format!("{text:?} {takes}")))
    };
    value::list(texts.get(NAME)).map(network).collect::<Result<_, _>>().map(TrustedProxies)
}
