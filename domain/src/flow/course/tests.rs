use super::*;
use crate::effect::Effect as ToolEffect;
use crate::flow::people::{Cast, Parties, Person, Voter};
use crate::flow::tests::{Utc, user, voter};
use crate::flow::timing::Frame;
use crate::flow::{Approvers, FlowBody, Step};
use crate::request::Vote;
use crate::user::Role;
use proptest::prelude::*;
use uuid::Uuid;

const PARTIES: Parties = Parties { requester: UserId(Uuid::from_u128(1)), owner: UserId(Uuid::from_u128(1)) };
const MINUTE: i64 = 60_000;

fn by(role: Role) -> Approvers {
    Approvers { roles: vec![role], ..Approvers::default() }
}

/// A desk in small: a flow, its people, and everything that was said.
struct Story {
    flow: FlowBody,
    people: Vec<Voter<'static>>,
    votes: Vec<Cast>,
    frame: Frame,
    course: Course,
    said: Vec<(Timestamp, Effect)>,
}

impl Story {
    fn of(flow: FlowBody, people: Vec<Voter<'static>>) -> Self {
        let at = Timestamp::from_millis(0);
        let expires_at = flow.expires_at(at, &Utc);
        let frame = Frame { created_at: at, expires_at, effect: ToolEffect::Write };
        let mut story = Self { flow, people, votes: Vec::new(), frame, course: Course::default(), said: Vec::new() };
        story.run(at, |flow, _, world| flow.begin(world));
        story
    }

