//! A week under a clock that is set by hand: a thousand requests over ten flows, beside a model that is told the same.
//! Each ends once and as the model says, and each message is sent as its flow says; the same when the server is ended
//! like by a power cut two hundred times.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use countersign_domain::flow::course::{Turn, World};
use countersign_domain::flow::timing::Frame;
use countersign_domain::flow::{
    Cast, Course, Effect, Ending, FlowBody, FlowEvent, FlowTimer, Offsets, Parties, Person as Asked, Recipient, Roster,
    Voter,
};
use countersign_domain::ids::UserId;
use countersign_domain::request::Vote;
use countersign_domain::user::Role;
use countersign_domain::{Effect as ToolEffect, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use support::{Agent, Answer, Database, HandClock, Person, apply_to, free_port};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const START: i64 = 1_795_430_400_000;
const MINUTE: i64 = 60_000;
const WEEK: i64 = 7 * 24 * 60 * MINUTE;
const REQUESTS: usize = 1_000;
const PEOPLE: [(&str, Role, &str); 6] = [
    ("dana", Role::Admin, ""),
    ("jon", Role::Approver, "Finance"),
    ("kai", Role::Approver, "Finance"),
    ("fay", Role::Approver, ""),
    ("lea", Role::Approver, ""),
    ("ben", Role::Member, "Finance"),
];

/// Ten flows, each with something of its own.
const FLOWS: [&str; 10] = [
    "steps: [{order: 1, approvers: {roles: [approver, admin]}}]",
    "steps: [{order: 1, min_approvals: 2, approvers: {roles: [approver]}}], timeout_minutes: 60",
    "steps: [{order: 1, approvers: {groups: [Finance]}}, {order: 2, approvers: {roles: [admin]}}], timeout_minutes: 90",
    "steps: [{order: 1, approvers: {users: [fay@acme.test]}}], reminder_interval_minutes: 5, timeout_minutes: 42",
    "steps: [{order: 1, approvers: {users: [jon@acme.test]}, escalate_after_minutes: 7, escalate_to: {users: [lea@acme.test]}}], timeout_minutes: 30",
    "steps: [{order: 1, approvers: {roles: [admin]}}], auto_approve_minutes: 12, timeout_minutes: 20",
    "steps: [{order: 1, approvers: {groups: [Finance]}, escalate_after_minutes: 15, escalate_to: {roles: [admin]}}], reminder_interval_minutes: 10, auto_approve_minutes: 55, timeout_minutes: 60",
    "steps: [{order: 1, approvers: {roles: [approver]}}], quiet_hours: {from: \"22:00\", to: \"06:30\", time_zone: UTC}, reminder_interval_minutes: 30, timeout_minutes: 240",
    "steps: [{order: 1, approvers: {users: [kai@acme.test]}}, {order: 2, approvers: {users: [lea@acme.test]}}, {order: 3, approvers: {roles: [admin]}}], reminder_interval_minutes: 20, timeout_minutes: 180",
    "steps: [{order: 1, approvers: {roles: [member, approver]}, min_approvals: 3}], urgent: true, timeout_minutes: 15",
];

struct Utc;

impl Offsets for Utc {
    fn minutes(&self, _: &str, _: Timestamp) -> Option<i32> {
        Some(0)
    }
}

/// Numbers that look like chance, and are the same every time (Marsaglia's xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % most.unsigned_abs()).unwrap()
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Ask,
    Vote { person: usize, approve: bool },
}

/// What is done when, in order.
fn script(chance: &mut Chance) -> Vec<(i64, usize, Act)> {
    let mut acts = Vec::new();
    for request in 0..REQUESTS {
        let at = START + chance.below(WEEK);
        acts.push((at, request, Act::Ask));
        for _ in 0..chance.below(5) {
            let person = usize::try_from(chance.below(6)).unwrap();
            let act = Act::Vote { person, approve: chance.below(5) > 0 };
            acts.push((at + 1 + chance.below(70 * MINUTE), request, act));
        }
    }
    acts.sort_by_key(|(at, request, act)| (*at, *request, matches!(act, Act::Vote { .. })));
    acts
}

