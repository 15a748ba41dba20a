use super::*;
use crate::ids::PolicyId;
use crate::policy::Scope;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// A Monday, 10:40 in UTC.
const NOW: Timestamp = Timestamp::from_millis(1_795_430_400_120);

fn policy(number: u128, action: Action) -> Policy {
    let body = PolicyBody {
        name: format!("P{number}"),
        action,
        scope: Scope::default(),
        when: None,
        priority: 0,
        flow: None,
        allow_grants: None,
    };
    Policy { id: PolicyId(Uuid::from_u128(number)), version: 1, body }
}

trait Given: Sized {
    fn when(self, text: &str) -> Self;
    fn priority(self, priority: i32) -> Self;
    fn scope(self, set: impl FnOnce(&mut Scope)) -> Self;
}

impl Given for Policy {
    fn when(mut self, text: &str) -> Self {
        self.body.when = Some(text.to_owned());
        self
    }

    fn priority(mut self, priority: i32) -> Self {
        self.body.priority = priority;
        self
    }

    fn scope(mut self, set: impl FnOnce(&mut Scope)) -> Self {
        set(&mut self.body.scope);
        self
    }
}

fn compiled(policies: impl IntoIterator<Item = Policy>) -> Vec<CompiledPolicy> {
    policies.into_iter().map(|policy| CompiledPolicy::compile(policy).unwrap()).collect()
}

fn refund(arguments: &Value) -> Call<'_> {
    Call {
        connector: "stripe",
        tool: "refunds_create",
        effect: Effect::Destructive,
        arguments,
        agent: "invoice-bot",
        user_email: "Mina@acme.test",
        user_groups: GROUPS.get_or_init(|| vec!["Sales".to_owned()]),
        now: NOW,
        ip: None,
    }
}

static GROUPS: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();

/// The action and the deciding policy's number, 0 for none.
fn judge(policies: impl IntoIterator<Item = Policy>, arguments: &Value) -> (Action, u128) {
    let verdict = evaluate(&compiled(policies), &refund(arguments));
    (verdict.action, verdict.policy.map_or(0, |matched| matched.id.0.as_u128()))
}

use Action::{Allow, Deny, RequestApproval, StepUp};

#[test]
fn without_a_policy_everything_is_refused() {
    assert_eq!(judge([], &json!({})), (Deny, 0));
}

#[test]
fn a_deny_wins_over_any_priority() {
    let policies = [policy(1, Allow).priority(1_000), policy(2, Deny).priority(-5), policy(3, RequestApproval)];
    assert_eq!(judge(policies, &json!({})), (Deny, 2));
}

#[test]
fn then_the_highest_priority_and_at_a_tie_the_stricter_action() {
    assert_eq!(judge([policy(1, RequestApproval), policy(2, Allow).priority(1)], &json!({})), (Allow, 2));
    assert_eq!(judge([policy(1, Allow), policy(2, RequestApproval)], &json!({})), (RequestApproval, 2));
    let step_up = CompiledPolicy::stored(policy(3, StepUp));
    let with_allow = [compiled([policy(1, Allow)]), vec![step_up.clone()]].concat();
    assert_eq!(evaluate(&with_allow, &refund(&json!({}))).action, StepUp);
    let with_approval = [vec![step_up], compiled([policy(4, RequestApproval)])].concat();
    assert_eq!(evaluate(&with_approval, &refund(&json!({}))).action, RequestApproval);
}

#[test]
fn between_equals_the_smallest_id_speaks() {
    assert_eq!(judge([policy(7, Allow), policy(3, Allow), policy(5, Allow)], &json!({})), (Allow, 3));
}

#[test]
fn the_verdict_names_its_policy_with_version_priority_and_flow() {
    let mut held = policy(9, RequestApproval).priority(40);
    held.version = 3;
    held.body.flow = Some("Finance".to_owned());
    let verdict = evaluate(&compiled([held]), &refund(&json!({})));
    let matched = verdict.policy.unwrap();
    assert_eq!(
        (matched.name.as_str(), matched.version, matched.priority, matched.flow.as_deref()),
        ("P9", 3, 40, Some("Finance"))
    );
}

