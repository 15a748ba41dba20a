//! Server-sent events that resume with nothing missed and end when the session or key does.

use super::App;
use crate::desk::DeskError;
use crate::store::events::Event;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use futures::Stream;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// How often a stream looks whether its session or key still stands: well within the five seconds that it may outlive
/// them.
const LOOK: Duration = Duration::from_secs(2);
/// How many events are read from the store at once.
const PAGE: i64 = 500;

/// Who a stream is for: what they may hear, and whether they may still listen.
pub trait Listener: Send + Sync + 'static {
    /// Whether they may still listen. Must not read the database; it is asked often.
    fn stands(&self) -> bool;
    /// The event as they are told it; none when it is not theirs to hear.
    fn told(&self, event: &Event) -> Option<SseEvent>;
    /// Whether nothing can follow this event.
    fn is_last(&self, _event: &Event) -> bool {
        false
    }
    /// What they are told when the admins' notices change; none for all but admins. It has no number: whoever was away
    /// reads the notices when they come back.
    fn noticed(&self) -> Option<SseEvent> {
        None
    }
    /// Comes back when they are to be cut off at once.
    fn cut_off(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

/// A stream of all events after a number that a listener may hear.
pub fn events<L: Listener>(app: App, listener: L, after: i64) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>>> {
    let (sender, receiver) = mpsc::channel(64);
    tokio::spawn(async move {
        // A failure ends the stream; the browser comes back and resumes.
        if let Err(error) = feed(&app, listener, after, Sender(sender)).await {
            tracing::warn!(%error, "a stream ended early");
        }
    });
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// What a listener is sent by. One who takes nothing in for [`LOOK`] is let go, lest their stream outlive their session
/// unseen; they come back and resume.
struct Sender(mpsc::Sender<Result<SseEvent, Infallible>>);

impl Sender {
    /// Sends; whether they still listen.
    async fn send(&self, event: SseEvent) -> bool {
        self.0.send_timeout(Ok(event), LOOK).await.is_ok()
    }
}

async fn feed<L: Listener>(app: &App, mut listener: L, after: i64, sender: Sender) -> Result<(), DeskError> {
    // Subscribed before the store is read: what comes meanwhile arrives twice rather than never, and is told once.
    let mut live = app.desk.hub().subscribe();
    let mut last = after;
    if !sender.send(SseEvent::default().id(last.to_string())).await {
        return Ok(());
    }
    if catch_up(app, &listener, &mut last, &sender).await? {
        return Ok(());
    }
    let mut notices = app.desk.hub().notices();
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            event = live.recv() => match event {
                Ok(event) => {
                    if event.seq > last && tell(&listener, &event, &mut last, &sender).await {
                        return Ok(());
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    if catch_up(app, &listener, &mut last, &sender).await? {
                        return Ok(());
                    }
                }
                Err(RecvError::Closed) => return Ok(()),
            },
            Ok(()) = notices.changed() => if let Some(told) = listener.noticed()
                && !sender.send(told).await
            {
                return Ok(());
            },
            _ = look.tick() => if !listener.stands() { return Ok(()) },
            () = listener.cut_off() => return Ok(()),
            () = app.stopped() => return Ok(()),
            () = sender.0.closed() => return Ok(()),
        }
    }
}

/// Tells everything that the store has after `last`; whether the stream is over.
async fn catch_up<L: Listener>(app: &App, listener: &L, last: &mut i64, sender: &Sender) -> Result<bool, DeskError> {
    loop {
        let missed = app.desk.events_after(*last, PAGE).await?;
        if missed.is_empty() {
            return Ok(false);
        }
        for event in missed {
            // Much may have been missed, and be taken in slowly: nobody hears on who may not hear any more.
            if !listener.stands() || *app.stopping.borrow() {
                return Ok(true);
            }
            if tell(listener, &event, last, sender).await {
                return Ok(true);
            }
        }
    }
}

/// Tells one event; whether the stream is over.
async fn tell<L: Listener>(listener: &L, event: &Event, last: &mut i64, sender: &Sender) -> bool {
    *last = event.seq;
    let Some(told) = listener.told(event) else { return false };
    !sender.send(told).await || listener.is_last(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_listener_who_takes_nothing_in_is_let_go() {
        let (sender, mut receiver) = mpsc::channel(1);
        let sender = Sender(sender);
        assert!(sender.send(SseEvent::default()).await);
        assert!(!sender.send(SseEvent::default()).await, "the first is still there, and nobody takes it");
        receiver.recv().await;
        assert!(sender.send(SseEvent::default()).await);
    }
}
