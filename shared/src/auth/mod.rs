//! Who somebody is, in the words that tokens, the catalog and the API share.
//!
//! What must not be here: how a token or a password is checked (`noctis-api`'s `auth`), which route takes which scope (its
//! `edge`), and what a caller may see (its `visible`).

mod account;
mod audit;
mod scope;
mod share;

pub use self::{
    account::{Account, AccountKind, TokenFamily},
    audit::{AuditEntry, AuditFilter, ShownBy},
    scope::{Scope, Scopes, UnknownScope},
    share::{Share, SharedThing},
};
