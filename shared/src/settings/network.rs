//! Settings of the network around a server: its names, and the proxies in front of it.

use std::net::{IpAddr, SocketAddr};

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

pub(super) fn trusted_proxies(texts: &Texts) -> Result<TrustedProxies, SettingError> {
    const NAME: &str = "NOCTIS_TRUSTED_PROXIES";
    let network = |text: &str| {
        let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        let takes = "is not an address or a network, like 10.0.0.5 or 10.0.0.0/8";
        network.ok_or_else(|| SettingError::new(NAME, format!("{text:?} {takes}")))
    };
    value::list(texts.get(NAME)).map(network).collect::<Result<_, _>>().map(TrustedProxies)
}