#[test]
fn every_list_that_is_given_must_match() {
    let one = |text: &str| Some(vec![text.to_owned()]);
    let allowed = |set: &dyn Fn(&mut Scope)| judge([policy(1, Allow).scope(set)], &json!({})).0 == Allow;
    assert!(allowed(&|scope| scope.connectors = one("stripe")));
    assert!(!allowed(&|scope| scope.connectors = one("strip")));
    assert!(allowed(&|scope| scope.tools = one("refunds_*")));
    assert!(!allowed(&|scope| scope.tools = one("stripe_refunds_*")));
    assert!(allowed(&|scope| scope.agents = one("invoice-bot")));
    assert!(!allowed(&|scope| scope.agents = one("Invoice-bot")));
    assert!(allowed(&|scope| scope.users = one("MINA@acme.test")));
    assert!(allowed(&|scope| scope.groups = Some(vec!["Finance".to_owned(), "Sales".to_owned()])));
    assert!(!allowed(&|scope| scope.groups = one("sales")));
    assert!(!allowed(&|scope| {
        scope.users = one("mina@acme.test");
        scope.groups = one("Finance");
    }));
}

#[test]
fn a_condition_reads_the_call_the_agent_the_user_and_the_hour() {
    let arguments = json!({"amount": 4900, "rate": 0.5, "items": [{"id": "a"}, {"id": "b"}], "note": null});
    for text in [
        "call.arguments.amount > 2000 && call.arguments.amount + 1 == 4901 && call.arguments.amount > 20.5",
        "call.arguments.rate < 1 && call.arguments['rate'] == 0.5",
        "call.connector == 'stripe' && call.tool.startsWith('refunds_') && call.effect == 'destructive'",
        "agent.name == 'invoice-bot' && user.email.endsWith('@acme.test') && 'Sales' in user.groups",
        "now.getHours('UTC') == 10 && now.getHours('Europe/Berlin') == 11 && now.getDayOfWeek() == 1",
        "now < timestamp('2027-01-01T00:00:00Z') && now - duration('1h') < now",
        "ip == null",
        "has(call.arguments.amount) && !has(call.arguments.memo) && call.arguments.note == null",
        "call.arguments.items.exists(i, i.id == 'b') && call.arguments.items.map(i, i.id) == ['a', 'b']",
        "call.arguments.items.filter(i, i.id != 'a').size() == 1 && call.arguments.items.exists_one(i, i.id == 'a')",
        "call.arguments.items.all(i, call.arguments.items.exists(j, i.id == j.id))",
        "user.email.matches('^[A-Za-z]+@') && matches(call.tool, '_create$') && type(call.tool) == string",
    ] {
        let verdict = evaluate(&compiled([policy(1, Allow).when(text)]), &refund(&arguments));
        assert_eq!((verdict.action, verdict.failed), (Allow, vec![]), "{text}");
    }
}

#[test]
fn an_address_is_a_text_where_it_is_known() {
    let arguments = json!({});
    let call = Call { ip: Some("10.0.0.7"), ..refund(&arguments) };
    assert_eq!(evaluate(&compiled([policy(1, Allow).when("ip.startsWith('10.')")]), &call).action, Allow);
    assert_eq!(judge([policy(1, Allow).when("ip.startsWith('10.')")], &arguments), (Deny, 0));
}

#[test]
fn a_condition_that_fails_holds_or_refuses_but_never_allows() {
    for failing in ["call.arguments.amount > 10", "1", "1 / 0 == 0", "call.tool > 3", "9223372036854775807 + 1 > 0"] {
        assert_eq!(judge([policy(1, Allow).when(failing)], &json!({})), (Deny, 0), "{failing}");
        assert_eq!(judge([policy(2, RequestApproval).when(failing)], &json!({})), (RequestApproval, 2), "{failing}");
        assert_eq!(judge([policy(3, Deny).when(failing), policy(1, Allow)], &json!({})), (Deny, 3), "{failing}");
    }
}

