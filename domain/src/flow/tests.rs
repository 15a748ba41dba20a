use super::*;
use crate::Timestamp;
use crate::effect::Effect as ToolEffect;
use crate::ids::UserId;
use crate::request::Vote;
use serde_json::json;
use std::time::Duration;
use timeline::Happening;
use uuid::Uuid;

/// UTC and no other zone.
pub(super) struct Utc;

impl Offsets for Utc {
    fn minutes(&self, zone: &str, _: Timestamp) -> Option<i32> {
        (zone == "UTC").then_some(0)
    }
}

pub(super) fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

pub(super) fn voter(n: u128, role: Role) -> Voter<'static> {
    Voter { id: user(n), email: "x@acme.test", phone: None, groups: &[], role, active: true }
}

const PARTIES: Parties = Parties { requester: UserId(Uuid::from_u128(1)), owner: UserId(Uuid::from_u128(2)) };

fn first() -> Course {
    Course::at(1, Timestamp::from_millis(0))
}

fn given_flow(min_approvals: u32) -> FlowBody {
    let mut flow = FlowBody::default_flow("Default", Confirmation::Passkey, false);
    flow.steps[0].min_approvals = min_approvals;
    flow
}

fn fields(problems: &[FlowProblem]) -> Vec<&str> {
    let mut fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    // In which order a JSON object's keys come depends on what else is built with this crate.
    fields.sort_unstable();
    fields
}

fn read(body: serde_json::Value) -> FlowBody {
    serde_json::from_value(body).unwrap()
}

#[test]
fn the_default_flow_can_be_saved() {
    assert_eq!(given_flow(1).check(&Utc), []);
}

#[test]
fn requester_and_owner_are_never_asked_unless_the_flow_says_so() {
    let mut flow = given_flow(1);
    for party in [1, 2] {
        assert!(!flow.asks(&first(), &voter(party, Role::Admin).into(), PARTIES));
    }
    flow.allow_self_approval = true;
    assert!(flow.asks(&first(), &voter(1, Role::Admin).into(), PARTIES));
}

#[test]
fn members_and_closed_accounts_are_not_asked() {
    let flow = given_flow(1);
    assert!(!flow.asks(&first(), &voter(3, Role::Member).into(), PARTIES));
    assert!(!flow.asks(&first(), &Voter { active: false, ..voter(3, Role::Admin) }.into(), PARTIES));
    let second = Course { step: 2, ..first() };
    assert!(!flow.asks(&second, &voter(3, Role::Admin).into(), PARTIES), "there is no step 2");
}

#[test]
fn a_group_or_an_address_names_a_member_too() {
    let mut flow = given_flow(1);
    flow.steps[0].approvers = Approvers { users: vec!["X@Acme.test".into()], ..Approvers::default() };
    assert!(flow.asks(&first(), &voter(3, Role::Member).into(), PARTIES));
    flow.steps[0].approvers = Approvers { groups: vec!["Finance".into()], ..Approvers::default() };
    assert!(flow.asks(&first(), &Voter { groups: &["Finance".into()], ..voter(3, Role::Member) }.into(), PARTIES));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let flow = read(json!({
        "name": " ", "timeout_minutes": 0, "reminder_interval_minutes": 3, "auto_approve_minutes": 60,
        "channels": {"webhook": true}, "webhook_secret_env": "whsec_abc=", "remainder": 1,
        "quiet_hours": {"from": "22:00", "to": "22:00", "time_zone": "Mars/Base"},
        "steps": [
            {"order": 2, "approvers": {"emails": ["a\nb@c"], "phones": ["0791234567"]}, "min_approvals": 0,
             "escalate_after_minutes": 5},
        ],
    }));
    assert_eq!(
        fields(&flow.check(&Utc)),
        [
            "auto_approve_minutes",
            "channels.email",
            "channels.sms",
            "confirmation",
            "name",
            "quiet_hours",
            "quiet_hours.time_zone",
            "remainder",
            "reminder_interval_minutes",
            "reminder_interval_minutes",
            "steps[0].approvers.emails",
            "steps[0].approvers.phones",
            "steps[0].escalate_to",
            "steps[0].min_approvals",
            "steps[0].order",
            "timeout_minutes",
            "webhook_secret_env",
            "webhook_url",
        ]
    );
}

