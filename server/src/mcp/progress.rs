//! What a client that asked for progress hears while its call waits (MCP, "Progress"): every 15 seconds that it still
//! does, and what the upstream says of the call once it is made.
//!
//! The numbers of both are added up, seconds waited and what the upstream counts, so that they only ever grow.

use super::Gateway;
use crate::connectors::Progress;
use crate::desk::Following;
use futures::future::BoxFuture;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::RequestContext;
use rmcp::{Peer, RoleServer};
use std::time::Duration;

/// How often a client hears that its call still waits, where nothing else is said.
const OFTEN: Duration = Duration::from_secs(15);

const WAITING: &str = "Waiting for approval";
const UNDER_WAY: &str = "Under way";

/// What is told to one client about one call.
pub(super) struct Teller<'a> {
    gateway: &'a Gateway,
    peer: &'a Peer<RoleServer>,
    /// What the client asked for; without it nothing is told.
    token: Option<ProgressToken>,
    following: Option<Following>,
    words: &'static str,
    /// The seconds that were told.
    waited: f64,
    /// The furthest that the upstream has said.
    done: f64,
    /// The last number that was told.
    told: f64,
    /// What is being told. It stands here so that whoever stops the telling can hear it out: a message that is on its way
    /// when the answer leaves may come after it, which is never.
    telling: Option<BoxFuture<'static, ()>>,
}

impl<'a> Teller<'a> {
    /// Of a call that waits for approval.
    pub(super) fn of_held(
        gateway: &'a Gateway,
        context: &'a RequestContext<RoleServer>,
        follow: impl FnOnce() -> Following,
    ) -> Self {
        let token = context.meta.get_progress_token();
        let following = token.is_some().then(follow);
        Self::new(gateway, context, token, following, WAITING)
    }

    /// Of a call that was allowed at once.
    pub(super) fn of_allowed(
        gateway: &'a Gateway,
        context: &'a RequestContext<RoleServer>,
        following: Option<Following>,
    ) -> Self {
        let token = context.meta.get_progress_token();
        let following = following.filter(|_| token.is_some());
        Self::new(gateway, context, token, following, UNDER_WAY)
    }

    fn new(
        gateway: &'a Gateway,
        context: &'a RequestContext<RoleServer>,
        token: Option<ProgressToken>,
        following: Option<Following>,
        words: &'static str,
    ) -> Self {
        let (waited, done, told) = (0.0, 0.0, f64::NEG_INFINITY);
        Self { gateway, peer: &context.peer, token, following, words, waited, done, told, telling: None }
    }

    /// Tells, and comes back when the time is over.
    pub(super) async fn tell_for(&mut self, limit: Duration) {
        let gateway = self.gateway;
        tokio::select! {
            () = pass(gateway, limit) => {}
            () = self.tell() => {}
        }
    }

    /// Tells what was said before the call's end and not told yet.
    pub(super) async fn tell_rest(&mut self) {
        self.hear_out().await;
        while let Some(said) = self.following.as_mut().and_then(Following::waiting) {
            self.pass_on(said).await;
        }
    }

    /// For ever.
    async fn tell(&mut self) {
        if self.token.is_none() {
            return std::future::pending().await;
        }
        loop {
            let said = tokio::select! {
                () = pass(self.gateway, OFTEN) => None,
                said = next(self.following.as_mut()) => Some(said),
            };
            match said {
                Some(said) => self.pass_on(said).await,
                None => {
                    self.waited += OFTEN.as_secs_f64();
                    self.send(None, Some(self.words.to_owned())).await;
                }
            }
        }
    }

    async fn pass_on(&mut self, said: Progress) {
        self.words = UNDER_WAY;
        self.done = self.done.max(said.done);
        self.send(said.total, said.words).await;
    }

    async fn send(&mut self, total: Option<f64>, words: Option<String>) {
        let now = self.waited + self.done;
        let Some(token) = self.token.clone().filter(|_| now > self.told) else { return };
        self.told = now;
        let mut progress = ProgressNotificationParam::new(token, now);
        progress.total = total.map(|total| self.waited + total);
        progress.message = words;
        let peer = self.peer.clone();
        self.telling = Some(Box::pin(async move {
            // Who can't be told any more has left, which is noticed elsewhere.
            let _told = peer.notify_progress(progress).await;
        }));
        self.hear_out().await;
    }

    async fn hear_out(&mut self) {
        if let Some(telling) = &mut self.telling {
            telling.await;
            self.telling = None;
        }
    }
}

async fn next(following: Option<&mut Following>) -> Progress {
    match following {
        Some(following) => following.next().await,
        None => std::future::pending().await,
    }
}

async fn pass(gateway: &Gateway, span: Duration) {
    let clock = gateway.desk.clock();
    let due = clock.now() + span;
    // A clock may wake early, to look whether it was set.
    while clock.now() < due {
        clock.sleep_until(due).await;
    }
}