#[test]
fn what_failed_is_told_by_policy_and_without_values() {
    let arguments = json!({"amount": "hunter2", "who": {"a": "hunter2"}});
    let policies = [
        policy(3, Allow).when("call.arguments.amount > 10"),
        policy(1, Allow).when("call.arguments.memo == 'x'"),
        policy(2, Allow).when("call.arguments.who + 1 == 2 || call.arguments.amount"),
    ];
    let verdict = evaluate(&compiled(policies), &refund(&arguments));
    let names: Vec<_> = verdict.failed.iter().map(|failure| failure.name.as_str()).collect();
    assert_eq!(names, ["P1", "P2", "P3"]);
    assert_eq!(verdict.failed[0].reason, "there is no `memo`");
    assert!(!serde_json::to_string(&verdict).unwrap().contains("hunter2"), "{verdict:?}");
}

#[test]
fn a_stored_policy_that_no_longer_compiles_still_refuses() {
    let broken = policy(1, Deny).when("no_such_thing()");
    assert!(CompiledPolicy::compile(broken.clone()).is_err());
    let policies = [vec![CompiledPolicy::stored(broken)], compiled([policy(2, Allow)])].concat();
    assert_eq!(evaluate(&policies, &refund(&json!({}))).action, Deny);
    let allow = CompiledPolicy::stored(policy(1, Allow).when("no_such_thing()"));
    assert_eq!(evaluate(&[allow], &refund(&json!({}))).action, Deny);
}

#[test]
fn all_problems_of_a_policy_come_together() {
    let problems = CompiledPolicy::compile(policy(1, StepUp).when("call.nothing && nobody")).unwrap_err();
    let fields: Vec<_> = problems.iter().map(|problem| problem.field).collect();
    assert_eq!(fields, ["action", "when"]);
    assert!(
        problems[1].message.contains("`call` has no field `nothing`") && problems[1].message.contains("no `nobody`")
    );
    let long = CompiledPolicy::compile(policy(1, Allow).when(&" ".repeat(5_000))).unwrap_err();
    assert_eq!(long.len(), 1);
}

#[test]
fn a_list_over_ten_thousand_fails_closed_only_where_arguments_are_read() {
    let arguments = json!({"ids": vec![1; 10_001], "amount": 1});
    assert_eq!(judge([policy(1, Allow).when("call.arguments.amount == 1")], &arguments), (Deny, 0));
    assert_eq!(judge([policy(1, Allow).when("call.tool == 'refunds_create'")], &arguments), (Allow, 1));
    let fits = json!({"ids": vec![1; 10_000]});
    for text in
        ["call.arguments.ids.all(i, i == 1)", "call.arguments.ids.map(i, i + 1).filter(i, i == 2).size() == 10000"]
    {
        assert_eq!(judge([policy(1, Allow).when(text)], &fits), (Allow, 1), "{text}");
    }
}

/// Regression guard: unmetered, each of these would run for minutes or take gigabytes.
#[test]
fn hostile_arguments_are_cut_short_and_fail_closed() {
    let arguments = json!({"a": vec![1; 10_000], "b": vec![2; 10_000], "s": "x".repeat(500_000)});
    for text in [
        "call.arguments.a.all(x, call.arguments.b.all(y, x != y))",
        "!call.arguments.a.exists(x, call.arguments.b.exists(y, x == y))",
        "call.arguments.a.filter(x, !(x in call.arguments.b)).size() == 10000",
        "call.arguments.a.map(x, call.arguments.a).size() == 10000",
        "call.arguments.a.map(x, x in call.arguments.b, x).size() == 0",
        "call.arguments.a.all(x, !call.arguments.s.matches('y+$'))",
        "call.arguments.a.exists_one(x, call.arguments.b.exists_one(y, true)) || true",
        "[call.arguments.s].all(s, call.arguments.a.all(x, !s.contains('y')))",
        "call.arguments.a.map(x, call.arguments.b.map(y, y)).size() > 0",
    ] {
        let verdict = evaluate(&compiled([policy(1, Allow).when(text)]), &refund(&arguments));
        assert_eq!(verdict.action, Deny, "{text}");
        assert_eq!(verdict.failed[0].reason, "it would take too long on these arguments", "{text}");
    }
}

#[test]
fn one_condition_that_spends_all_leaves_the_next_its_own() {
    let arguments = json!({"a": vec![1; 10_000]});
    let policies = [
        policy(1, Allow).when("call.arguments.a.all(x, call.arguments.a.all(y, x == y))"),
        policy(2, Allow).when("call.arguments.a.all(x, x == 1)"),
    ];
    assert_eq!(judge(policies, &arguments), (Allow, 2));
}