#[test]
fn a_webhook_has_an_address_that_can_be_called() {
    let with = |url: &str, template: &str| {
        let steps = json!([{"order": 1, "approvers": {"roles": ["admin"]}}]);
        let flow = json!({"name": "Ours", "channels": {"webhook": true}, "webhook_url": url,
            "webhook_template": template, "steps": steps});
        read(flow).check(&Utc)
    };
    for good in
        ["https://hooks.acme.test", "http://10.0.0.7:8080/x", "https://[fd00::1]:8443/x?y#z", "https://ntfy.test/"]
    {
        assert_eq!(with(good, "json"), [], "{good}");
    }
    for bad in [
        "https://hooks.acme.test:99999/",
        "https://hooks.acme.test:0/",
        "https://hooks.acme.test:+80/",
        "https://hooks.acme.test:/",
        "https://hooks.acme.test:80:80/",
        "https://:8080/",
        "https://me:word@hooks.acme.test/",
        "https:///x",
        "ftp://hooks.acme.test/",
    ] {
        assert_eq!(fields(&with(bad, "json")), ["webhook_url"], "{bad}");
    }
    assert_eq!(with("https://ntfy.test/desk?auth=x", "ntfy"), []);
    for bad in ["https://ntfy.test", "https://ntfy.test/", "https://ntfy.test/?desk"] {
        assert_eq!(fields(&with(bad, "ntfy")), ["webhook_url"], "{bad}");
    }
}

#[test]
fn ten_thousand_names_belong_into_a_group() {
    let mut flow = given_flow(1);
    flow.steps[0].approvers.users = (0..10_000).map(|n| format!("u{n}@acme.test")).collect();
    assert_eq!(fields(&flow.check(&Utc)), ["steps[0].approvers"]);
}

#[test]
fn a_flow_that_its_people_cannot_end_is_refused_with_the_reason() {
    let people = [voter(3, Role::Admin), voter(4, Role::Approver), voter(5, Role::Member)];
    assert_eq!(given_flow(2).check_people(&people), []);
    assert_eq!(given_flow(3).check_people(&people)[0].message, "needs 3 approvals, but only 2 could approve");
    let nobody = [Voter { active: false, ..voter(3, Role::Admin) }];
    assert!(given_flow(1).check_people(&nobody)[0].message.starts_with("nobody"));
}

#[test]
fn nobody_is_counted_on_twice() {
    let by = |order, role| Step::of(order, Approvers { roles: vec![role], ..Approvers::default() });
    let both = |order| Approvers { roles: vec![Role::Admin, Role::Approver], ..by(order, Role::Admin).approvers };
    let flow = FlowBody::of_steps("x", vec![by(1, Role::Admin), Step::of(2, both(2))]);
    assert_eq!(fields(&flow.check_people(&[voter(3, Role::Admin)])), ["steps"]);
    let people = [voter(3, Role::Admin), voter(4, Role::Approver)];
    assert_eq!(flow.check_people(&people), []);
    let same = FlowBody::of_steps("x", vec![by(1, Role::Admin), by(2, Role::Admin), by(3, Role::Approver)]);
    let many = [voter(3, Role::Admin), voter(4, Role::Approver), voter(5, Role::Approver)];
    assert_eq!(fields(&same.check_people(&many)), ["steps"]);
}

#[test]
fn an_earlier_steps_approval_falls_with_its_approver() {
    let by = |order, role| Step::of(order, Approvers { roles: vec![role], ..Approvers::default() });
    let flow = FlowBody::of_steps("x", vec![by(1, Role::Approver), by(2, Role::Admin)]);
    let votes = [(3, 1), (4, 2)].map(|(n, step)| Cast {
        by: Recipient::User(user(n)),
        step,
        vote: crate::request::Vote::Approve,
    });
    let second = Course { step: 2, ..first() };
    let people = [voter(3, Role::Approver), voter(4, Role::Admin)];
    assert!(flow.stands(&second, &people.map(Person::from), &votes, PARTIES));
    let left = [Voter { active: false, ..people[0] }, people[1]];
    assert!(!flow.stands(&second, &left.map(Person::from), &votes, PARTIES));
}

#[test]
fn the_timeline_is_what_will_happen() {
    let flow = read(json!({
        "name": "x", "channels": {"push": true}, "timeout_minutes": 120, "reminder_interval_minutes": 30,
        "steps": [{"order": 1, "approvers": {"groups": ["Finance"]}, "escalate_after_minutes": 60,
                   "escalate_to": {"users": ["head@acme.test"]}}],
    }));
    let drawn: Vec<_> = flow
        .timeline(Timestamp::from_millis(0), ToolEffect::Write, &Utc)
        .into_iter()
        .map(|moment| (moment.after.as_secs() / 60, moment.what))
        .collect();
    assert_eq!(
        drawn,
        [
            (0, Happening::Asked(Channels { push: true, ..Channels::default() })),
            (30, Happening::Reminded { every: Duration::from_secs(1_800), times: 3 }),
            (60, Happening::Escalated),
            (96, Happening::Warned),
            (120, Happening::Expired),
        ]
    );
}

