//! `noctis dead-letters`: list, show, send back, drop.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use noctis_shared::{
    dicom_uid::parse_public_id,
    program::{self, Failure},
    queue::{
        DeadLetter, Queue, QueueLimits, Selection,
        dead_letter::{before, parse_age},
    },
    settings::Settings,
};
use uuid::Uuid;

use super::output;

/// Letters that one call reads.
const LETTERS_MAX: usize = 10_000;

/// What `noctis dead-letters` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists dead letters, the oldest first.
    List(Chosen),
    /// Prints one whole.
    Show {
        /// Id as listed.
        id: String,
        /// For scripts.
        #[arg(long)]
        json: bool,
    },
    /// Sends letters back to their lanes, as if they were new.
    Redrive(Chosen),
    /// Removes letters.
    Drop(Chosen),
}

#[derive(Debug, clap::Args)]
struct Chosen {
    /// Only with this reason.
    #[arg(long)]
    reason: Option<String>,
    /// Only of this study: its id or its UID.
    #[arg(long, value_parser = study)]
    study: Option<Uuid>,
    /// Only older than this, like 30m, 2h or 7d.
    #[arg(long, value_name = "TIME", value_parser = age)]
    older_than: Option<TimeDelta>,
    /// All of them: needed to redrive or drop without another choice.
    #[arg(long)]
    all: bool,
    /// For scripts.
    #[arg(long)]
    json: bool,
}

impl Chosen {
    fn selection(&self, now: DateTime<Utc>) -> Selection {
        Selection {
            id: None,
            reason: self.reason.clone(),
            study_id: self.study,
            before: self.older_than.map(|age| before(now, age)),
        }
    }

    /// # Errors
    /// What would take all of them, and does not say so.
    fn choice(&self, now: DateTime<Utc>) -> Result<Selection, Failure> {
        let selection = self.selection(now);
        if self.all || selection.is_a_choice() {
            return Ok(selection);
        }
        let reason = "choose by --reason, --study or --older-than, or take --all";
        Err(Failure::usage("noctis dead-letters", reason))
    }
}

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<(), Failure> {
    if settings.queue_url.scheme() == "memory" {
        let reason =
            "the dead letters of a queue in memory live and end with its process: it takes amqp or amqps";
        return Err(Failure::usage("NOCTIS_QUEUE_URL", reason));
    }
    program::block_on(async {
        let queue =
            Queue::connect(settings.queue_url.as_str(), &settings.namespace, QueueLimits::default()).await;
        let queue = queue.map_err(|error| Failure::usage("NOCTIS_QUEUE_URL", &error.to_string()))?;
        let done = act(&arguments.action, &queue).await;
        queue.close().await;
        done
    })
}

async fn act(action: &Action, queue: &Queue) -> Result<(), Failure> {
    let now = Utc::now();
    let read = async || queue.dead_letters(LETTERS_MAX).await.map_err(anyhow::Error::from);
    match action {
        Action::List(chosen) => {
            let selection = chosen.selection(now);
            for letter in read().await?.iter().filter(|letter| selection.picks(letter)) {
                output::line(&if chosen.json { json(letter)? } else { row(letter) })?;
            }
        }
        Action::Show { id, json: as_json } => {
            let letters = read().await?;
            let letter = letters.iter().find(|letter| letter.id == *id);
            let letter = letter.ok_or_else(|| Failure::usage(id, "there is no dead letter with this id"))?;
            output::line(&if *as_json {
                json(letter)?
            } else {
                format!("{}\n{:#}", row(letter), letter.body)
            })?;
        }
        Action::Redrive(chosen) => {
            let selection = chosen.choice(now)?;
            let count = queue.redrive(|letter| selection.picks(letter)).await.map_err(anyhow::Error::from)?;
            tell(chosen, "redriven", count)?;
        }
        Action::Drop(chosen) => {
            let selection = chosen.choice(now)?;
            let dropped = queue.drop_dead_letters(|letter| selection.picks(letter)).await;
            tell(chosen, "dropped", dropped.map_err(anyhow::Error::from)?)?;
        }
    }
    Ok(())
}

fn tell(chosen: &Chosen, what: &str, count: u64) -> anyhow::Result<()> {
    output::line(&if chosen.json { format!("{{\"{what}\":{count}}}") } else { format!("{count} {what}") })
}

fn row(letter: &DeadLetter) -> String {
    let lane = letter.lane.map_or("-", |lane| lane.name());
    let study = letter.study_id.map_or_else(|| "-".to_owned(), |study| study.to_string());
    let DeadLetter { id, at, kind, reason, attempt, cause, .. } = letter;
    let cause = cause.as_deref().map_or(String::new(), |cause| format!("  ({cause})"));
    format!("{id}  {}  {lane}  {kind}  {reason}{cause}  attempt {attempt}  study {study}", at.to_rfc3339())
}

fn json(letter: &DeadLetter) -> anyhow::Result<String> {
    Ok(serde_json::to_string(letter)?)
}

fn study(text: &str) -> Result<Uuid, String> {
    parse_public_id(text).ok_or_else(|| "takes a study id or a Study Instance UID".to_owned())
}

fn age(text: &str) -> Result<TimeDelta, String> {
    parse_age(text).ok_or_else(|| "takes a time, like 30m, 2h or 7d".to_owned())
}