/// One message as the outbox names it: kind, step and round.
type Said = (String, u32, u32);

/// A request as it should be.
struct Modelled {
    flow: FlowBody,
    frame: Frame,
    course: Course,
    votes: Vec<Cast>,
    said: BTreeSet<Said>,
    ending: Option<Ending>,
}

fn person_id(person: usize) -> UserId {
    UserId(uuid::Uuid::from_u128(person as u128 + 1))
}

impl Modelled {
    fn asked(flow: &FlowBody, now: Timestamp) -> Self {
        let frame = Frame { created_at: now, expires_at: flow.expires_at(now, &Utc), effect: ToolEffect::Write };
        let course = Course::default();
        let mut new =
            Self { flow: flow.clone(), frame, course, votes: Vec::new(), said: BTreeSet::new(), ending: None };
        new.turn(now, |flow, _, world| flow.begin(world));
        new
    }

    fn roster(&self, course: &Course) -> Roster {
        let groups: Vec<Vec<String>> = PEOPLE.iter().map(|(.., group)| vec![(*group).to_owned()]).collect();
        let emails: Vec<String> = PEOPLE.iter().map(|(name, ..)| format!("{name}@acme.test")).collect();
        let people = (0..PEOPLE.len()).map(|person| {
            let (email, groups) = (emails[person].as_str(), groups[person].as_slice());
            Asked::from(Voter {
                id: person_id(person),
                email,
                phone: None,
                groups,
                role: PEOPLE[person].1,
                active: true,
            })
        });
        let nobody = UserId(uuid::Uuid::from_u128(99));
        self.flow.roster(course, people, &self.votes, Parties { requester: nobody, owner: nobody })
    }

    fn turn(&mut self, now: Timestamp, turn: impl FnOnce(&FlowBody, &Course, &World<'_>) -> Turn) {
        let roster = |course: &Course| self.roster(course);
        let world = World { now, frame: self.frame, offsets: &Utc, roster: &roster };
        let turn = turn(&self.flow, &self.course, &world);
        self.course = turn.course;
        for effect in turn.effects {
            match effect {
                Effect::Tell { notice, step, round, .. } => {
                    let kind = serde_json::to_value(notice).unwrap().as_str().unwrap().to_owned();
                    self.said.insert((kind, step, round));
                }
                Effect::End(ending) => {
                    self.said.insert(("ended".to_owned(), 0, 0));
                    self.ending = Some(ending);
                }
            }
        }
    }

    fn next_due(&self) -> Option<(Timestamp, FlowTimer)> {
        let due = |timer| Some((self.flow.due(timer, &self.course, &self.frame, &Utc)?, timer));
        FlowTimer::ALL.into_iter().filter_map(due).min().filter(|_| self.ending.is_none())
    }

    fn ring(&mut self, now: Timestamp) {
        while let Some((_, timer)) = self.next_due().filter(|(due, _)| *due <= now) {
            self.turn(now, |flow, course, world| flow.after(course, FlowEvent::Rang(timer), world));
        }
    }

    /// The status and code that a vote is answered with.
    fn vote(&mut self, person: usize, approve: bool, now: Timestamp) -> (u16, &'static str) {
        if self.ending.is_some() {
            return (409, "request_ended");
        }
        if self.votes.iter().any(|cast| cast.by == Recipient::User(person_id(person))) {
            return (409, "already_decided");
        }
        let asked = Recipient::User(person_id(person));
        if !self.roster(&self.course).waiting.contains(&asked) {
            // Whom no step may ever ask sees nothing of it.
            return (403, "not_your_turn");
        }
        let vote = if approve { Vote::Approve } else { Vote::Deny };
        self.votes.push(Cast { by: Recipient::User(person_id(person)), step: self.course.step, vote });
        self.turn(now, |flow, course, world| flow.after(course, FlowEvent::Voted, world));
        (200, "")
    }

    fn state(&self) -> &'static str {
        match self.ending {
            None => "pending",
            Some(Ending::Approved | Ending::AutoApproved) => "approved",
            Some(Ending::Denied) => "denied",
            Some(Ending::Expired) => "expired",
        }
    }
}

