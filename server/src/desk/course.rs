//! Where a request's flow stands, moved on inside the transaction that moves the request. The rules are the domain's;
//! here its effects become rows: who is told, and when the flow is woken next.

use super::error::{DeskError, ended};
use super::list::parties;
use super::notices::{self, Told};
use super::snapshot::Snapshot;
use crate::store::decisions::Decision;
use crate::store::requests::Request;
use crate::store::timers::{Timer, TimerKind};
use crate::store::{self, Connection};
use crate::zones::Zones;
use countersign_domain::Timestamp;
use countersign_domain::flow::course::{Turn, World};
use countersign_domain::flow::timing::Frame;
use countersign_domain::flow::{Cast, Course, Effect, Ending, FlowBody, FlowEvent, FlowTimer, Recipient, Roster};
use countersign_domain::request::RequestKind;

/// A request's flow at this moment: what the domain is told of it.
pub(super) struct Stage<'a> {
    snapshot: &'a Snapshot,
    pub(super) flow: &'a FlowBody,
}

/// The flow that a request follows.
pub(super) fn stage<'a>(snapshot: &'a Snapshot, request: &Request) -> Result<Stage<'a>, DeskError> {
    let key = request.flow.ok_or_else(|| ended(request.id, request.state))?;
    let flow = snapshot.flow_at(key).ok_or_else(|| DeskError::Internal("a request's flow version is gone".into()))?;
    Ok(Stage { snapshot, flow })
}

/// Votes as flows see them.
pub(super) fn casts(votes: &[Decision]) -> Vec<Cast> {
    votes.iter().map(|vote| Cast { by: vote.by.clone(), step: vote.step, vote: vote.vote }).collect()
}

const fn frame(request: &Request) -> Frame {
    Frame { created_at: request.created_at, expires_at: request.expires_at, effect: request.effect }
}

impl Stage<'_> {
    /// Who may still decide where the request stands, and what its votes come to.
    pub(super) fn roster(&self, request: &Request, votes: &[Decision], now: Timestamp) -> Roster {
        self.roster_at(&request.course, request, &casts(votes), now)
    }

    fn roster_at(&self, course: &Course, request: &Request, casts: &[Cast], now: Timestamp) -> Roster {
        let roster = self.flow.roster(course, self.snapshot.people(now), casts, parties(request));
        match request.kind {
            RequestKind::Call => roster,
            RequestKind::Access => roster.of_the_house(),
        }
    }

    /// Whether the approvals at every step stand. Who stood in for somebody when it was decided, did.
    pub(super) fn stands(&self, request: &Request, votes: &[Decision]) -> bool {
        let people: Vec<_> = self.snapshot.people(request.decided_at.unwrap_or(request.updated_at)).collect();
        self.flow.stands(&request.course, &people, &casts(votes), parties(request))
    }

    /// What is due next of its flow, and when.
    pub(super) fn next_due(&self, request: &Request) -> Option<(Timestamp, FlowTimer)> {
        self.dues(request).into_iter().next()
    }

    /// Everything that its flow has still to do, in order.
    pub(super) fn dues(&self, request: &Request) -> Vec<(Timestamp, FlowTimer)> {
        let due = |timer| Some((self.flow.due(timer, &request.course, &frame(request), &Zones)?, timer));
        let mut dues: Vec<_> = FlowTimer::ALL.into_iter().filter_map(due).collect();
        dues.sort_unstable();
        dues
    }

    /// Whether something of its flow is due.
    pub(super) fn is_due(&self, timer: FlowTimer, request: &Request, now: Timestamp) -> bool {
        self.flow.due(timer, &request.course, &frame(request), &Zones).is_some_and(|due| due <= now)
    }

    fn turn(
        &self,
        request: &Request,
        votes: &[Decision],
        now: Timestamp,
        turn: impl FnOnce(&Course, &World<'_>) -> Turn,
    ) -> Turn {
        let casts = casts(votes);
        let roster = |course: &Course| self.roster_at(course, request, &casts, now);
        turn(&request.course, &World { now, frame: frame(request), offsets: &Zones, roster: &roster })
    }

    /// Begins a new request's flow.
    pub(super) async fn begin(
        &self,
        connection: &mut Connection,
        request: &mut Request,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        let mut turn = self.turn(request, &[], now, |_, world| self.flow.begin(world));
        // What a person leaves ticked is what is granted, so somebody must.
        turn.course.held_back = request.kind == RequestKind::Access;
        self.follow(connection, request, turn, now).await.map(drop)
    }

    /// Moves a request's flow on; how it ended, if it did. The request is for the caller to store.
    pub(super) async fn after(
        &self,
        connection: &mut Connection,
        request: &mut Request,
        votes: &[Decision],
        event: FlowEvent,
        now: Timestamp,
    ) -> Result<Option<Ending>, DeskError> {
        let turn = self.turn(request, votes, now, |course, world| self.flow.after(course, event, world));
        self.follow(connection, request, turn, now).await
    }

    async fn follow(
        &self,
        connection: &mut Connection,
        request: &mut Request,
        turn: Turn,
        now: Timestamp,
    ) -> Result<Option<Ending>, DeskError> {
        let ending = turn.ending();
        request.course = turn.course;
        for effect in turn.effects {
            if let Effect::Tell { notice, step, round, to } = effect {
                let told = Told { kind: notice.into(), step, round, to };
                notices::tell(connection, self.snapshot, self.flow, request, told, now).await?;
            }
        }
        if let (None, Some((due_at, _))) = (ending, self.next_due(request)) {
            store::timers::set(connection, Timer { request_id: request.id, kind: TimerKind::Flow, due_at }).await?;
        }
        Ok(ending)
    }
}

/// A request that waited waits no more: nothing is due of its flow, and whoever was told hears how it ended.
pub(super) async fn close(
    connection: &mut Connection,
    snapshot: &Snapshot,
    request: &Request,
    by: Option<Recipient>,
    now: Timestamp,
) -> Result<(), DeskError> {
    store::timers::clear(connection, request.id, TimerKind::Flow).await?;
    notices::tell_the_end(connection, snapshot, request, by.map(Into::into), now).await
}
