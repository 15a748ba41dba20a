//! Decisions: how soon the agent has its answer, and how many are durable in a second.

use crate::figures::{Line, Sample};
use crate::upstream;
use crate::world::{self, DANA, World, held};
use countersign_domain::ids::RequestId;
use countersign_domain::request::Vote;
use countersign_server::desk::{SignedIn, Submitted};
use countersign_wire::requests::DecisionBody;
use reqwest::Client;
use serde_json::json;
use std::time::{Duration, Instant};

/// How many write at once.
const WRITERS: usize = 64;
/// How many decisions the rates are taken over.
const MANY: usize = 12_800;
/// How many answers are waited for.
const ANSWERS: usize = 400;

pub(crate) async fn measure() -> Vec<Line> {
    let world = World::start(&upstream::start().await).await;
    let (dana, session) = world.signed_in(DANA).await;
    let answers = answers(&world, &session).await;
    let ids = fill(&world).await;
    let (at_the_desk, at_the_door) = ids.split_at(ids.len() / 2);
    let desk = rate(at_the_desk, |id| {
        let (desk, dana) = (world.desk.clone(), dana.clone());
        async move { decide(&desk, &dana, id).await }
    })
    .await;
    let clients: Vec<Client> = (0..WRITERS).map(|_| Client::new()).collect();
    let mut next = clients.iter().cycle();
    let door = rate(at_the_door, |id| {
        let client = next.next().unwrap();
        let request = client.post(format!("{}/api/requests/{id}/decisions", world.origin)).bearer_auth(&session);
        let request = request.json(&json!({"decision": "deny"}));
        async move { assert_eq!(request.send().await.unwrap().status(), 200) }
    })
    .await;
    vec![
        Line::plain("decision sent to agent's answer with the call's result", answers.words()),
        Line::at_most("decision to agent's answer, p99", answers.quantile(0.99), Duration::from_millis(100)),
        Line::budgeted(
            format!("durable decisions, {WRITERS} writers"),
            format!("{desk:.0}/s"),
            ">= 5000/s",
            desk >= 5_000.0,
        ),
        Line::plain(
            format!("the same through HTTP, clients on the same machine, {WRITERS} writers"),
            format!("{door:.0}/s"),
        ),
    ]
}

/// The agent waits; somebody approves; the call is made; the agent hears.
async fn answers(world: &World, session: &str) -> Sample {
    let (agent, person) = (world.agent(0), Client::new());
    let mut times = Vec::new();
    for _ in 0..ANSWERS {
        let body = json!({"connector": "shop", "tool": "refunds_create", "arguments": {"charge": "ch_1", "amount": 1}});
        let held = agent.ask(body).await.expect(202);
        let id = held["approval_id"].as_str().unwrap().to_owned();
        let waiting = tokio::spawn({
            let (agent, id) = (agent.clone(), id.clone());
            async move { agent.end_of(&id).await }
        });
        let approve = person.post(format!("{}/api/requests/{id}/decisions", world.origin)).bearer_auth(session);
        let began = Instant::now();
        assert_eq!(approve.json(&json!({"decision": "approve"})).send().await.unwrap().status(), 200);
        assert_eq!(waiting.await.unwrap()["state"], "succeeded");
        times.push(began.elapsed());
    }
    Sample::of(times)
}

/// Many requests that wait.
async fn fill(world: &World) -> Vec<RequestId> {
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let (desk, caller) = (world.desk.clone(), world.caller(writer % world::AGENTS).await);
        tasks.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..MANY / WRITERS {
                let Submitted::Held(request) = desk.submit(&caller, held()).await.unwrap() else { panic!("not held") };
                ids.push(request.id);
            }
            ids
        }));
    }
    let mut ids = Vec::with_capacity(MANY);
    for task in tasks {
        ids.extend(task.await.unwrap());
    }
    ids
}

async fn decide(desk: &countersign_server::desk::Desk, who: &SignedIn, id: RequestId) {
    let body = DecisionBody { decision: Vote::Deny, comment: None, grant: None, tools: None, arguments: None };
    desk.decide(who, id, body).await.unwrap();
}

/// How many of these are decided in a second by all writers together.
async fn rate<F>(ids: &[RequestId], mut decide: impl FnMut(RequestId) -> F) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let shares: Vec<Vec<F>> =
        ids.chunks(ids.len() / WRITERS).map(|share| share.iter().map(|id| decide(*id)).collect()).collect();
    let began = Instant::now();
    let writers: Vec<_> = shares
        .into_iter()
        .map(|share| {
            tokio::spawn(async move {
                for decision in share {
                    decision.await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    #[expect(clippy::cast_precision_loss)]
    let count = ids.len() as f64;
    count / began.elapsed().as_secs_f64()
}