/// The server in a process of its own, and what it is asked by.
struct Served {
    folder: TempDir,
    port: u16,
    now: i64,
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    database: Database,
    people: Vec<Option<Person>>,
    kills: usize,
}

const KEY: &str = "csk_weekweekweekweekweekweekweekweekweekweek0AA";

impl Served {
    async fn start(flows: &[String]) -> Self {
        countersign_server::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(HandClock::at(Timestamp::from_millis(START)));
        apply_to(folder.path(), clock, &desk_file(flows), &[("KEY", KEY)]).await;
        let port = free_port().await;
        let (child, input, output) = spawn(&folder, port, START).await;
        let database = Database::of(folder.path()).await;
        let people = (0..PEOPLE.len()).map(|_| None).collect();
        Self { folder, port, now: START, child, input, output, database, people, kills: 0 }
    }

    fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    async fn set(&mut self, now: i64) {
        self.now = now;
        self.input.write_all(format!("{now}\n").as_bytes()).await.unwrap();
        assert_eq!(self.output.next_line().await.unwrap().unwrap(), now.to_string());
    }

    /// Ends the server as a power cut would, and starts it again at the same moment.
    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
        (self.child, self.input, self.output) = spawn(&self.folder, self.port, self.now).await;
        self.kills += 1;
    }

    /// Until nothing is due: no timer rings late, and every message has gone.
    async fn settle(&self) {
        let now = self.now;
        let due = format!(
            "SELECT (SELECT COUNT(*) FROM timers WHERE due_at <= {now} AND kind = 'flow')
             + (SELECT COUNT(*) FROM deliveries WHERE state = 'waiting')"
        );
        while self.database.numbers(&due).await != [0] {
            support::pause().await;
        }
    }

    async fn person(&mut self, person: usize) -> &Person {
        // A session of twelve hours ends within a week.
        let still = match &self.people[person] {
            Some(known) => known.get("/api/session").await.status == 200,
            None => false,
        };
        if !still {
            let email = format!("{}@acme.test", PEOPLE[person].0);
            let clock = Arc::new(HandClock::at(Timestamp::from_millis(self.now)));
            let token = support::sign_in_token(self.folder.path(), clock, &self.origin(), &email).await;
            self.people[person] = Some(Person::by_link(&self.origin(), &token).await);
        }
        self.people[person].as_ref().unwrap()
    }
}

