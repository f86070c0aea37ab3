//! Webhooks: who is told over HTTP of what happens to studies, and how a message to them is signed (Standard Webhooks 1.0).
//!
//! What must not be here: when something is told, and the sending of it (`worker/src/errands`).

use std::{fmt, net::IpAddr, str::FromStr};

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use url::{Host, Url};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::event::{STUDY_CHANGED, STUDY_DELETED, STUDY_NEW};

/// Subscriptions there may be.
pub const WEBHOOKS_MAX: usize = 100;
/// Longest URL, in bytes.
const URL_BYTES_MAX: usize = 2048;
/// What a secret begins with, as text.
const SECRET_PREFIX: &str = "whsec_";

/// What may happen to a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum StudyNews {
    /// It came.
    #[serde(rename = "study.new")]
    New,
    /// Instances of it came or were replaced.
    #[serde(rename = "study.changed")]
    Changed,
    /// It went, or a part of it.
    #[serde(rename = "study.deleted")]
    Deleted,
}

impl StudyNews {
    /// Everything that may happen.
    pub const ALL: [StudyNews; 3] = [StudyNews::New, StudyNews::Changed, StudyNews::Deleted];

    /// Its name in subscriptions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            StudyNews::New => "study.new",
            StudyNews::Changed => "study.changed",
            StudyNews::Deleted => "study.deleted",
        }
    }

    /// `type` of its events.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            StudyNews::New => STUDY_NEW,
            StudyNews::Changed => STUDY_CHANGED,
            StudyNews::Deleted => STUDY_DELETED,
        }
    }
}

impl FromStr for StudyNews {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        StudyNews::ALL.into_iter().find(|news| news.name() == name).ok_or(())
    }
}

/// A subscription, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Webhook {
    /// Names it.
    pub webhook_id: Uuid,
    /// Where messages go.
    pub url: String,
    /// What is told.
    pub events: Vec<StudyNews>,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// Why something cannot be a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefused {
    /// No URL of a server.
    #[error("takes an http or https URL of 2048 bytes at most, without user or password")]
    Url,
    /// A network in which no receiver is.
    #[error("is in a network that is for this machine's own business: link-local, metadata or multicast")]
    Address,
    /// No secret of the standard.
    #[error("takes whsec_ and the base64 of 24 to 64 bytes")]
    Secret,
}

/// Whether messages may go to `url`, as far as its letters tell.
///
/// # Errors
/// [`WebhookRefused`].
pub fn check_url(url: &Url) -> Result<(), WebhookRefused> {
    let is_http = matches!(url.scheme(), "http" | "https");
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !is_http || !is_plain || url.as_str().len() > URL_BYTES_MAX {
        return Err(WebhookRefused::Url);
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(name)) if !name.is_empty() => return Ok(()),
        Some(Host::Domain(_)) | None => return Err(WebhookRefused::Url),
    };
    if may_be_told(address) { Ok(()) } else { Err(WebhookRefused::Address) }
}

/// Whether a receiver may be at `address`. Not where clouds tell machines their secrets, nor where nobody in particular is.
#[must_use]
pub fn may_be_told(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            // The last one is the metadata service of a cloud that has no link-local one (RFC 6598).
            !(address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || address.octets() == [100, 100, 100, 200])
        }
        IpAddr::V6(address) => {
            let segments = address.segments();
            // fd00:ec2::254 is a metadata service; 64:ff9b::/96 leads to addresses of version 4 (RFC 6052).
            let is_metadata = segments == [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254];
            let is_translated = segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
            !(address.is_unicast_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || is_metadata
                || is_translated)
        }
    }
}

/// What messages of one webhook are signed with. It is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// One that nobody knows yet.
    #[must_use]
    pub fn random() -> Self {
        // From the system's source of chance: 122 bits each.
        Self([Uuid::new_v4(), Uuid::new_v4()].iter().flat_map(|half| *half.as_bytes()).collect())
    }

    /// As a receiver takes it: `whsec_` and base64.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", base64_simd::STANDARD.encode_to_string(&self.0))
    }

    /// The signature of a message (Standard Webhooks, "Signature scheme").
    #[must_use]
    pub fn sign(&self, message_id: &str, timestamp: i64, body: &str) -> String {
        // A key of any length will do.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{message_id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", base64_simd::STANDARD.encode_to_string(mac.finalize().into_bytes()))
    }
}

impl FromStr for Secret {
    type Err = WebhookRefused;

    fn from_str(text: &str) -> Result<Self, WebhookRefused> {
        let coded = text.strip_prefix(SECRET_PREFIX).ok_or(WebhookRefused::Secret)?;
        let bytes = base64_simd::STANDARD.decode_to_vec(coded).map_err(|_| WebhookRefused::Secret)?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(WebhookRefused::Secret) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the libraries of the standard.
    #[test]
    fn a_message_is_signed_as_the_standard_has_it() {
        let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().expect("a secret");
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_reads_back_and_is_long_enough() {
        let secret = Secret::random();
        assert_eq!(secret.reveal().parse(), Ok(secret.clone()));
        assert_ne!(secret, Secret::random());
        assert_eq!(format!("{secret:?}"), "Secret");
        let short = format!("whsec_{}", base64_simd::STANDARD.encode_to_string([7; 23]));
        for wrong in ["", "whsec_", "secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!", &short] {
            assert_eq!(wrong.parse::<Secret>(), Err(WebhookRefused::Secret), "{wrong}");
        }
    }

    #[test]
    fn messages_go_to_servers_and_not_to_what_is_the_machine_s_own() {
        let check = |text: &str| check_url(&Url::parse(text).expect("a URL"));
        for right in
            ["https://example.org/hook?x=1", "http://127.0.0.1:9000/", "http://10.0.0.7/", "http://[::1]/"]
        {
            assert_eq!(check(right), Ok(()), "{right}");
        }
        for wrong in ["ftp://example.org/", "file:///etc/passwd", "https://a:b@example.org/", "https://a@b/"]
        {
            assert_eq!(check(wrong), Err(WebhookRefused::Url), "{wrong}");
        }
        let addresses = [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "[::ffff:169.254.169.254]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[64:ff9b::a9fe:a9fe]",
            "0.0.0.0",
            "[::]",
            "224.0.0.1",
            "255.255.255.255",
            "100.100.100.200",
        ];
        for address in addresses {
            assert_eq!(check(&format!("http://{address}/")), Err(WebhookRefused::Address), "{address}");
        }
    }
}
