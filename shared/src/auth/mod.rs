//! Who somebody is, in the words that tokens, the catalog and the API share.
//!
//! What must not be here: how a token or a password is checked (`noctis-api`'s `auth`), which route takes which scope (its
//! `edge`), and what a caller may see (its `visible`).

mod account;
mod scope;

pub use self::{
    account::{Account, AccountKind, TokenFamily},
    scope::{Scope, Scopes, UnknownScope},
};
