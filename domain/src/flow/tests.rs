use super::*;
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn voter(n: u128, role: Role) -> Voter<'static> {
    Voter { id: user(n), email: "x@acme.test", groups: &[], role, active: true }
}

const PARTIES: Parties = Parties { requester: UserId(Uuid::from_u128(1)), owner: UserId(Uuid::from_u128(2)) };

fn given_flow(min_approvals: u32) -> FlowBody {
    let mut flow = FlowBody::default_flow("Default", Confirmation::Passkey, false);
    flow.steps[0].min_approvals = min_approvals;
    flow
}

#[test]
fn the_default_flow_can_be_saved() {
    assert_eq!(given_flow(1).check(), []);
}

#[test]
fn requester_and_owner_are_never_asked_unless_the_flow_says_so() {
    let mut flow = given_flow(1);
    for party in [1, 2] {
        assert!(!flow.asks(1, &voter(party, Role::Admin), PARTIES));
    }
    flow.allow_self_approval = true;
    assert!(flow.asks(1, &voter(1, Role::Admin), PARTIES));
}

#[test]
fn members_and_closed_accounts_are_not_asked() {
    let flow = given_flow(1);
    assert!(!flow.asks(1, &voter(3, Role::Member), PARTIES));
    assert!(!flow.asks(1, &Voter { active: false, ..voter(3, Role::Admin) }, PARTIES));
    assert!(!flow.asks(2, &voter(3, Role::Admin), PARTIES), "there is no step 2");
}

#[test]
fn a_group_or_an_address_names_a_member_too() {
    let mut flow = given_flow(1);
    flow.steps[0].approvers = Approvers { users: vec!["X@Acme.test".into()], ..Approvers::default() };
    assert!(flow.asks(1, &voter(3, Role::Member), PARTIES));
    flow.steps[0].approvers = Approvers { groups: vec!["Finance".into()], ..Approvers::default() };
    assert!(flow.asks(1, &Voter { groups: &["Finance".into()], ..voter(3, Role::Member) }, PARTIES));
}

#[test]
fn an_approval_of_someone_who_left_no_longer_counts() {
    let flow = given_flow(2);
    let left = Voter { active: false, ..voter(3, Role::Approver) };
    let votes = [(Vote::Approve, Some(left)), (Vote::Approve, Some(voter(4, Role::Approver)))];
    assert_eq!(flow.tally(1, votes, PARTIES), Tally::Open { given: 1, needed: 2 });
}

#[test]
fn what_a_later_version_brings_is_refused_by_name() {
    let flow: FlowBody = serde_json::from_value(json!({
        "name": "x", "steps": [{"order": 1, "approvers": {"roles": ["admin"], "emails": ["a@b"]}, "escalate_after_minutes": 5}],
        "reminder_interval_minutes": 5, "channels": {"email": true}, "remainder": 1
    }))
    .unwrap();
    let problems = flow.check();
    let mut later: Vec<_> = problems.iter().filter(|p| p.not_available).map(|p| p.field.as_str()).collect();
    // In which order a JSON object's keys come depends on what else is built with this crate.
    later.sort_unstable();
    assert_eq!(later, ["channels", "reminder_interval_minutes", "steps[0].approvers", "steps[0].escalate_to"]);
    assert!(problems.iter().any(|p| p.field == "remainder" && !p.not_available));
}

#[test]
fn a_later_field_that_asks_for_nothing_may_stand_there() {
    let flow: FlowBody = serde_json::from_value(json!({
        "name": "x", "steps": [{"order": 1, "approvers": {"roles": ["admin"]}}],
        "channels": {"email": false, "sms": false}, "urgent": false, "webhook_template": "json"
    }))
    .unwrap();
    assert_eq!(flow.check(), []);
}

proptest! {
    #[test]
    fn one_deny_ends_it_and_otherwise_the_count_decides(votes in prop::collection::vec(any::<bool>(), 0..8), needed in 1u32..5) {
        let flow = given_flow(needed);
        let cast = votes.iter().zip(10u128..).map(|(yes, n)| {
            (if *yes { Vote::Approve } else { Vote::Deny }, Some(voter(n, Role::Approver)))
        });
        let tally = flow.tally(1, cast, PARTIES);
        let given = u32::try_from(votes.len()).unwrap();
        if votes.contains(&false) {
            prop_assert_eq!(tally, Tally::Denied);
        } else if given >= needed {
            prop_assert_eq!(tally, Tally::Approved);
        } else {
            prop_assert_eq!(tally, Tally::Open { given, needed });
        }
    }

    #[test]
    fn no_number_of_party_votes_approves(copies in 1usize..5) {
        let votes = (0..copies).flat_map(|_| [1, 2]).map(|n| (Vote::Approve, Some(voter(n, Role::Admin))));
        prop_assert_eq!(given_flow(1).tally(1, votes, PARTIES), Tally::Open { given: 0, needed: 1 });
    }
}
