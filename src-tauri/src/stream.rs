//! Listens to the desk for as long as somebody is signed in, also with the window closed: goes on after the last event
//! it heard, waits longer after each failure, and notices within a minute that the computer slept or the network went.

use crate::clock::moment;
use crate::desk::Desk;
use crate::shell::Shell;
use crate::sse::{Frame, Parser, Patience};
use countersign_wire::app::AppTold;
use countersign_wire::events::EventKind;
use reqwest::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A stream that lasts so long is well.
const LASTING: Duration = Duration::from_secs(10);

/// Listens until `stop`.
pub fn spawn(shell: Arc<Shell>, desk: Desk, session: u32, stop: CancellationToken) {
    let moved = Arc::new(Notify::new());
    let looking = look_when_moved(shell.clone(), desk.clone(), moved.clone());
    let until = stop.clone();
    tauri::async_runtime::spawn(async move {
        tokio::select! {
            () = until.cancelled() => {}
            () = looking => {}
        }
    });
    tauri::async_runtime::spawn(async move {
        let over = tokio::select! {
            () = stop.cancelled() => false,
            () = listen(&shell, &desk, &moved) => true,
        };
        if over {
            shell.session_over(session, Some("Your session is over. Sign in again.")).await;
        }
    });
}

/// Comes back when the session is over.
async fn listen(shell: &Shell, desk: &Desk, moved: &Notify) {
    let (mut parser, mut patience) = (Parser::default(), Patience::default());
    loop {
        match desk.listen(parser.last_id()).await {
            Ok(Some(response)) => {
                let opened = moment();
                shell.tell_live(AppTold::Connection { live: true });
                // Whatever happened between the last look and this moment was told to nobody here.
                shell.tell_live(AppTold::Resync);
                moved.notify_one();
                hear(shell, response, &mut parser, moved).await;
                parser.begin_again();
                // One that opens and ends at once is no better than one that does not open.
                if opened.elapsed() > LASTING {
                    patience.restore();
                }
            }
            Ok(None) => return,
            Err(error) => tracing::debug!(%error, "the stream does not open"),
        }
        shell.tell_live(AppTold::Connection { live: false });
        tokio::time::sleep(patience.lose(jitter())).await;
    }
}

/// Comes back when the connection ends.
async fn hear(shell: &Shell, mut response: Response, parser: &mut Parser, moved: &Notify) {
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) => {
                let told: Vec<AppTold> = parser.take(&bytes).iter().filter_map(told).collect();
                if told.is_empty() {
                    continue;
                }
                told.into_iter().for_each(|told| shell.tell_live(told));
                moved.notify_one();
            }
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(error = %error.without_url(), "the stream broke");
                return;
            }
        }
    }
}

fn told(frame: &Frame) -> Option<AppTold> {
    let kind = EventKind::from_word(&frame.event)?;
    let event = serde_json::from_str(&frame.data).ok()?;
    Some(AppTold::Event { kind, event })
}

/// Looks what waits after something moved: once for however much moved meanwhile.
async fn look_when_moved(shell: Arc<Shell>, desk: Desk, moved: Arc<Notify>) {
    let mut patience = Patience::default();
    loop {
        moved.notified().await;
        match shell.look(&desk).await {
            Ok(true) => patience.restore(),
            // The stream hears of it too, and ends the session.
            Ok(false) => {}
            Err(error) => {
                tracing::debug!(%error, "what waits can't be seen now");
                tokio::time::sleep(patience.lose(jitter())).await;
                moved.notify_one();
            }
        }
    }
}

/// A share of a pause, so that not all come back in the same moment.
pub fn jitter() -> f64 {
    let mut byte = [0];
    // Without random bytes everybody waits equally long, which is no reason to stop.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_requests_are_passed_on_and_others_are_not() {
        let data = r#"{"id":"01980000-0000-7000-8000-000000000001","state":"denied","at":"2026-11-23T10:40:00.000Z"}"#;
        let frame = |event: &str, data: &str| Frame { event: event.into(), data: data.into() };
        assert!(matches!(told(&frame("request.ended", data)), Some(AppTold::Event { kind: EventKind::Ended, .. })));
        for other in [frame("desk.notice", "{}"), frame("request.ended", "{"), frame("", data)] {
            assert_eq!(told(&other), None);
        }
    }
}
