//! `noctis user`: people and services that log in by a secret of their own.

use std::io::{self, IsTerminal};

use anyhow::Context;
use chrono::{SecondsFormat, Utc};
use clap::Subcommand;
use noctis_api::auth::{hash_secret, new_secret};
use noctis_shared::{
    auth::{Account, AccountKind, Scopes},
    catalog::{Catalog, CatalogLimits, check_account_name},
    program::{self, Failure},
    settings::Settings,
};
use serde_json::json;

use super::{output, token};

/// What `noctis user` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Adds a person, whose password is asked for or read from standard input, or a service, whose secret is printed.
    Add(Add),
    /// Lets an account log in no more, and ends its logins.
    Disable {
        /// Its name.
        name: String,
    },
    /// Lets a disabled account log in again.
    Enable {
        /// Its name.
        name: String,
    },
    /// Gives an account another secret, as `add` does, and ends its logins.
    Password {
        /// Its name.
        name: String,
    },
    /// Lists the accounts.
    List {
        /// For scripts.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Add {
    /// User name, or client id.
    name: String,
    /// Adds a service: it logs in by its id and a secret that is made here (`client_credentials`).
    #[arg(long)]
    service: bool,
    /// What it may be allowed: names with blanks between them, of images:read, studies:read, studies:write, admin.
    #[arg(long, default_value_t = Scopes::READ)]
    scope: Scopes,
    /// Holds it to this study, by UID or id; may be given several times.
    #[arg(long = "study", value_name = "STUDY", value_parser = token::study)]
    studies: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<(), Failure> {
    program::block_on(async {
        let catalog = Catalog::connect(&settings.catalog_url, CatalogLimits::default()).await;
        let catalog = catalog.map_err(|error| Failure::usage("NOCTIS_CATALOG_URL", &error.to_string()))?;
        let done = act(&arguments.action, &catalog).await;
        catalog.close().await;
        done
    })
}

async fn act(action: &Action, catalog: &Catalog) -> Result<(), Failure> {
    match action {
        Action::Add(add) => self::add(add, catalog).await,
        Action::Disable { name } => {
            let is_there = catalog.set_disabled(name, true).await.map_err(anyhow::Error::from)?;
            told(name, is_there, "disabled")
        }
        Action::Enable { name } => {
            let is_there = catalog.set_disabled(name, false).await.map_err(anyhow::Error::from)?;
            told(name, is_there, "enabled")
        }
        Action::Password { name } => {
            let account = catalog.account(name).await.map_err(anyhow::Error::from)?;
            let account = account.ok_or_else(|| unknown(name))?;
            let secret = secret_for(account.kind)?;
            let hash = hash_secret(&secret.text).map_err(|error| Failure::usage(name, &error.to_string()))?;
            catalog.set_secret(name, &hash).await.map_err(anyhow::Error::from)?;
            secret.tell()?;
            told(name, true, "has another secret")
        }
        Action::List { json } => list(*json, catalog).await,
    }
}

async fn add(add: &Add, catalog: &Catalog) -> Result<(), Failure> {
    check_account_name(&add.name).map_err(|error| Failure::usage(&add.name, &error.to_string()))?;
    let kind = if add.service { AccountKind::Service } else { AccountKind::Person };
    let secret = secret_for(kind)?;
    let account = Account {
        name: add.name.clone(),
        kind,
        secret_hash: hash_secret(&secret.text)
            .map_err(|error| Failure::usage(&add.name, &error.to_string()))?,
        scopes: add.scope,
        studies: (!add.studies.is_empty()).then(|| add.studies.clone()),
        disabled: false,
        created_at: Utc::now(),
    };
    if !catalog.add_account(&account).await.map_err(anyhow::Error::from)? {
        return Err(Failure::usage(&add.name, "there is an account of this name"));
    }
    secret.tell()?;
    told(&add.name, true, "added")
}

/// A secret, and whether nobody has seen it yet.
struct NewSecret {
    text: String,
    is_made_here: bool,
}

impl NewSecret {
    fn tell(&self) -> anyhow::Result<()> {
        if self.is_made_here { output::line(&format!("client_secret: {}", self.text)) } else { Ok(()) }
    }
}

/// A person's from the terminal, unseen, or from the first line of standard input; a service's from chance.
fn secret_for(kind: AccountKind) -> Result<NewSecret, Failure> {
    let text = match kind {
        AccountKind::Service => return Ok(NewSecret { text: new_secret(), is_made_here: true }),
        AccountKind::Person if io::stdin().is_terminal() => {
            let text = rpassword::prompt_password("password: ").context("reading the password")?;
            if rpassword::prompt_password("again: ").context("reading the password")? != text {
                return Err(Failure::usage("password", "these are two"));
            }
            text
        }
        AccountKind::Person => {
            let mut line = String::new();
            io::stdin().read_line(&mut line).context("reading the password")?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    Ok(NewSecret { text, is_made_here: false })
}

async fn list(as_json: bool, catalog: &Catalog) -> Result<(), Failure> {
    for account in catalog.accounts().await.map_err(anyhow::Error::from)? {
        let Account { name, kind, secret_hash: _, scopes, studies, disabled, created_at } = account;
        let line = if as_json {
            let created_at = created_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            json!({"name": name, "kind": kind, "scope": scopes.to_string(), "studies": studies, "disabled": disabled, "created_at": created_at})
                .to_string()
        } else {
            let kind = if kind == AccountKind::Service { "service" } else { "person" };
            let held =
                studies.map_or_else(String::new, |studies| format!("  studies: {}", studies.join(" ")));
            let disabled = if disabled { "  disabled" } else { "" };
            format!("{name:24} {kind:8} {scopes}{held}{disabled}")
        };
        output::line(&line)?;
    }
    Ok(())
}

fn told(name: &str, is_there: bool, what: &str) -> Result<(), Failure> {
    if is_there { Ok(output::line(&format!("{name}: {what}"))?) } else { Err(unknown(name)) }
}

fn unknown(name: &str) -> Failure {
    Failure::usage(name, "there is no account of this name")
}
