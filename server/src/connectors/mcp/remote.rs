//! The life of a conversation over Streamable HTTP: begun in either era, watched, and given up when the other side
//! forgot it or can't be reached. Each message is `post.rs`'s business.

use super::launch::Address;
use super::life::{End, Era, either_era, too_slow, why_not};
use super::link::{Link, Loss};
use super::listening::{Ear, Subscribing};
use super::post::Post;
use super::server::{Live, Phase, Shared};
use crate::connectors::ConnectorChange;
use futures::FutureExt as _;
use futures::future::FusedFuture as _;
use rmcp::RoleClient;
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RunningService};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

const FORGETS: &str = "The server began a session and forgot the session before it answered anything in it.";

/// A conversation that has begun.
pub(super) struct Remote {
    running: RunningService<RoleClient, Ear>,
    link: Arc<Link>,
}

impl Remote {
    pub(super) async fn start(shared: &Arc<Shared>, address: &Address, era: &mut Era) -> Result<Self, String> {
        let mode = match era {
            Era::Unknown => either_era(),
            Era::Handshake => ClientLifecycleMode::Initialize,
        };
        // It may be another server the next time.
        *era = Era::Unknown;
        let (post, link) = Post::to(address, shared)?;
        match timeout(shared.launch.timeout, Ear(shared.clone()).serve_with_lifecycle(post, mode)).await {
            Ok(Ok(running)) => {
                if running.peer().peer_info().is_some_and(|info| info.protocol_version.has_initialize()) {
                    *era = Era::Handshake;
                }
                Ok(Self { running, link })
            }
            Ok(Err(error)) => Err(why_not(shared, &error, || link.trouble())),
            Err(_) => Err(too_slow(shared.launch.timeout)),
        }
    }

    /// Until it is given up.
    pub(super) async fn live(self, shared: &Arc<Shared>, ends: u64) -> End {
        let Self { running, link } = self;
        let peer = running.peer().clone();
        let close = running.cancellation_token();
        let steady = link.steady();
        let subscribing =
            Subscribing { shared: shared.clone(), peer: peer.clone(), steady: steady.clone(), again: true };
        let listening = subscribing.begin();
        let mut over = Box::pin(running.waiting().fuse());
        shared.phase.send_replace(Phase::Up(Live { ends, peer, stuck: Arc::new(Notify::new()), steady }));
        shared.tell(ConnectorChange::Connected);

        let (mut settled, mut settling) = (false, pin!(sleep(shared.pace.settled)));
        let mut passing_on = pin!(shared.pass_on_changes());
        let end = loop {
            tokio::select! {
                _ = &mut over => break forgotten(&link),
                loss = link.lost() => break match loss {
                    Loss::Forgotten => forgotten(&link),
                    Loss::Unreachable(reason) => End::Down { reason, settled },
                },
                calls_may_take = shared.asked_to_stop() => {
                    shared.last_calls(calls_may_take).await;
                    break End::Asked;
                }
                () = &mut settling, if !settled => settled = true,
                () = &mut passing_on => {}
            }
        };
        drop(listening);
        if over.is_terminated() {
            return end;
        }
        // Calls that it still carries may end, beside whatever begins anew.
        let (longest, asked) = (shared.launch.timeout, matches!(end, End::Asked));
        let goodbye = async move {
            if !asked {
                drop(timeout(longest, link.idle()).await);
            }
            close.cancel();
            let _quit = over.await;
        };
        match asked {
            true => goodbye.await,
            false => drop(tokio::spawn(goodbye)),
        }
        end
    }
}

/// Another conversation begins at once, unless this one was of no use: the next would hardly be of more.
fn forgotten(link: &Link) -> End {
    match link.has_served() {
        true => End::Forgotten,
        false => End::Down { reason: FORGETS.to_owned(), settled: false },
    }
}
