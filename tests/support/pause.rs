//! For what announces itself by no event: another process that starts, a change applied beside a running server.

use std::time::Duration;

/// Between two looks, so that whoever waits leaves the processor to what it waits for. The look decides, never the
/// time.
pub async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}
