//! What 100 policies cost a call.

use crate::figures::{Line, Sample};
use countersign_domain::ids::PolicyId;
use countersign_domain::policy::{Action, Call, CompiledPolicy, Policy, PolicyBody, Scope, evaluate};
use countersign_domain::{Effect, Timestamp};
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};
use uuid::Uuid;

const POLICIES: u128 = 100;
const RUNS: usize = 20_000;
const BUDGET: Duration = Duration::from_micros(50);
/// What conditions look like: amounts, addresses, patterns, groups, hours.
const CONDITIONS: [&str; 5] = [
    "call.arguments.amount > 1000000",
    "call.arguments.currency == 'xts'",
    "call.arguments.email.endsWith('@nobody.test')",
    "'Interns' in user.groups",
    "call.arguments.note.matches('^(?i)urgent')",
];

pub(crate) fn measure() -> Vec<Line> {
    // A desk of ten connectors with ten policies each, half of them with a condition: the one in ten that the call is
    // in scope of is judged.
    let usual = set(|number| (Some(format!("connector-{}", number % 10)), number % 2 == 0));
    let plain = set(|_| (None, false));
    let rich = set(|_| (None, true));
    let usual = times(&usual);
    vec![
        Line::plain("100 policies, ten connectors, every other with a condition", usual.words()),
        Line::at_most("100 policies, p99 a call", usual.quantile(0.99), BUDGET),
        Line::plain("the same, all in scope, no condition", times(&plain).words()),
        Line::plain("the same, all in scope, each with a condition that is not met", times(&rich).words()),
    ]
}

/// Policies that don't match, so that none ends the search early.
fn set(mut shape: impl FnMut(u128) -> (Option<String>, bool)) -> Vec<CompiledPolicy> {
    let policies = (0..POLICIES).map(|number| {
        let (connector, conditional) = shape(number);
        let condition = CONDITIONS[usize::try_from(number / 10).unwrap() % CONDITIONS.len()];
        let scope = Scope { connectors: connector.map(|slug| vec![slug]), ..Scope::default() };
        let scope = if conditional { scope } else { Scope { tools: Some(vec!["other_*".into()]), ..scope } };
        let body = PolicyBody {
            name: format!("P{number}"),
            action: Action::RequestApproval,
            scope,
            when: conditional.then(|| condition.to_owned()),
            priority: 0,
            flow: None,
            allow_grants: None,
        };
        CompiledPolicy::compile(Policy { id: PolicyId(Uuid::from_u128(number)), version: 1, body }).unwrap()
    });
    policies.collect()
}

fn times(policies: &[CompiledPolicy]) -> Sample {
    let arguments: Value = json!({
        "charge": "ch_3PqK", "amount": 4_900, "currency": "usd", "email": "kim@acme.test",
        "note": "Charged twice on 2 July; the customer wrote in.", "lines": [{"sku": "A", "count": 2}],
    });
    let groups = vec!["Sales".to_owned(), "Finance".to_owned()];
    let call = Call {
        connector: "connector-4",
        tool: "refunds_create",
        effect: Effect::Destructive,
        arguments: &arguments,
        agent: "invoice-bot",
        user_email: "mina@acme.test",
        user_groups: &groups,
        now: Timestamp::from_millis(1_795_430_400_120),
        ip: Some("10.0.0.7"),
    };
    let run = || {
        let began = Instant::now();
        black_box(evaluate(black_box(policies), black_box(&call)));
        began.elapsed()
    };
    // Warms up.
    for _ in 0..RUNS / 10 {
        run();
    }
    Sample::of((0..RUNS).map(|_| run()).collect())
}
