//! Bounds of the queue.

use std::time::Duration;

use super::QueueError;

/// What bounds lanes, messages and attempts. Every process of a deployment needs the same values: a broker refuses
/// to declare a queue anew with other arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueLimits {
    /// Messages that wait in one lane; the next publish is refused as full.
    pub lane_jobs_max: u32,
    /// Longest body of a message, in bytes.
    pub message_bytes_max: usize,
    /// How often a job is tried before it is dead-lettered.
    pub attempts_max: u32,
    /// How often a delivery may be lost with its consumer (a crash) before the message is dead-lettered.
    pub delivery_limit: u32,
    /// Pause before the second, third … attempt; the last one repeats.
    pub retry_delays: Vec<Duration>,
    /// How long a publish waits for its confirm.
    pub publish_timeout: Duration,
    /// Dead letters that are kept; the oldest goes first.
    pub dead_letters_max: u32,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            lane_jobs_max: 10_000,
            message_bytes_max: 1 << 20,
            attempts_max: 5,
            delivery_limit: 3,
            retry_delays: [1, 5, 25].map(Duration::from_secs).to_vec(),
            publish_timeout: Duration::from_secs(5),
            dead_letters_max: 10_000,
        }
    }
}

impl QueueLimits {
    /// The pause after `attempt` (1-based) failed; `None` when it was the last one.
    #[must_use]
    pub fn retry_delay(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts_max {
            return None;
        }
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.retry_delays.get(index).or(self.retry_delays.last()).copied()
    }

    /// # Errors
    /// [`QueueError::Limits`] names the first limit under which nothing could be delivered or retried.
    pub(super) fn check(&self) -> Result<(), QueueError> {
        let at_least_one = [
            ("lane_jobs_max", self.lane_jobs_max > 0),
            ("message_bytes_max", self.message_bytes_max > 0),
            ("attempts_max", self.attempts_max > 0),
            ("delivery_limit", self.delivery_limit > 0),
            ("retry_delays", self.retry_delays.iter().any(|delay| !delay.is_zero())),
            ("publish_timeout", !self.publish_timeout.is_zero()),
            ("dead_letters_max", self.dead_letters_max > 0),
        ];
        match at_least_one.into_iter().find(|(_, holds)| !holds) {
            Some((name, _)) => Err(QueueError::Limits(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_until_the_last_repeats_and_the_last_attempt_has_none() {
        let limits = QueueLimits::default();
        let delays: Vec<_> =
            (1..=5).map(|attempt| limits.retry_delay(attempt).map(|delay| delay.as_secs())).collect();
        assert_eq!(delays, [Some(1), Some(5), Some(25), Some(25), None]);
    }

    #[test]
    fn limits_under_which_nothing_could_be_retried_are_refused() {
        let limits = QueueLimits { retry_delays: Vec::new(), ..QueueLimits::default() };
        assert_eq!(
            limits.check().expect_err("refused").to_string(),
            "limit retry_delays is nothing: it takes one or more"
        );
    }
}