#[test]
fn a_destructive_tool_never_approves_itself_unless_an_admin_said_why() {
    let mut flow = FlowBody { auto_approve_minutes: Some(5), ..given_flow(1) };
    let last = |flow: &FlowBody, effect| flow.timeline(Timestamp::from_millis(0), effect, &Utc).pop().unwrap().what;
    assert_eq!(last(&flow, ToolEffect::Write), Happening::AutoApproved);
    assert_eq!(last(&flow, ToolEffect::Destructive), Happening::Expired);
    flow.auto_approve_destructive_reason = Some("a sandbox".into());
    assert_eq!(last(&flow, ToolEffect::Destructive), Happening::AutoApproved);
}

#[test]
fn a_deadline_in_quiet_hours_moves_to_their_end_unless_the_flow_is_urgent() {
    let quiet = json!({"from": "22:00", "to": "07:00", "time_zone": "UTC"});
    let mut flow = read(json!({
        "name": "x", "steps": [{"order": 1, "approvers": {"roles": ["admin"]}}], "quiet_hours": quiet,
    }));
    let evening: Timestamp = "2026-11-24T21:55:00Z".parse().unwrap();
    assert_eq!(flow.expires_at(evening, &Utc).to_string(), "2026-11-25T07:00:00.000Z");
    flow.urgent = true;
    assert_eq!(flow.expires_at(evening, &Utc).to_string(), "2026-11-24T22:05:00.000Z");
}

#[test]
fn a_stand_in_is_asked_and_judged_as_themselves_and_never_for_a_party() {
    let mut flow = given_flow(1);
    flow.steps[0].approvers = Approvers { roles: vec![Role::Approver], ..Approvers::default() };
    let away = voter(3, Role::Approver);
    let for_away = |n| Person { voter: voter(n, Role::Member), stands_in_for: vec![away] };
    assert!(flow.asks(&first(), &for_away(4), PARTIES) && flow.may_ask(&for_away(4)));
    assert!(!flow.asks(&first(), &for_away(1), PARTIES), "the requester stands in for nobody");
    let for_party = Person { voter: voter(4, Role::Member), stands_in_for: vec![voter(2, Role::Approver)] };
    assert!(!flow.asks(&first(), &for_party, PARTIES), "nobody stands in for the owner");
    let closed = Person { stands_in_for: vec![Voter { active: false, ..away }], ..for_away(4) };
    assert!(!flow.asks(&first(), &closed, PARTIES));
}

#[test]
fn a_seat_votes_once_whoever_sits_in_it() {
    let mut flow = given_flow(1);
    flow.steps[0].approvers = Approvers { roles: vec![Role::Approver], ..Approvers::default() };
    flow.steps[0].min_approvals = 2;
    let (ben, cat) = (voter(3, Role::Approver), voter(5, Role::Approver));
    let for_ben = |n| Person { voter: voter(n, Role::Member), stands_in_for: vec![ben] };
    let for_both = Person { voter: voter(8, Role::Member), stands_in_for: vec![ben, cat] };
    let people = || vec![Person::from(ben), Person::from(cat), for_ben(6), for_ben(7), for_both.clone()];
    let tally = |yes: &[u128]| {
        let cast = |n: &u128| Cast { by: Recipient::User(user(*n)), step: 1, vote: Vote::Approve };
        let votes: Vec<_> = yes.iter().map(cast).collect();
        let roster = flow.roster(&first(), people(), &votes, PARTIES);
        (roster.given, roster.able)
    };
    assert_eq!(tally(&[]), (0, 2), "five are asked, in two seats");
    assert_eq!(tally(&[6, 3]), (1, 2), "a colleague and the one they stand in for");
    assert_eq!(tally(&[6, 7]), (1, 2), "two colleagues of one");
    assert_eq!(tally(&[8]), (1, 2), "one colleague of two has one vote");
    for two in [[3, 5], [6, 5], [6, 8], [8, 7], [8, 3]] {
        assert_eq!(tally(&two), (2, 2), "{two:?}");
    }
    let elsewhere = [Cast { by: Recipient::User(user(3)), step: 2, vote: Vote::Approve }];
    assert_eq!(flow.roster(&first(), people(), &elsewhere, PARTIES).able, 1, "a seat that voted at another step");
}

const PAT: &str = "pat@partner.test";

fn outside(emails: &[&str], phones: &[&str]) -> Approvers {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Approvers { emails: owned(emails), phones: owned(phones), ..Approvers::default() }
}

/// A flow that asks these, and may.
fn asking(steps: Vec<Approvers>) -> FlowBody {
    let steps = (1..).zip(steps).map(|(order, approvers)| Step::of(order, approvers)).collect();
    let channels = Channels { email: true, sms: true, ..Channels::default() };
    FlowBody { confirmation: Confirmation::Session, channels, ..FlowBody::of_steps("x", steps) }
}

