//! For what announces itself by no event: another process that starts, a change applied beside a running server.

use std::time::Duration;

/// Between two looks, so that whoever waits leaves the processor to what it waits for. The look decides, never the
/// time.
pub async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// The longest that what was looked for may take: a limit that says what did not come, and no wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for something to come, and fails by its name.
pub async fn awaited<T>(what: &str, coming: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, coming).await {
        Ok(came) => came,
        Err(_) => panic!("{what} did not come"),
    }
}

/// Looks until this is true, and fails by its name.
pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    awaited(what, async {
        while !holds().await {
            pause().await;
        }
    })
    .await;
}
