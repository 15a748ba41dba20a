//! The course of a flow: where it stands, what may happen, and what follows. Pure: the time and the people are given.
//!
//! Timers are wake-ups and nothing more: whether something is due is computed from where the flow stands, so one that
//! rings twice, early or late does no harm.

use super::people::Recipient;
use super::timing::Frame;
use super::{FlowBody, Offsets};
use crate::Timestamp;
use crate::ids::UserId;
use serde::{Deserialize, Serialize};

/// Where a request's flow stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Course {
    /// At which step, from 1.
    pub step: u32,
    /// When that step began.
    pub began_at: Timestamp,
    /// When its approvers were last reminded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Timestamp>,
    /// How often they were.
    #[serde(skip_serializing_if = "is_zero")]
    pub reminders: u32,
    /// Whether the step's escalation happened.
    #[serde(skip_serializing_if = "is_false")]
    pub escalated: bool,
    /// Whether they were warned of the deadline.
    #[serde(skip_serializing_if = "is_false")]
    pub warned: bool,
    /// Whether the admins are asked, since too few others are left who could approve.
    #[serde(skip_serializing_if = "is_false")]
    pub admins: bool,
    /// Whether it may not approve itself any more.
    #[serde(skip_serializing_if = "is_false")]
    pub held_back: bool,
    /// Whom admins added, and at which step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<(u32, UserId)>,
}

const fn is_false(truth: &bool) -> bool {
    !*truth
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Default for Course {
    fn default() -> Self {
        Self::at(1, Timestamp::from_millis(0))
    }
}

impl Course {
    /// The beginning of a step.
    #[must_use]
    pub const fn at(step: u32, began_at: Timestamp) -> Self {
        Self {
            step,
            began_at,
            reminded_at: None,
            reminders: 0,
            escalated: false,
            warned: false,
            admins: false,
            held_back: false,
            also: Vec::new(),
        }
    }
}

/// What wakes a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FlowTimer {
    /// Those who have not answered are reminded.
    Remind,
    /// Others are asked too.
    Escalate,
    /// The deadline is near.
    Warn,
    /// The request approves itself.
    AutoApprove,
    /// The deadline.
    Expire,
}

impl FlowTimer {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Remind, Self::Escalate, Self::Warn, Self::AutoApprove, Self::Expire];
}

/// What people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// They are asked.
    Asked,
    /// They are asked since others did not answer, or can't.
    Escalated,
    /// They are reminded.
    Reminder,
    /// The deadline is near.
    Warning,
}

/// Who may still decide at a step, and what its votes come to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Roster {
    /// Who is asked and has not voted.
    pub waiting: Vec<Recipient>,
    /// How many approvals count: one for each seat, whoever of those who may sit in it gave it.
    pub given: u32,
    /// How many there would be if all who are asked approved.
    pub able: u32,
    /// Whether somebody said no.
    pub denied: bool,
}

/// How a flow ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Enough approved at every step.
    Approved,
    /// Nobody answered, and the flow says that this is a yes.
    AutoApproved,
    /// Somebody said no.
    Denied,
    /// The deadline passed.
    Expired,
}

/// What happens to a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowEvent {
    /// A vote was stored.
    Voted,
    /// A timer rang.
    Rang(FlowTimer),
    /// An admin adds people to the step.
    Add(Vec<UserId>),
    /// The request may not approve itself: what it was asked under has changed.
    HoldBack,
    /// People came or left.
    Look,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// People are told. `round` tells one reminder from the next.
    Tell {
        /// What.
        notice: Notice,
        /// At which step.
        step: u32,
        /// The how-manieth of its kind.
        round: u32,
        /// Whom.
        to: Vec<Recipient>,
    },
    /// It ends.
    End(Ending),
}

/// What the machine is told of the world: the time, and who is there.
pub struct World<'a> {
    /// Now.
    pub now: Timestamp,
    /// The request's unchanging moments.
    pub frame: Frame,
    /// Local clocks.
    pub offsets: &'a dyn Offsets,
    /// Who may still decide where a course stands, and what the votes come to.
    pub roster: &'a dyn Fn(&Course) -> Roster,
}

/// A course and what follows from what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Where the flow stands now.
    pub course: Course,
    /// What is to be done, in order. An end is the last.
    pub effects: Vec<Effect>,
}

impl FlowBody {
    /// Begins a flow: its first step is asked.
    #[must_use]
    pub fn begin(&self, world: &World<'_>) -> Turn {
        let mut turn = Turn { course: Course::at(1, world.now), effects: Vec::new() };
        self.ask(&mut turn, world);
        turn
    }