    fn run(&mut self, now: Timestamp, turn: impl FnOnce(&FlowBody, &Course, &World<'_>) -> Turn) {
        let roster = |course: &Course| {
            self.flow.roster(course, self.people.iter().copied().map(Person::from), &self.votes, PARTIES)
        };
        let world = World { now, frame: self.frame, offsets: &Utc, roster: &roster };
        let turn = turn(&self.flow, &self.course, &world);
        self.course = turn.course;
        self.said.extend(turn.effects.into_iter().map(|effect| (now, effect)));
    }

    fn on(&mut self, minutes: i64, event: FlowEvent) {
        if self.ending().is_none() {
            let now = Timestamp::from_millis(minutes * MINUTE);
            self.run(now, |flow, course, world| flow.after(course, event, world));
        }
    }

    fn vote(&mut self, minutes: i64, n: u128, vote: Vote) {
        self.cast(minutes, Recipient::User(user(n)), vote);
    }

    fn cast(&mut self, minutes: i64, by: Recipient, vote: Vote) {
        self.votes.push(Cast { by, step: self.course.step, vote });
        self.on(minutes, FlowEvent::Voted);
    }

    /// Who is asked and has not answered.
    fn waiting(&self) -> Vec<Recipient> {
        let people = self.people.iter().copied().map(Person::from);
        self.flow.roster(&self.course, people, &self.votes, PARTIES).waiting
    }

    fn ending(&self) -> Option<Ending> {
        self.said.iter().find_map(|(_, effect)| match effect {
            Effect::End(ending) => Some(*ending),
            Effect::Tell { .. } => None,
        })
    }

    fn told(&self, minutes: i64) -> Vec<(Notice, usize)> {
        let then = |at: &Timestamp| at.millis() == minutes * MINUTE;
        self.said
            .iter()
            .filter_map(|(at, effect)| match effect {
                Effect::Tell { notice, to, .. } if then(at) => Some((*notice, to.len())),
                _ => None,
            })
            .collect()
    }
}

fn two_steps() -> Story {
    let mut flow = FlowBody::of_steps("x", vec![Step::of(1, by(Role::Approver)), Step::of(2, by(Role::Admin))]);
    flow.reminder_interval_minutes = Some(5);
    flow.timeout_minutes = 60;
    flow.steps[0].escalate_after_minutes = Some(20);
    flow.steps[0].escalate_to = Some(by(Role::Member));
    Story::of(flow, vec![voter(3, Role::Approver), voter(4, Role::Admin), voter(5, Role::Member)])
}

#[test]
fn steps_run_in_order_and_each_person_votes_once() {
    let mut story = two_steps();
    assert_eq!(story.told(0), [(Notice::Asked, 1)]);
    story.vote(2, 3, Vote::Approve);
    assert_eq!((story.course.step, story.told(2)), (2, vec![(Notice::Asked, 1)]));
    story.vote(3, 4, Vote::Approve);
    assert_eq!(story.ending(), Some(Ending::Approved));
}

#[test]
fn one_deny_at_any_step_ends_it() {
    let mut story = two_steps();
    story.vote(2, 3, Vote::Approve);
    story.vote(3, 4, Vote::Deny);
    assert_eq!(story.ending(), Some(Ending::Denied));
}

#[test]
fn a_reminder_that_came_due_many_times_is_sent_once_and_the_next_keeps_step() {
    let mut story = two_steps();
    story.on(17, FlowEvent::Rang(FlowTimer::Remind));
    assert_eq!(story.told(17), [(Notice::Reminder, 1)]);
    let next = story.flow.due(FlowTimer::Remind, &story.course, &story.frame, &Utc);
    assert_eq!(next, Some(Timestamp::from_millis(20 * MINUTE)));
}

#[test]
fn an_escalation_adds_people_and_lowers_nothing() {
    let mut story = two_steps();
    story.on(19, FlowEvent::Rang(FlowTimer::Escalate));
    assert_eq!(story.told(19), [], "never early");
    story.on(20, FlowEvent::Rang(FlowTimer::Escalate));
    story.on(21, FlowEvent::Rang(FlowTimer::Escalate));
    assert_eq!((story.told(20), story.told(21)), (vec![(Notice::Escalated, 1)], vec![]));
    story.vote(22, 5, Vote::Approve);
    assert_eq!(story.course.step, 2);
}

#[test]
fn when_people_left_the_admins_are_asked() {
    let mut story = two_steps();
    story.people[0].active = false;
    story.on(5, FlowEvent::Rang(FlowTimer::Remind));
    assert_eq!(story.told(5), [(Notice::Escalated, 1)]);
    story.on(10, FlowEvent::Rang(FlowTimer::Remind));
    assert_eq!(story.told(10), [(Notice::Reminder, 1)], "the admin who is asked now");
}

#[test]
fn whoever_an_admin_adds_is_asked_at_this_step_only() {
    let mut story = two_steps();
    story.people.push(voter(6, Role::Member));
    story.on(1, FlowEvent::Add(vec![user(6), user(6)]));
    assert_eq!(story.told(1), [(Notice::Asked, 1)]);
    story.vote(2, 3, Vote::Approve);
    assert!(!story.flow.asks(&story.course, &story.people[3].into(), PARTIES));
}

#[test]
fn what_is_held_back_does_not_approve_itself() {
    let mut story = two_steps();
    story.flow.auto_approve_minutes = Some(30);
    story.on(1, FlowEvent::HoldBack);
    story.on(31, FlowEvent::Rang(FlowTimer::AutoApprove));
    assert_eq!(story.ending(), None);
}

#[test]
fn past_the_deadline_nothing_but_the_end_happens() {
    let mut story = two_steps();
    story.flow.auto_approve_minutes = Some(30);
    story.on(60, FlowEvent::Rang(FlowTimer::AutoApprove));
    assert_eq!((story.ending(), story.told(60)), (Some(Ending::Expired), vec![]));
}

#[derive(Clone, Debug)]
enum Deed {
    Vote(u128, bool),
    /// Of an address outside, by its place; the last is the requester's own.
    Write(usize, bool),
    Ring(FlowTimer),
    Leave(usize),
    Add(u128),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (1u128..8, prop::bool::weighted(0.8)).prop_map(|(n, yes)| Deed::Vote(n, yes)),
        4 => (0usize..3, prop::bool::weighted(0.8)).prop_map(|(place, yes)| Deed::Write(place, yes)),
        8 => prop::sample::select(FlowTimer::ALL.to_vec()).prop_map(Deed::Ring),
        1 => (0usize..7).prop_map(Deed::Leave),
        1 => (1u128..8).prop_map(Deed::Add),
    ]
}

/// Outside, and last the one that everybody has in these tests, the requester too.
const ADDRESSES: [&str; 3] = ["pat@partner.test", "sam@partner.test", "x@acme.test"];

fn addresses(places: &[usize]) -> Vec<String> {
    places.iter().map(|place| ADDRESSES[*place].to_owned()).collect()
}

fn some_flow() -> impl Strategy<Value = FlowBody> {
    let step = (0usize..3, 1u32..3, prop::option::of(1u32..40), prop::collection::vec(0usize..3, 0..3));
    (prop::collection::vec(step, 1..4), prop::option::of(5u32..20), prop::option::of(1u32..40)).prop_map(
        |(steps, reminder, auto)| {
            let roles = [Role::Member, Role::Approver, Role::Admin];
            let steps = (1..).zip(steps).map(|(order, (role, needed, escalate, outside))| Step {
                min_approvals: needed,
                escalate_after_minutes: escalate,
                escalate_to: escalate.map(|_| by(Role::Admin)),
                ..Step::of(order, Approvers { emails: addresses(&outside), ..by(roles[role]) })
            });
            let mut flow = FlowBody::of_steps("x", steps.collect());
            (flow.reminder_interval_minutes, flow.auto_approve_minutes) = (reminder, auto);
            flow.timeout_minutes = 45;
            flow
        },
    )
}

