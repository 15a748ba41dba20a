//! The queue with 100,000 requests in it: every sort, filter and depth, for everybody who may look.

use crate::figures::{Line, Sample, time};
use crate::upstream;
use crate::world::{self, ANAND, DANA, MINA, World, ask, held};
use countersign_server::desk::list::ListParameters;
use countersign_server::desk::{SignedIn, Submitted};
use serde_json::json;
use std::time::{Duration, Instant};

const MANY: usize = 100_000;
/// How many of them wait for somebody.
const WAITING: usize = 2_000;
const WRITERS: usize = 64;
const RUNS: usize = 40;
const BUDGET: Duration = Duration::from_millis(5);

pub(crate) async fn measure() -> Vec<Line> {
    let world = World::start(&upstream::start().await).await;
    let began = Instant::now();
    fill(&world).await;
    let took = began.elapsed();
    let mut lines = vec![Line::plain(format!("{MANY} asks stored, {WRITERS} writers"), time(took))];
    for (who, email) in [("admin", DANA), ("approver", ANAND), ("member", MINA)] {
        let (person, _) = world.signed_in(email).await;
        let mut worst = (Duration::ZERO, String::new());
        for state in ["all", "pending", "decided", "succeeded"] {
            for connector in [None, Some("shell"), Some("shop")] {
                for sort in ["-requested", "requested", "name", "-identifier", "connector"] {
                    let slowest = walk(&world, &person, state, connector, sort).await;
                    if slowest > worst.0 {
                        worst = (slowest, format!("state {state}, connector {connector:?}, sort {sort}"));
                    }
                }
            }
        }
        let what = format!("any page of {MANY} requests, {who}, worst p99 ({})", worst.1);
        lines.push(Line::at_most(what, worst.0, BUDGET));
    }
    lines
}

/// The p99 of a page, from the first one and from one that lies deep.
async fn walk(world: &World, person: &SignedIn, state: &str, connector: Option<&str>, sort: &str) -> Duration {
    let mut after = None;
    let mut slowest = Duration::ZERO;
    for _ in 0..2 {
        let parameters = || ListParameters {
            state: Some(state.into()),
            connector: connector.map(Into::into),
            sort: Some(sort.into()),
            after: after.clone(),
            limit: Some(50),
        };
        let mut times = Vec::with_capacity(RUNS);
        let mut next = None;
        for _ in 0..RUNS {
            let began = Instant::now();
            let page = world.desk.list_requests(person, parameters()).await.unwrap();
            times.push(began.elapsed());
            next = page.next;
        }
        slowest = slowest.max(Sample::of(times).quantile(0.99));
        for _ in 0..20 {
            let parameters = ListParameters { after: next.clone(), limit: Some(200), ..parameters() };
            let Some(_) = &next else { break };
            next = world.desk.list_requests(person, parameters).await.unwrap().next;
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    slowest
}

/// Most are refused, which costs a row and no upstream; the last ones wait.
async fn fill(world: &World) {
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let (desk, caller) = (world.desk.clone(), world.caller(writer % world::AGENTS).await);
        tasks.push(tokio::spawn(async move {
            for number in 0..MANY / WRITERS {
                let waits = number % (MANY / WAITING) == 0;
                let ask = if waits { held() } else { ask("shop", "shop_close", json!({})) };
                let submitted = desk.submit(&caller, ask).await.unwrap();
                assert_eq!(matches!(submitted, Submitted::Held(_)), waits);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}