fn waiting(flow: &FlowBody, people: &[Voter<'static>]) -> Vec<Recipient> {
    flow.roster(&first(), people.iter().copied().map(Person::from), &[], PARTIES).waiting
}

#[test]
fn people_outside_are_asked_by_session_and_over_a_channel_that_reaches_them() {
    let flow = asking(vec![outside(&[PAT], &["+41790000001"])]);
    assert_eq!(flow.check(&Utc), []);
    for confirmation in [Confirmation::Passkey, Confirmation::PasskeyIfEnrolled] {
        assert_eq!(fields(&FlowBody { confirmation, ..flow.clone() }.check(&Utc)), ["confirmation"]);
    }
    let untold = FlowBody { channels: Channels { push: true, webhook: false, ..Channels::default() }, ..flow };
    assert_eq!(fields(&untold.check(&Utc)), ["channels.email", "channels.sms"]);
    let mut later = asking(vec![Approvers { roles: vec![Role::Admin], ..Approvers::default() }]);
    later.confirmation = Confirmation::Passkey;
    later.steps[0].escalate_after_minutes = Some(5);
    later.steps[0].escalate_to = Some(outside(&[PAT], &[]));
    assert_eq!(fields(&later.check(&Utc)), ["confirmation"], "an escalation asks them too");
}

#[test]
fn an_address_of_somebody_with_an_account_is_refused_with_a_hint() {
    let mut flow = asking(vec![outside(&["X@acme.test"], &["+41790000001"])]);
    flow.steps[0].escalate_to = Some(outside(&[PAT], &["+41790000001"]));
    let people = [Voter { email: "kai@acme.test", phone: Some("+41790000001"), ..voter(4, Role::Member) }];
    let closed = Voter { active: false, ..voter(3, Role::Admin) };
    let problems = flow.check_people(&[people[0], closed]);
    let at = ["steps[0].approvers.emails", "steps[0].approvers.phones", "steps[0].escalate_to.phones"];
    assert_eq!(fields(&problems), at);
    assert_eq!(problems[0].message, "x@acme.test is of somebody with an account: name x@acme.test in `users` instead");
}

#[test]
fn an_address_outside_counts_once_a_request_however_often_it_is_named() {
    let twice = asking(vec![outside(&[PAT, "Pat@Partner.test"], &[])]);
    let needs_two = |mut flow: FlowBody| {
        flow.steps[0].min_approvals = 2;
        flow
    };
    let problems = needs_two(twice).check_people(&[]);
    assert_eq!(problems[0].message, "needs 2 approvals, but only 1 could approve");
    assert_eq!(needs_two(asking(vec![outside(&[PAT], &["+41790000001"])])).check_people(&[]), []);
    let at_both = asking(vec![outside(&[PAT], &[]), outside(&[PAT], &[])]);
    assert_eq!(fields(&at_both.check_people(&[])), ["steps"]);
    let and_another = asking(vec![outside(&[PAT], &[]), outside(&[PAT, "sam@partner.test"], &[])]);
    assert_eq!(and_another.check_people(&[]), []);
}

#[test]
fn who_has_an_account_is_not_asked_outside_and_a_party_never() {
    let flow =
        FlowBody { allow_self_approval: true, ..asking(vec![outside(&["x@acme.test", PAT], &["+41790000001"])]) };
    let pat = Recipient::Email(PAT.into());
    let phone = Recipient::Phone("+41790000001".into());
    assert_eq!(waiting(&flow, &[voter(3, Role::Member)]), [pat.clone(), phone.clone()]);
    let closed = Voter { active: false, ..voter(3, Role::Member) };
    assert_eq!(waiting(&flow, &[closed]), [pat.clone(), phone.clone()], "nor whose account was closed");
    for party in [1, 2] {
        let with_phone = Voter { phone: Some("+41790000001"), ..voter(party, Role::Member) };
        assert_eq!(waiting(&flow, &[with_phone]), std::slice::from_ref(&pat));
    }
    let stranger = Voter { phone: Some("+41790000001"), ..voter(3, Role::Member) };
    assert_eq!(waiting(&flow, &[stranger]), [pat, phone], "nobody keeps others away by telling their number");
}

#[test]
fn what_is_shown_of_an_address_is_not_the_address() {
    let (mail, phone) = (Recipient::Email(PAT.into()), Recipient::Phone("+41790000001".into()));
    assert_eq!((mail.masked().unwrap(), phone.masked().unwrap()), ("p…@partner.test".into(), "+41…001".into()));
    assert_eq!((mail.signature().unwrap(), phone.signature().unwrap()), (PAT.into(), "+41…001".into()));
    assert_eq!(Recipient::User(user(1)).masked(), None);
}
