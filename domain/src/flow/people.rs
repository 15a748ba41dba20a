//! Who is asked at a step, and what their votes come to. Selectors are frozen with the flow; membership is live.

use super::{Approvers, Course, FlowBody, Roster};
use crate::ids::UserId;
use crate::request::Vote;
use crate::user::{Role, normal_email};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A person as the flow sees them: live membership, whatever the selectors say.
#[derive(Clone, Copy, Debug)]
pub struct Voter<'a> {
    /// Who.
    pub id: UserId,
    /// Their address, in its normal spelling.
    pub email: &'a str,
    /// Their phone, if they told one.
    pub phone: Option<&'a str>,
    /// Their groups.
    pub groups: &'a [String],
    /// Their role.
    pub role: Role,
    /// Whether their account is open.
    pub active: bool,
}

/// A person, and in whose place they are asked at this moment: those who are out of office.
#[derive(Clone, Debug)]
pub struct Person<'a> {
    /// They themselves; who decides is judged as that one.
    pub voter: Voter<'a>,
    /// Those who named them to be asked in their place.
    pub stands_in_for: Vec<Voter<'a>>,
}

impl<'a> From<Voter<'a>> for Person<'a> {
    fn from(voter: Voter<'a>) -> Self {
        Self { voter, stands_in_for: Vec::new() }
    }
}

/// For whom a request was made, and whose agent made it: neither approves it, unless the flow says so.
#[derive(Clone, Copy, Debug)]
pub struct Parties {
    /// On whose behalf.
    pub requester: UserId,
    /// The agent's owner.
    pub owner: UserId,
}

/// A vote as it was cast. One a person, or an address outside, and request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cast {
    /// Whose.
    pub by: Recipient,
    /// At which step.
    pub step: u32,
    /// What they said.
    pub vote: Vote,
}

/// Somebody who is asked: whom messages are for, and whose votes count. Of somebody outside the desk only the address
/// is known, in its normal spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// Somebody with an account.
    User(UserId),
    /// Somebody outside, by mail.
    Email(String),
    /// Somebody outside, by text message.
    Phone(String),
}

impl Recipient {
    /// Whether they have no account.
    #[must_use]
    pub const fn is_outside(&self) -> bool {
        !matches!(self, Self::User(_))
    }

    /// Somebody outside as others are shown them: enough to recognise the address and too little to write to it.
    #[must_use]
    pub fn masked(&self) -> Option<String> {
        match self {
            Self::User(_) => None,
            Self::Email(email) => {
                let (local, host) = email.split_once('@')?;
                Some(format!("{}…@{host}", local.chars().next()?))
            }
            Self::Phone(phone) => {
                let last = phone.len().saturating_sub(3);
                Some(format!("{}…{}", phone.get(..3)?, phone.get(last..)?))
            }
        }
    }

    /// How somebody outside signs a decision: a mail address stands for a name, a number is masked.
    #[must_use]
    pub fn signature(&self) -> Option<String> {
        match self {
            Self::Email(email) => Some(email.clone()),
            other => other.masked(),
        }
    }

    /// Whether this address is that of somebody with an account, who decides signed in and not by a link. A phone is
    /// what people say it is, so it only keeps the parties themselves away.
    fn is_of(&self, voter: &Voter<'_>, parties: Parties) -> bool {
        match self {
            Self::User(id) => *id == voter.id,
            Self::Email(email) => email.eq_ignore_ascii_case(voter.email),
            Self::Phone(phone) => parties.has(voter.id) && voter.phone == Some(phone),
        }
    }
}

impl Parties {
    fn has(&self, user: UserId) -> bool {
        user == self.requester || user == self.owner
    }
}

impl Approvers {
    /// The addresses of people outside, in their normal spelling.
    pub fn outsiders(&self) -> impl Iterator<Item = Recipient> {
        let emails = self.emails.iter().map(|email| Recipient::Email(normal_email(email)));
        emails.chain(self.phones.iter().cloned().map(Recipient::Phone))
    }

    pub(super) fn selects(&self, voter: &Voter<'_>) -> bool {
        self.users.iter().any(|user| user.eq_ignore_ascii_case(voter.email))
            || self.groups.iter().any(|group| voter.groups.contains(group))
            || self.roles.contains(&voter.role)
    }
}

impl FlowBody {
    /// Whether this person is asked where the flow stands, and so may decide.
    #[must_use]
    pub fn asks(&self, course: &Course, person: &Person<'_>, parties: Parties) -> bool {
        // Nobody stands in for a party: what that one may not approve, nobody may in their place.
        let mut others = person.stands_in_for.iter().filter(|other| self.may_vote(other, parties));
        self.may_vote(&person.voter, parties)
            && (self.selects(course, &person.voter) || others.any(|other| self.selects(course, other)))
    }

    /// Whether the step where the flow stands names this person, be they a party or not.
    #[must_use]
    pub fn selects(&self, course: &Course, voter: &Voter<'_>) -> bool {
        if self.step(course.step).is_none() {
            return false;
        }
        self.named(course).any(|named| named.selects(voter))
            || course.also.contains(&(course.step, voter.id))
            || (course.admins && voter.role == Role::Admin)
    }

    /// Whom the step where the flow stands names by now.
    fn named(&self, course: &Course) -> impl Iterator<Item = &Approvers> {
        let step = self.step(course.step);
        let escalated = step.and_then(|step| step.escalate_to.as_ref()).filter(|_| course.escalated);
        step.map(|step| &step.approvers).into_iter().chain(escalated)
    }

