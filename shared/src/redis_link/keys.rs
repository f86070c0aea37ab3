//! The names of things in Redis; their tables are at the heads of `cache/mod.rs` and `coordination/mod.rs`.

use uuid::Uuid;

use super::error::LinkError;
use crate::render_key::RenderKey;

/// Prefixes every key and channel with the namespace.
#[derive(Clone)]
pub(crate) struct Keys {
    namespace: String,
}

impl Keys {
    /// # Errors
    /// [`LinkError::Namespace`] for characters that mean something in key patterns, or none at all.
    pub(crate) fn new(namespace: &str) -> Result<Self, LinkError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=64).contains(&namespace.len()) || !namespace.bytes().all(fits) {
            return Err(LinkError::Namespace(namespace.to_owned()));
        }
        Ok(Self { namespace: namespace.to_owned() })
    }

    pub(crate) fn render(&self, key: impl std::fmt::Display) -> String {
        format!("{}:render:{key}", self.namespace)
    }

    /// The render keys of an image, each with the moment it expires.
    pub(crate) fn image(&self, image_id: Uuid) -> String {
        format!("{}:image:{image_id}", self.namespace)
    }

    pub(crate) fn metadata(&self, name: &str) -> String {
        format!("{}:metadata:{name}", self.namespace)
    }

    pub(crate) fn claim(&self, key: &RenderKey) -> String {
        format!("{}:claim:{key}", self.namespace)
    }

    pub(crate) fn interest(&self, key: &RenderKey) -> String {
        format!("{}:interest:{key}", self.namespace)
    }

    /// What was told for now to those who wait.
    pub(crate) fn told(&self, key: &RenderKey) -> String {
        format!("{}:told:{key}", self.namespace)
    }

    /// Who has the thing of this id to itself.
    pub(crate) fn hold(&self, thing: Uuid) -> String {
        format!("{}:hold:{thing}", self.namespace)
    }

    /// What workers say of themselves.
    pub(crate) fn workers(&self) -> String {
        format!("{}:workers", self.namespace)
    }

    /// By the digest of the client's name.
    pub(crate) fn rate(&self, client_digest: [u8; 16]) -> String {
        format!("{}:rate:{}", self.namespace, Uuid::from_bytes(client_digest).simple())
    }

    pub(crate) fn wake_channel(&self) -> String {
        format!("{}:wake", self.namespace)
    }

    pub(crate) fn forget_channel(&self) -> String {
        format!("{}:forget", self.namespace)
    }

    /// Matches every key of the namespace.
    pub(crate) fn pattern(&self) -> String {
        format!("{}:*", self.namespace)
    }

    pub(crate) fn is_render(&self, key: &str) -> bool {
        self.is_kind(key, "render")
    }

    /// Whether `key` holds something that may be dropped at any time: no claim, no waiting mark, no request count.
    pub(crate) fn is_cached(&self, key: &str) -> bool {
        ["render", "image", "metadata"].into_iter().any(|kind| self.is_kind(key, kind))
    }

    fn is_kind(&self, key: &str, kind: &str) -> bool {
        let rest = key.strip_prefix(&self.namespace).and_then(|rest| rest.strip_prefix(':'));
        rest.and_then(|rest| rest.strip_prefix(kind)).is_some_and(|rest| rest.starts_with(':'))
    }
}
