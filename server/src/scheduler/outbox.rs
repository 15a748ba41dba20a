//! Carries messages out: a few at a time, woken by what is put into the outbox or by what is due next.

use crate::desk::{Desk, DeskError};
use crate::store::deliveries::Delivery;
use countersign_domain::Timestamp;
use std::time::Duration;
use tokio::task::JoinSet;

/// How many messages are carried at once.
const WORKERS: usize = 4;
/// How long after a failure the store is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Carries messages until it is dropped.
pub(super) async fn run(desk: Desk) {
    let mut carried = JoinSet::new();
    loop {
        if carried.len() >= WORKERS {
            carried.join_next().await;
            continue;
        }
        match take(&desk, WORKERS - carried.len()).await {
            Ok(Taken::Some(deliveries)) => {
                for delivery in deliveries {
                    carried.spawn(carry(desk.clone(), delivery));
                }
            }
            Ok(Taken::NoneUntil(due)) => wait(&desk, &mut carried, due).await,
            Err(error) => {
                tracing::error!(%error, "the outbox can't be read; trying again");
                wait(&desk, &mut carried, Some(desk.now() + AFTER_FAILURE)).await;
            }
        }
    }
}

enum Taken {
    Some(Vec<Delivery>),
    NoneUntil(Option<Timestamp>),
}

async fn take(desk: &Desk, room: usize) -> Result<Taken, DeskError> {
    let taken = desk.take_deliveries(i64::try_from(room).unwrap_or(1)).await?;
    match taken.is_empty() {
        true => Ok(Taken::NoneUntil(desk.next_delivery().await?)),
        false => Ok(Taken::Some(taken)),
    }
}

async fn wait(desk: &Desk, carried: &mut JoinSet<()>, due: Option<Timestamp>) {
    let until_due = async {
        match due {
            Some(due) => desk.clock().sleep_until(due).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = until_due => {}
        () = desk.outbox_bell().notified() => {}
        Some(_) = carried.join_next() => {}
    }
}

async fn carry(desk: Desk, delivery: Delivery) {
    let id = delivery.id;
    if let Err(error) = desk.deliver(delivery).await {
        tracing::error!(delivery.id = %id, %error, "what became of a message can't be written down; it is tried again");
    }
}