    /// Whether any step names this person, or somebody whom they stand in for, at once or after an escalation.
    #[must_use]
    pub fn may_ask(&self, person: &Person<'_>) -> bool {
        let named = |step: &super::Step, voter: &Voter<'_>| {
            step.approvers.selects(voter) || step.escalate_to.as_ref().is_some_and(|more| more.selects(voter))
        };
        let everyone = [&person.voter].into_iter().chain(&person.stands_in_for);
        everyone.into_iter().any(|voter| self.steps.iter().any(|step| named(step, voter)))
    }

    fn may_vote(&self, voter: &Voter<'_>, parties: Parties) -> bool {
        voter.active && (self.allow_self_approval || !parties.has(voter.id))
    }

    /// Who may still decide where the flow stands, and what the votes at that step come to. Only votes of people who
    /// would still be asked count for approval; one deny ends it, since it was theirs to give when they gave it.
    #[must_use]
    pub fn roster<'a>(
        &self,
        course: &Course,
        people: impl IntoIterator<Item = Person<'a>>,
        votes: &[Cast],
        parties: Parties,
    ) -> Roster {
        let mut roster = Roster { denied: votes.iter().any(|cast| cast.vote == Vote::Deny), ..Roster::default() };
        let (mut given, mut able) = (Seats::default(), Seats::default());
        let mut outsiders: BTreeSet<Recipient> = self.named(course).flat_map(Approvers::outsiders).collect();
        for person in people {
            outsiders.retain(|outsider| !outsider.is_of(&person.voter, parties));
            if self.asks(course, &person, parties) {
                let voter = Recipient::User(person.voter.id);
                let mut seats = self.seats(course, &person, parties);
                // Whoever voted at another step has no seat left for others to vote from.
                seats.retain(|seat| *seat == person.voter.id || !has_voted_elsewhere(course, *seat, votes));
                roster.count(course, &voter, votes, |into| into.take(&seats), (&mut given, &mut able));
            }
        }
        for outsider in outsiders {
            roster.count(course, &outsider, votes, |into| into.outside += 1, (&mut given, &mut able));
        }
        (roster.given, roster.able) = (given.filled(), able.filled());
        roster.waiting.sort_unstable();
        roster
    }

    /// The seats that a person may vote from, each of which votes once: their own, or else those of the people in whose
    /// place they are asked.
    fn seats(&self, course: &Course, person: &Person<'_>, parties: Parties) -> Vec<UserId> {
        if self.selects(course, &person.voter) {
            return vec![person.voter.id];
        }
        let others = person.stands_in_for.iter().filter(|other| self.may_vote(other, parties));
        others.filter(|other| self.selects(course, other)).map(|other| other.id).collect()
    }

    /// Whether every step's approvals stand: of the votes that were cast, those of people who would still be asked.
    #[must_use]
    pub fn stands(&self, course: &Course, people: &[Person<'_>], votes: &[Cast], parties: Parties) -> bool {
        self.steps.iter().filter(|step| step.order <= course.step).all(|step| {
            // What an earlier step's course was is not kept; whoever could have been asked there could have voted.
            let then = match step.order == course.step {
                true => course.clone(),
                false => Course { step: step.order, escalated: true, admins: true, ..course.clone() },
            };
            let roster = self.roster(&then, people.iter().cloned(), votes, parties);
            !roster.denied && roster.given >= step.min_approvals
        })
    }
}

fn has_voted_elsewhere(course: &Course, user: UserId, votes: &[Cast]) -> bool {
    votes.iter().any(|cast| cast.step != course.step && cast.by == Recipient::User(user))
}

/// The seats that votes come from. Who stands in for somebody votes from their seat, so that one seat has one vote
/// whichever of them gave it, and naming colleagues multiplies nothing.
#[derive(Default)]
struct Seats {
    own: BTreeSet<UserId>,
    outside: u32,
    /// Of each who stands in, the seats that they may take.
    stand_ins: Vec<Vec<UserId>>,
}

impl Seats {
    fn take(&mut self, seats: &[UserId]) {
        match seats {
            [one] => drop(self.own.insert(*one)),
            several => self.stand_ins.push(several.to_vec()),
        }
    }

    /// How many seats have a vote, each vote being given to one: a matching by augmenting paths.
    fn filled(&self) -> u32 {
        let mut taken = BTreeMap::new();
        let more = (0..self.stand_ins.len()).filter(|one| self.seat(*one, &mut taken, &mut BTreeSet::new())).count();
        let inside = u32::try_from(self.own.len() + more).unwrap_or(u32::MAX);
        inside.saturating_add(self.outside)
    }

    fn seat(&self, one: usize, taken: &mut BTreeMap<UserId, usize>, tried: &mut BTreeSet<UserId>) -> bool {
        for seat in self.stand_ins[one].iter().filter(|seat| !self.own.contains(seat)) {
            if !tried.insert(*seat) {
                continue;
            }
            let other = taken.get(seat).copied();
            if other.is_none_or(|other| self.seat(other, taken, tried)) {
                taken.insert(*seat, one);
                return true;
            }
        }
        false
    }
}

impl Roster {
    fn count(
        &mut self,
        course: &Course,
        asked: &Recipient,
        votes: &[Cast],
        take: impl Fn(&mut Seats),
        (given, able): (&mut Seats, &mut Seats),
    ) {
        match votes.iter().find(|cast| cast.by == *asked) {
            None => {
                self.waiting.push(asked.clone());
                take(able);
            }
            Some(cast) if cast.step == course.step && cast.vote == Vote::Approve => {
                take(given);
                take(able);
            }
            Some(_) => {}
        }
    }

    /// Without people outside: what is granted for a time is for people with an account to give.
    #[must_use]
    pub fn of_the_house(mut self) -> Self {
        let all = self.waiting.len();
        self.waiting.retain(|asked| !asked.is_outside());
        self.able = self.able.saturating_sub(u32::try_from(all - self.waiting.len()).unwrap_or(u32::MAX));
        self
    }
}