async fn spawn(folder: &TempDir, port: u16, now: i64) -> (Child, ChildStdin, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clocked"));
    command.arg(folder.path()).arg(port.to_string()).arg(now.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(output.next_line().await.unwrap().as_deref(), Some("ready"));
    (child, input, output)
}

fn desk_file(flows: &[String]) -> String {
    let people = PEOPLE.map(|(name, role, group)| {
        let groups = if group.is_empty() { String::new() } else { format!(", groups: [{group}]") };
        format!("  - {{email: {name}@acme.test, name: {name}, role: {}{groups}}}", role.word())
    });
    let tools: Vec<_> = (0..flows.len()).map(|flow| format!("{{name: t{flow}, effect: write}}")).collect();
    let policies = (0..flows.len()).map(|flow| {
        format!("  - {{name: P{flow}, action: request_approval, connectors: [ops], tools: [t{flow}], flow: F{flow}}}")
    });
    format!(
        "users:\n  - {{email: mina@acme.test, name: Mina}}\n{}\nagents: [{{name: bot, owner: mina@acme.test, key_env: KEY}}]\n\
         connectors: [{{slug: ops, kind: external, name: Ops, tools: [{}]}}]\nflows:\n{}\npolicies:\n{}\n\
         settings: {{max_pending_per_agent: 10000, max_asks_per_minute: 10000}}\n",
        people.join("\n"),
        tools.join(", "),
        flows.iter().map(|flow| format!("  - {flow}")).collect::<Vec<_>>().join("\n"),
        policies.collect::<Vec<_>>().join("\n"),
    )
}

/// Where the flows' webhooks go: what came, by the message's id.
type Sink = Arc<Mutex<BTreeMap<String, Value>>>;

async fn given_sink() -> (Sink, String) {
    let sink = Sink::default();
    let take = post(|State(sink): State<Sink>, headers: axum::http::HeaderMap, Json(body): Json<Value>| async move {
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        sink.lock().unwrap().insert(id, body);
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", take).with_state(Arc::clone(&sink));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (sink, url)
}

/// The week, with this many power cuts.
async fn week(kills: usize, seed: u64) {
    let mut chance = Chance(seed);
    let (sink, url) = given_sink().await;
    let flows: Vec<String> = (0..)
        .zip(FLOWS)
        .map(|(flow, rest)| {
            format!(
                "{{name: F{flow}, confirmation: session, channels: {{webhook: true}}, webhook_url: \"{url}\", {rest}}}"
            )
        })
        .collect();
    let mut served = Served::start(&flows).await;
    let bodies = flows_of(&served.database).await;
    let acts = script(&mut chance);
    let mut cuts = BTreeSet::new();
    while cuts.len() < kills {
        cuts.insert(usize::try_from(chance.below(i64::try_from(acts.len()).unwrap())).unwrap());
    }
    let mut model: BTreeMap<usize, (String, Modelled)> = BTreeMap::new();
    let mut acts = acts.into_iter().enumerate().peekable();
    loop {
        let act_at = acts.peek().map(|(_, (at, ..))| *at);
        let due_at = model.values().filter_map(|(_, one)| one.next_due()).map(|(due, _)| due.millis()).min();
        let Some(now) = act_at.into_iter().chain(due_at).min() else { break };
        served.set(now).await;
        // The power goes in the middle of what is due, too.
        if due_at == Some(now) && kills > 0 && chance.below(40) == 0 {
            served.kill().await;
        }
        served.settle().await;
        model.values_mut().for_each(|(_, one)| one.ring(Timestamp::from_millis(now)));
        if act_at == Some(now) {
            let (number, (_, request, act)) = acts.next().unwrap();
            let cut = cuts.contains(&number).then(|| chance.below(4));
            perform(&mut served, &mut model, &bodies, request, act, cut).await;
            served.settle().await;
        }
    }
    check(&served, &model, &sink).await;
    assert!(served.kills >= kills, "{} power cuts", served.kills);
}

/// The flows as they were stored, in their order.
async fn flows_of(database: &Database) -> Vec<FlowBody> {
    let mut bodies: Vec<FlowBody> = database
        .texts("SELECT body FROM flows WHERE name LIKE 'F%' ORDER BY name")
        .await
        .iter()
        .map(|body| serde_json::from_str(body).unwrap())
        .collect();
    bodies.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(bodies.len(), FLOWS.len());
    bodies
}

/// Does what the script says, with the power cut in the middle of it where it says so; then it is tried again.
async fn perform(
    served: &mut Served,
    model: &mut BTreeMap<usize, (String, Modelled)>,
    bodies: &[FlowBody],
    request: usize,
    act: Act,
    cut: Option<i64>,
) {
    let now = Timestamp::from_millis(served.now);
    match act {
        Act::Ask => {
            let flow = request % bodies.len();
            let answer = ask(served, request, flow, cut).await;
            let id = answer["approval_id"].as_str().unwrap().to_owned();
            model.insert(request, (id, Modelled::asked(&bodies[flow], now)));
        }
        Act::Vote { person, approve } => {
            let Some((id, one)) = model.get_mut(&request) else { return };
            let expected = one.vote(person, approve, now);
            let answer = vote(served, id, person, approve, cut).await;
            let told = (answer.status, answer.code());
            // After a cut it may have been counted already; whom no step names sees nothing of it.
            let counted = cut.is_some() && answer.status == 409;
            let unseen = expected.0 != 200 && answer.status == 404;
            assert!(told == expected || counted || unseen, "{told:?}, not {expected:?}: {}", answer.text);
            // Three denials in a row make an agent wait; this one is let go on.
            let bot = served.database.texts("SELECT id FROM agents").await.concat();
            served.person(0).await.call(reqwest::Method::DELETE, &format!("/api/agents/{bot}/cool-down"), None).await;
        }
    }
}

async fn ask(served: &mut Served, request: usize, flow: usize, cut: Option<i64>) -> Value {
    let body = json!({"connector": "ops", "tool": format!("t{flow}"), "arguments": {"number": request}}).to_string();
    let key = format!("ask-{request}");
    let headers = [("idempotency-key", key.as_str()), ("content-type", "application/json")];
    if let Some(pause) = cut {
        let (origin, body, key) = (served.origin(), body.clone(), key.clone());
        let asking = tokio::spawn(async move {
            let client = reqwest::Client::new().post(format!("{origin}/v1/actions")).bearer_auth(KEY);
            drop(
                client
                    .header("idempotency-key", key)
                    .header("content-type", "application/json")
                    .body(body)
                    .send()
                    .await,
            );
        });
        cut_off(served, pause).await;
        let _ = asking.await;
    }
    let agent = Agent::at(&served.origin(), KEY);
    agent.send(reqwest::Method::POST, "/v1/actions", &headers, body).await.expect(202)
}

async fn vote(served: &mut Served, id: &str, person: usize, approve: bool, cut: Option<i64>) -> Answer {
    let path = format!("/api/requests/{id}/decisions");
    let body = json!({"decision": if approve { "approve" } else { "deny" }});
    if let Some(pause) = cut {
        let (origin, cookie) = (served.origin(), served.person(person).await.cookie().to_owned());
        let (url, body) = (format!("{origin}{path}"), body.clone());
        let voting = tokio::spawn(async move {
            let request = reqwest::Client::new().post(url).header("cookie", cookie).header("origin", origin);
            drop(request.json(&body).send().await);
        });
        cut_off(served, pause).await;
        let _ = voting.await;
    }
    served.person(person).await.post(&path, body).await
}

/// The power goes after so many turns of whoever else runs here.
async fn cut_off(served: &mut Served, turns: i64) {
    for _ in 0..turns {
        support::pause().await;
    }
    served.kill().await;
}

async fn check(served: &Served, model: &BTreeMap<usize, (String, Modelled)>, sink: &Sink) {
    assert_eq!(model.len(), REQUESTS);
    let sent = sink.lock().unwrap().clone();
    let mut messages = 0;
    for (id, one) in model.values() {
        let state = served.database.texts(&format!("SELECT state FROM requests WHERE id = '{id}'")).await;
        assert_eq!(state, [one.state()], "{id}");
        assert_ne!(one.state(), "pending");
        let ends = "action IN ('approval.approved', 'approval.denied', 'approval.expired', 'approval.auto_approved')";
        let record =
            served.database.texts(&format!("SELECT action FROM audit WHERE request_id = '{id}' AND {ends}")).await;
        let last = record.iter().filter(|action| *action != "approval.approved").count();
        assert!(last <= 1, "{id} ended twice: {record:?}");
        let query = format!(
            "SELECT id || ' ' || notice || ' ' || step || ' ' || round || ' ' || state FROM deliveries WHERE request_id = '{id}'"
        );
        let mut said = BTreeSet::new();
        for row in served.database.texts(&query).await {
            let parts: Vec<&str> = row.split(' ').collect();
            assert_eq!(parts[4], "sent", "{row}");
            assert!(sent.contains_key(parts[0]), "{row} never arrived");
            assert!(said.insert((parts[1].to_owned(), parts[2].parse().unwrap(), parts[3].parse().unwrap())), "{row}");
            messages += 1;
        }
        assert_eq!(said, one.said, "{id} by {}", one.flow.name);
    }
    assert_eq!(sent.len(), messages, "nothing else was sent");
}

#[tokio::test]
async fn a_week_of_a_thousand_requests_ends_each_of_them_once_and_tells_as_the_flows_say() {
    week(0, 0x5EED_4EE5).await;
}

#[tokio::test]
async fn seven_eight_and_sixteen_the_same_week_over_two_hundred_power_cuts() {
    week(200, 0xB175_EED5).await;
}