#[test]
fn the_deepest_expression_fits_a_small_stack() {
    let text = format!("[1].all(x, [2].all(y, x{} == 0 || true))", " - 1".repeat(17));
    let policies = compiled([policy(1, Allow).when(&text)]);
    let evaluated = std::thread::Builder::new()
        .stack_size(1024 * 1024)
        .spawn(move || evaluate(&policies, &refund(&json!({}))).action);
    assert_eq!(evaluated.unwrap().join().unwrap(), Allow);
}

#[test]
fn a_weaker_policy_is_not_even_asked() {
    let verdict = evaluate(&compiled([policy(1, Allow).priority(9), policy(2, Allow).when("1")]), &refund(&json!({})));
    assert_eq!((verdict.action, verdict.failed), (Allow, vec![]));
}

#[test]
fn a_time_beyond_any_calendar_fails_closed() {
    let arguments = json!({});
    let call = Call { now: NOW + Duration::from_millis(i64::MAX.unsigned_abs()), ..refund(&arguments) };
    assert_eq!(evaluate(&compiled([policy(1, Allow).when("now.getFullYear() > 2000")]), &call).action, Deny);
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let action = prop_oneof![Just(Allow), Just(RequestApproval), Just(Deny)];
    let when = prop_oneof![
        3 => Just(None),
        1 => Just(Some("call.arguments.amount > 50")),
        1 => Just(Some("call.arguments.missing")),
        1 => Just(Some("call.tool == 'other'")),
    ];
    let tools = prop_oneof![2 => Just(None), 1 => Just(Some("refunds_*")), 1 => Just(Some("events_*"))];
    (1_u128..1_000, action, -2_i32..3, when, tools).prop_map(|(number, action, priority, when, tools)| {
        let mut made = policy(number, action).priority(priority);
        made.body.when = when.map(str::to_owned);
        made.body.scope.tools = tools.map(|tool| vec![tool.to_owned()]);
        made
    })
}

fn any_desk() -> impl Strategy<Value = Vec<CompiledPolicy>> {
    prop::collection::btree_map(1_u128..1_000, any_policy(), 0..8).prop_map(|policies| {
        compiled(policies.into_iter().map(|(number, mut policy)| {
            policy.id = PolicyId(Uuid::from_u128(number));
            policy
        }))
    })
}

/// Each alone: does it match this call?
fn matching(policies: &[CompiledPolicy], call: &Call<'_>, action: Action) -> bool {
    policies
        .iter()
        .filter(|policy| policy.policy().body.action == action)
        .any(|policy| evaluate(std::slice::from_ref(policy), call).policy.is_some())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_deny_that_matches_always_denies(mut desk in any_desk(), priority in any::<i32>(), amount in 0..100) {
        let arguments = json!({"amount": amount});
        desk.push(CompiledPolicy::compile(policy(5_000, Deny).priority(priority)).unwrap());
        prop_assert_eq!(evaluate(&desk, &refund(&arguments)).action, Deny);
    }

    #[test]
    fn the_order_of_the_list_never_matters(
        (desk, shuffled) in any_desk().prop_flat_map(|desk| (Just(desk.clone()), Just(desk).prop_shuffle())),
        amount in 0..100,
    ) {
        let arguments = json!({"amount": amount});
        prop_assert_eq!(evaluate(&desk, &refund(&arguments)), evaluate(&shuffled, &refund(&arguments)));
    }

    #[test]
    fn an_allow_has_an_allow_behind_it_and_no_deny_against_it(desk in any_desk(), amount in 0..100) {
        let arguments = json!({"amount": amount});
        let call = refund(&arguments);
        let verdict = evaluate(&desk, &call);
        if verdict.action == Allow {
            prop_assert!(matching(&desk, &call, Allow));
            prop_assert!(!matching(&desk, &call, Deny));
        } else if verdict.policy.is_none() {
            prop_assert!([Allow, RequestApproval, Deny].iter().all(|&action| !matching(&desk, &call, action)));
        }
        prop_assert_eq!(evaluate::<CompiledPolicy>(&[], &call).action, Deny);
    }
}
