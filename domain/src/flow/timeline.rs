//! What will happen when, if nobody answers: the flow's own course, run on and watched.

use super::timing::Frame;
use super::{Channels, Course, Effect, Ending, FlowBody, FlowEvent, FlowTimer, Notice, Offsets, Recipient, Roster};
use crate::Timestamp;
use crate::effect::Effect as ToolEffect;
use std::time::Duration;

/// One point on a flow's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// How long after the request.
    pub after: Duration,
    /// What happens.
    pub what: Happening,
}

/// What happens at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The first step's approvers are asked, over these channels.
    Asked(Channels),
    /// Who has not answered is reminded, and from then on at every interval.
    Reminded {
        /// The interval.
        every: Duration,
        /// How many reminders there are in all.
        times: u32,
    },
    /// Others are asked too.
    Escalated,
    /// The approvers are warned of the deadline.
    Warned,
    /// The request approves itself.
    AutoApproved,
    /// It ends unanswered.
    Expired,
}

impl FlowBody {
    /// What happens when nobody answers a request for such a tool that is asked at this moment.
    #[must_use]
    pub fn timeline(&self, asked_at: Timestamp, effect: ToolEffect, offsets: &dyn Offsets) -> Vec<Moment> {
        let frame = Frame { created_at: asked_at, expires_at: self.expires_at(asked_at, offsets), effect };
        let roster = |course: &Course| self.enough(course);
        let world = |now| super::course::World { now, frame, offsets, roster: &roster };
        let mut turn = self.begin(&world(asked_at));
        let mut moments = vec![Moment { after: Duration::ZERO, what: Happening::Asked(self.channels) }];
        while turn.ending().is_none() {
            let due = |timer| Some((self.due(timer, &turn.course, &frame, offsets)?, timer));
            let Some((at, timer)) = FlowTimer::ALL.into_iter().filter_map(due).min() else { break };
            turn = self.after(&turn.course, FlowEvent::Rang(timer), &world(at));
            let after = asked_at.until(at);
            for effect in &turn.effects {
                self.note(&mut moments, effect, after);
            }
        }
        moments
    }

    fn note(&self, moments: &mut Vec<Moment>, effect: &Effect, after: Duration) {
        let what = match effect {
            Effect::Tell { notice: Notice::Reminder, .. } => {
                let mut known = moments.iter_mut().filter_map(|moment| match &mut moment.what {
                    Happening::Reminded { times, .. } => Some(times),
                    _ => None,
                });
                if let Some(times) = known.next() {
                    *times += 1;
                    return;
                }
                let every = super::timing::minutes(self.reminder_interval_minutes.unwrap_or(0));
                Happening::Reminded { every, times: 1 }
            }
            Effect::Tell { notice: Notice::Escalated, .. } => Happening::Escalated,
            Effect::Tell { notice: Notice::Warning, .. } => Happening::Warned,
            Effect::Tell { notice: Notice::Asked, .. } => return,
            Effect::End(Ending::AutoApproved) => Happening::AutoApproved,
            Effect::End(_) => Happening::Expired,
        };
        moments.push(Moment { after, what });
    }

    /// A roster in which nobody is missing and nobody answers.
    fn enough(&self, course: &Course) -> Roster {
        let needed = self.step(course.step).map_or(1, |step| step.min_approvals);
        let asked = needed.saturating_add(u32::from(course.escalated));
        let waiting = (0..asked.min(1_000)).map(|place| Recipient::Phone(place.to_string())).collect();
        Roster { waiting, able: asked, ..Roster::default() }
    }
}
