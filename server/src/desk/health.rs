//! Whether the desk can do its work, and how much it has done.

use super::{Desk, DeskError};
use crate::store;
use crate::store::requests::list::Visible;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// One recorder for the process, however many desks it holds (tests hold several).
static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

fn recorder() -> Option<&'static PrometheusHandle> {
    RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().ok()).as_ref()
}

/// Starts counting; what was counted before is lost.
pub fn start_metrics() {
    recorder();
    metrics::describe_counter!("countersign_requests_total", "Asks taken, by what became of them at once.");
    metrics::describe_counter!("countersign_decisions_total", "Votes of approvers.");
    metrics::describe_counter!("countersign_executions_total", "Calls made, by how they ended.");
    metrics::describe_gauge!("countersign_requests_pending", "Requests that wait for approvers, up to 1000.");
}

impl Desk {
    /// Whether the store takes writes: an empty transaction through the one writer.
    ///
    /// # Errors
    /// When it does not.
    pub async fn probe(&self) -> Result<(), DeskError> {
        self.store().write(|connection| Box::pin(async move { Ok(store::desk::touch(connection).await?) })).await
    }

    /// Counts in Prometheus' text format.
    pub async fn metrics(&self) -> String {
        if let Ok(mut connection) = self.store().read().await
            && let Ok(pending) = store::requests::list::count_pending(&mut connection, &Visible::All).await
        {
            #[allow(clippy::cast_precision_loss, reason = "at most 1000")]
            metrics::gauge!("countersign_requests_pending").set(pending as f64);
        }
        recorder().map(PrometheusHandle::render).unwrap_or_default()
    }
}
