//! `noctis dead-letters`: list, show, send back, drop.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use noctis_shared::{
    dicom_uid::parse_public_id,
    program::{self, Failure},
    queue::{DeadLetter, Queue, QueueLimits},
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
    List(Selection),
    /// Prints one whole.
    Show {
        /// Id as listed.
        id: String,
        /// For scripts.
        #[arg(long)]
        json: bool,
    },
    /// Sends letters back to their lanes, as if they were new.
    Redrive(Selection),
    /// Removes letters.
    Drop(Selection),
}

#[derive(Debug, clap::Args)]
struct Selection {
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

impl Selection {
    fn is_a_choice(&self) -> bool {
        self.all || self.reason.is_some() || self.study.is_some() || self.older_than.is_some()
    }

    fn picks(&self, letter: &DeadLetter, now: DateTime<Utc>) -> bool {
        self.reason.as_ref().is_none_or(|reason| *reason == letter.reason)
            && self.study.is_none_or(|study| letter.study_id == Some(study))
            && self.older_than.is_none_or(|age| letter.at < now - age)
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
        Action::List(selection) => {
            for letter in read().await?.iter().filter(|letter| selection.picks(letter, now)) {
                output::line(&if selection.json { json(letter) } else { row(letter) })?;
            }
        }
        Action::Show { id, json: as_json } => {
            let letters = read().await?;
            let letter = letters.iter().find(|letter| letter.id == *id);
            let letter = letter.ok_or_else(|| Failure::usage(id, "there is no dead letter with this id"))?;
            output::line(&if *as_json {
                json(letter)
            } else {
                format!("{}\n{:#}", row(letter), letter.body)
            })?;
        }
        Action::Redrive(selection) => {
            refuse_without_choice(selection)?;
            let count =
                queue.redrive(|letter| selection.picks(letter, now)).await.map_err(anyhow::Error::from)?;
            tell(selection, "redriven", count)?;
        }
        Action::Drop(selection) => {
            refuse_without_choice(selection)?;
            let picks = |letter: &DeadLetter| selection.picks(letter, now);
            let count = queue.drop_dead_letters(picks).await.map_err(anyhow::Error::from)?;
            tell(selection, "dropped", count)?;
        }
    }
    Ok(())
}

fn refuse_without_choice(selection: &Selection) -> Result<(), Failure> {
    if selection.is_a_choice() {
        return Ok(());
    }
    Err(Failure::usage("noctis dead-letters", "choose by --reason, --study or --older-than, or take --all"))
}

fn tell(selection: &Selection, what: &str, count: u64) -> anyhow::Result<()> {
    output::line(&if selection.json { format!("{{\"{what}\":{count}}}") } else { format!("{count} {what}") })
}

fn row(letter: &DeadLetter) -> String {
    let lane = letter.lane.map_or("-", |lane| lane.name());
    let study = letter.study_id.map_or_else(|| "-".to_owned(), |study| study.to_string());
    let DeadLetter { id, at, kind, reason, attempt, cause, .. } = letter;
    let cause = cause.as_deref().map_or(String::new(), |cause| format!("  ({cause})"));
    format!("{id}  {}  {lane}  {kind}  {reason}{cause}  attempt {attempt}  study {study}", at.to_rfc3339())
}

fn json(letter: &DeadLetter) -> String {
    serde_json::json!({
        "id": letter.id.to_string(),
        "at": letter.at.to_rfc3339(),
        "lane": letter.lane.map(noctis_shared::lane::Lane::name),
        "kind": letter.kind,
        "reason": letter.reason,
        "cause": letter.cause,
        "attempt": letter.attempt,
        "study_id": letter.study_id,
        "body": letter.body,
    })
    .to_string()
}

fn study(text: &str) -> Result<Uuid, String> {
    parse_public_id(text).ok_or_else(|| "takes a study id or a Study Instance UID".to_owned())
}

fn age(text: &str) -> Result<TimeDelta, String> {
    let wrong = || "takes a time, like 30m, 2h or 7d".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let number: i64 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    let age = match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    };
    age.filter(|age| *age > TimeDelta::zero()).ok_or_else(wrong)
}
