//! When a flow does what: each moment is computed from where the flow stands, so that a timer is only a wake-up.

use super::{Course, FlowBody, FlowTimer, Offsets, QuietHours};
use crate::Timestamp;
use crate::effect::Effect as ToolEffect;
use std::time::Duration;

/// The share of its time after which a request's approvers are warned.
const WARNING_PERCENT: u64 = 80;

/// What a request's moments are counted from. Nothing of it ever changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it was asked.
    pub created_at: Timestamp,
    /// Its deadline.
    pub expires_at: Timestamp,
    /// What the tool does.
    pub effect: ToolEffect,
}

pub(crate) fn minutes(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

impl FlowBody {
    /// The deadline of a request that is asked now. One that falls into quiet hours moves to their end.
    #[must_use]
    pub fn expires_at(&self, now: Timestamp, offsets: &dyn Offsets) -> Timestamp {
        QuietHours::after(self.quiet(), now + minutes(self.timeout_minutes), offsets)
    }

    /// Whether a deadline is not where the timeout would have it: quiet hours moved it.
    #[must_use]
    pub fn moved_deadline(&self, created_at: Timestamp, expires_at: Timestamp) -> bool {
        created_at + minutes(self.timeout_minutes) < expires_at
    }

    /// The quiet hours that count.
    #[must_use]
    pub fn quiet(&self) -> Option<&QuietHours> {
        self.quiet_hours.as_ref().filter(|_| !self.urgent)
    }

    /// Whether a request of such a tool may approve itself.
    #[must_use]
    pub fn approves_by_itself(&self, effect: ToolEffect) -> bool {
        self.auto_approve_minutes.is_some()
            && (effect != ToolEffect::Destructive || self.auto_approve_destructive_reason.is_some())
    }

    /// When a timer is due; none where there is nothing to do before the deadline.
    #[must_use]
    pub fn due(&self, timer: FlowTimer, course: &Course, frame: &Frame, offsets: &dyn Offsets) -> Option<Timestamp> {
        let notice = |at| QuietHours::after(self.quiet(), at, offsets);
        let due = match timer {
            FlowTimer::Remind => {
                let interval = minutes(self.reminder_interval_minutes?);
                Some(notice(course.reminded_at.unwrap_or(course.began_at) + interval))
            }
            FlowTimer::Escalate => {
                let step = self.step(course.step).filter(|step| !course.escalated && step.escalate_to.is_some())?;
                Some(notice(course.began_at + minutes(step.escalate_after_minutes?)))
            }
            FlowTimer::Warn => {
                let share = frame.created_at.until(frame.expires_at).as_millis() as u64 * WARNING_PERCENT / 100;
                (!course.warned).then(|| frame.created_at + Duration::from_millis(share))
            }
            FlowTimer::AutoApprove => {
                let after = self.auto_approve_minutes.filter(|_| self.approves_by_itself(frame.effect))?;
                (!course.held_back).then(|| frame.created_at + minutes(after))
            }
            FlowTimer::Expire => return Some(frame.expires_at),
        };
        due.filter(|due| *due < frame.expires_at)
    }
}
