//! The queue, live.

use crate::desk::{Desk, SignedIn};
use crate::http::App;
use crate::http::extract::last_event_id;
use crate::http::problem::Answer;
use crate::http::stream::{self, Listener};
use crate::store::events::Event;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use countersign_domain::ids::SessionId;
use countersign_wire::events::{NOTICE_EVENT, RequestEvent};
use std::future::Future;
use std::pin::Pin;
use tokio::sync::broadcast;

pub async fn watch_events(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Answer<Response> {
    let newest = app.desk.last_event().await?;
    // A desk that was restored from a backup has given out later numbers before.
    let after = last_event_id(&headers).map_or(newest, |last| last.min(newest));
    let ended = app.desk.sessions_ended();
    let listener = Screen { desk: app.desk.clone(), who, ended };
    Ok(stream::events(app, listener, after).into_response())
}

/// Somebody's open screen.
struct Screen {
    desk: Desk,
    who: SignedIn,
    ended: broadcast::Receiver<SessionId>,
}

impl Listener for Screen {
    fn stands(&self) -> bool {
        self.desk.stands(&self.who.session())
    }

    fn told(&self, event: &Event) -> Option<SseEvent> {
        if !self.desk.may_hear(&self.who, event) {
            return None;
        }
        let data = RequestEvent { id: event.request_id, state: event.state, at: event.at };
        SseEvent::default().id(event.seq.to_string()).event(event.kind.word()).json_data(data).ok()
    }

    fn noticed(&self) -> Option<SseEvent> {
        let is_admin = self.desk.is_admin_now(&self.who);
        is_admin.then(|| SseEvent::default().event(NOTICE_EVENT).data("{}"))
    }

    fn cut_off(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mine = self.who.session().id;
        Box::pin(async move {
            loop {
                match self.ended.recv().await {
                    Ok(session) if session == mine => return,
                    // What was missed is seen at the next regular look.
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        })
    }
}