fn everyone() -> Vec<Voter<'static>> {
    let role = |n| [Role::Member, Role::Approver, Role::Admin][n as usize % 3];
    (1..8).map(|n| voter(n, role(n))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever happens in whichever order: one end and nothing after it, never early, nobody told who may not decide.
    #[test]
    fn every_course_is_sound(flow in some_flow(), deeds in prop::collection::vec((0i64..6, deed()), 0..60)) {
        let mut story = Story::of(flow, everyone());
        let mut minute = 0;
        for (pause, deed) in deeds {
            minute += pause;
            let before = story.course.clone();
            match deed {
                Deed::Ring(timer) => story.on(minute, FlowEvent::Rang(timer)),
                Deed::Leave(place) => { story.people[place].active = false; story.on(minute, FlowEvent::Look) }
                Deed::Add(n) => story.on(minute, FlowEvent::Add(vec![user(n)])),
                Deed::Vote(n, yes) => {
                    let voter = story.people[n as usize - 1];
                    let fresh = !story.votes.iter().any(|cast| cast.by == Recipient::User(user(n)));
                    let open = story.ending().is_none() && minute < 45;
                    if fresh && open && story.flow.asks(&story.course, &voter.into(), PARTIES) {
                        story.vote(minute, n, if yes { Vote::Approve } else { Vote::Deny });
                    }
                }
                Deed::Write(place, yes) => {
                    let by = Recipient::Email(ADDRESSES[place].to_owned());
                    if story.ending().is_none() && minute < 45 && story.waiting().contains(&by) {
                        story.cast(minute, by, if yes { Vote::Approve } else { Vote::Deny });
                    }
                }
            }
            prop_assert!(story.course.step >= before.step);
        }
        let ends = story.said.iter().filter(|(_, effect)| matches!(effect, Effect::End(_))).count();
        prop_assert!(ends <= 1);
        if let Some(at) = story.said.iter().position(|(_, effect)| matches!(effect, Effect::End(_))) {
            prop_assert_eq!(at, story.said.len() - 1, "nothing is said after the end");
        }
        for (at, effect) in &story.said {
            let minute = at.millis() / MINUTE;
            match effect {
                Effect::End(Ending::Expired) => prop_assert!(minute >= 45),
                Effect::End(Ending::AutoApproved) => {
                    prop_assert!(story.flow.auto_approve_minutes.is_some_and(|after| minute >= i64::from(after)));
                    prop_assert!(!story.votes.iter().any(|cast| cast.vote == Vote::Deny));
                }
                Effect::End(Ending::Denied) => prop_assert!(story.votes.iter().any(|cast| cast.vote == Vote::Deny)),
                Effect::End(Ending::Approved) => {
                    let steps = &story.flow.steps;
                    let given = |order| story.votes.iter().filter(|cast| cast.step == order).count();
                    prop_assert!(steps.iter().all(|step| given(step.order) >= step.min_approvals as usize));
                }
                Effect::Tell { to, .. } => {
                    prop_assert!(!to.contains(&Recipient::User(user(1))), "a party is told");
                    prop_assert!(!to.contains(&Recipient::Email("x@acme.test".into())), "a party is told outside");
                }
            }
        }
        for (place, cast) in story.votes.iter().enumerate() {
            prop_assert!(!story.votes[..place].iter().any(|other| other.by == cast.by), "one vote each");
            prop_assert_ne!(&cast.by, &Recipient::Email("x@acme.test".into()), "a party votes outside");
        }
    }

    /// Rung again at the same moment, a timer does nothing more.
    #[test]
    fn a_timer_that_rings_twice_acts_once(flow in some_flow(), minute in 0i64..45, timer in prop::sample::select(FlowTimer::ALL.to_vec())) {
        let mut story = Story::of(flow, everyone());
        story.on(minute, FlowEvent::Rang(timer));
        let once = (story.course.clone(), story.said.len());
        story.on(minute, FlowEvent::Rang(timer));
        prop_assert_eq!((story.course, story.said.len()), once);
    }

    /// Whoever rings each timer when it is due brings every flow to an end, in a bounded number of turns.
    #[test]
    fn every_flow_ends_when_nobody_answers(flow in some_flow()) {
        let auto = flow.auto_approve_minutes;
        let mut story = Story::of(flow, everyone());
        for _ in 0..100 {
            let due = |timer| Some((story.flow.due(timer, &story.course, &story.frame, &Utc)?, timer));
            let Some((at, timer)) = FlowTimer::ALL.into_iter().filter_map(due).min() else { break };
            story.on(at.millis() / MINUTE, FlowEvent::Rang(timer));
        }
        let expected = if auto.is_some() { Ending::AutoApproved } else { Ending::Expired };
        prop_assert_eq!(story.ending(), Some(expected));
    }
}