    /// What follows from an event.
    #[must_use]
    pub fn after(&self, course: &Course, event: FlowEvent, world: &World<'_>) -> Turn {
        let mut turn = Turn { course: course.clone(), effects: Vec::new() };
        if world.now >= world.frame.expires_at {
            turn.effects.push(Effect::End(Ending::Expired));
            return turn;
        }
        match event {
            FlowEvent::Voted => self.count(&mut turn, world),
            FlowEvent::Rang(timer) if self.is_due(timer, course, world) => self.ring(&mut turn, timer, world),
            FlowEvent::Rang(_) | FlowEvent::Look => {}
            FlowEvent::Add(people) => add(&mut turn, people, world),
            FlowEvent::HoldBack => turn.course.held_back = true,
        }
        self.mind_the_missing(&mut turn, world);
        turn
    }

    fn is_due(&self, timer: FlowTimer, course: &Course, world: &World<'_>) -> bool {
        self.due(timer, course, &world.frame, world.offsets).is_some_and(|due| due <= world.now)
    }

    fn needed(&self, course: &Course) -> u32 {
        self.step(course.step).map_or(1, |step| step.min_approvals)
    }

    fn count(&self, turn: &mut Turn, world: &World<'_>) {
        let roster = (world.roster)(&turn.course);
        if roster.denied {
            turn.effects.push(Effect::End(Ending::Denied));
        } else if roster.given >= self.needed(&turn.course) {
            match self.step(turn.course.step + 1) {
                None => turn.effects.push(Effect::End(Ending::Approved)),
                Some(next) => {
                    let Course { warned, held_back, also, .. } = std::mem::take(&mut turn.course);
                    turn.course = Course { warned, held_back, also, ..Course::at(next.order, world.now) };
                    self.ask(turn, world);
                }
            }
        }
    }

    fn ask(&self, turn: &mut Turn, world: &World<'_>) {
        let waiting = (world.roster)(&turn.course).waiting;
        turn.tell(Notice::Asked, 0, waiting);
        self.mind_the_missing(turn, world);
    }

    fn ring(&self, turn: &mut Turn, timer: FlowTimer, world: &World<'_>) {
        match timer {
            FlowTimer::Remind => {
                turn.course.reminders += 1;
                turn.course.reminded_at = Some(self.last_reminder_before(turn, world));
                turn.tell(Notice::Reminder, turn.course.reminders, (world.roster)(&turn.course).waiting);
            }
            FlowTimer::Escalate => {
                let before = (world.roster)(&turn.course).waiting;
                turn.course.escalated = true;
                turn.tell(Notice::Escalated, 1, newcomers(&before, (world.roster)(&turn.course).waiting));
            }
            FlowTimer::Warn => {
                turn.course.warned = true;
                turn.tell(Notice::Warning, 0, (world.roster)(&turn.course).waiting);
            }
            FlowTimer::AutoApprove => turn.effects.push(Effect::End(Ending::AutoApproved)),
            // Before the deadline it does nothing, and past it nothing else is done.
            FlowTimer::Expire => {}
        }
    }

    /// Of many reminders that came due while nobody rang, one is sent; the next is in step with those that were missed.
    fn last_reminder_before(&self, turn: &Turn, world: &World<'_>) -> Timestamp {
        let since = turn.course.reminded_at.unwrap_or(turn.course.began_at);
        let Some(interval) = self.reminder_interval_minutes.map(super::timing::minutes) else { return world.now };
        let rounds = since.until(world.now).as_secs() / interval.as_secs().max(1);
        since + interval * u32::try_from(rounds.max(1)).unwrap_or(u32::MAX)
    }

    /// When too few are left who could approve, the admins are asked too.
    fn mind_the_missing(&self, turn: &mut Turn, world: &World<'_>) {
        if turn.ends() || turn.course.admins {
            return;
        }
        let roster = (world.roster)(&turn.course);
        if roster.able < self.needed(&turn.course) {
            turn.course.admins = true;
            turn.tell(Notice::Escalated, 0, newcomers(&roster.waiting, (world.roster)(&turn.course).waiting));
        }
    }
}

fn add(turn: &mut Turn, people: Vec<UserId>, world: &World<'_>) {
    let before = (world.roster)(&turn.course).waiting;
    for person in people {
        let added = (turn.course.step, person);
        if !turn.course.also.contains(&added) {
            turn.course.also.push(added);
        }
    }
    turn.tell(Notice::Asked, 0, newcomers(&before, (world.roster)(&turn.course).waiting));
}

fn newcomers(before: &[Recipient], now: Vec<Recipient>) -> Vec<Recipient> {
    now.into_iter().filter(|recipient| !before.contains(recipient)).collect()
}

impl Turn {
    /// How the flow ended, if it did.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::End(ending) => Some(*ending),
            Effect::Tell { .. } => None,
        })
    }

    fn ends(&self) -> bool {
        self.ending().is_some()
    }

    fn tell(&mut self, notice: Notice, round: u32, to: Vec<Recipient>) {
        if !to.is_empty() {
            self.effects.push(Effect::Tell { notice, step: self.course.step, round, to });
        }
    }
}

#[cfg(test)]
mod tests;
