//! What a token allows.

use std::{fmt, str::FromStr};

/// One thing that a token may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// To see pictures.
    ImagesRead,
    /// To see what there is.
    StudiesRead,
    /// To change what there is.
    StudiesWrite,
    /// To run the system. It does not include the others.
    Admin,
}

impl Scope {
    /// Every scope, in the order in which they are written.
    pub const ALL: [Scope; 4] = [Scope::ImagesRead, Scope::StudiesRead, Scope::StudiesWrite, Scope::Admin];

    /// Its name in tokens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Scope::ImagesRead => "images:read",
            Scope::StudiesRead => "studies:read",
            Scope::StudiesWrite => "studies:write",
            Scope::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of scopes; as text their names with blanks between them (RFC 6749 3.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(u8);

/// A name that is no scope of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of images:read, studies:read, studies:write, admin")]
pub struct UnknownScope(pub String);

impl Scopes {
    /// None.
    pub const NONE: Scopes = Scopes(0);
    /// All of them.
    pub const ALL: Scopes = Scopes(0b1111);
    /// To see everything and to change nothing.
    pub const READ: Scopes = Scopes(Scope::ImagesRead.bit() | Scope::StudiesRead.bit());

    /// Whether `scope` is among them.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether all of `others` are among them.
    #[must_use]
    pub const fn have_all(self, others: Scopes) -> bool {
        self.0 & others.0 == others.0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn both(self, others: Scopes) -> Scopes {
        Scopes(self.0 & others.0)
    }

    /// The scopes of ours that `text` names. A provider's tokens have others, which say nothing here.
    #[must_use]
    pub fn known_in(text: &str) -> Self {
        let known = text.split_ascii_whitespace().filter_map(|name| by_name(name).ok());
        known.fold(Self::NONE, |scopes, scope| Self(scopes.0 | scope.bit()))
    }
}

fn by_name(name: &str) -> Result<Scope, UnknownScope> {
    let scope = Scope::ALL.into_iter().find(|scope| scope.name() == name);
    scope.ok_or_else(|| UnknownScope(name.to_owned()))
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    /// # Errors
    /// [`UnknownScope`] for a name that is none.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_ascii_whitespace()
            .try_fold(Self::NONE, |scopes, name| Ok(Self(scopes.0 | by_name(name)?.bit())))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> =
            Scope::ALL.into_iter().filter(|scope| self.has(*scope)).map(Scope::name).collect();
        out.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_from_its_names() {
        for bits in 0..16 {
            let scopes = Scopes(bits);
            assert_eq!(scopes.to_string().parse(), Ok(scopes));
        }
        assert_eq!(
            "admin  images:read".parse::<Scopes>().map(|s| s.to_string()),
            Ok("images:read admin".to_owned())
        );
        assert_eq!("images:read write".parse::<Scopes>(), Err(UnknownScope("write".to_owned())));
        assert_eq!(Scopes::known_in("openid images:read profile").to_string(), "images:read");
    }

    #[test]
    fn to_run_the_system_is_not_to_see_patients() {
        let admin: Scopes = "admin".parse().expect("a scope");
        assert!(admin.has(Scope::Admin) && !admin.has(Scope::ImagesRead));
        assert!(!admin.have_all(Scopes::READ) && Scopes::ALL.have_all(Scopes::READ));
    }
}
