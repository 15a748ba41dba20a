//! Files that are wrong: told all at once, each with the line that it is in.

use super::*;

/// What the desk says to a file, as `line: message`.
async fn told(desk: &Given, text: &str) -> Vec<String> {
    match desk.apply(text).await {
        Err(ApplyError::File(problems)) => {
            problems.iter().map(|problem| format!("{}: {} {}", problem.line, problem.path, problem.message)).collect()
        }
        other => panic!("it was applied: {other:?}"),
    }
}

fn has(told: &[String], line: usize, words: &str) {
    let found = told.iter().any(|one| one.starts_with(&format!("{line}: ")) && one.contains(words));
    assert!(found, "line {line} says nothing of {words:?}: {told:#?}");
}

#[test]
fn ten_mistakes_are_told_at_once_with_their_lines() {
    let text = r#"
users:
  - {email: nobody, name: Dana}
  - {email: jon@acme.test, name: Jon, role: boss}
agents:
  - {name: "two words", owner: jon@acme.test}
connectors:
  - slug: Shop
    kind: http
    base_url: ftp://shop.test
    tools:
      - {name: a, method: FETCH, path: "no/slash"}
policies:
  - {name: P, action: alow}
  - {name: Q, action: deny, tools: []}
  - {name: R, action: allow, when: "1 +"}
colours: blue
"#;
    let file = DeskFile::read(text);
    let problems = file.problems();
    let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    for line in [3, 4, 6, 8, 10, 12, 14, 15, 16, 17] {
        assert!(lines.contains(&line), "line {line} is not among {problems:#?}");
    }
    assert!(problems.len() >= 11, "the method and the path of line 12 are two: {problems:#?}");
}

#[test]
fn a_tool_whose_name_is_too_long_with_its_slug_is_told_with_its_line() {
    let (fits, long) = ("x".repeat(59), "x".repeat(60));
    let text = format!(
        "connectors:
  - slug: shop
    kind: external
    tools:
      - {{name: {fits}}}
      - {{name: {long}}}
"
    );
    let file = DeskFile::read(&text);
    let lines: Vec<_> = file.problems().iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [6]);
}

#[tokio::test]
async fn a_wrong_field_hides_no_unknown_name_and_no_unset_variable() {
    let desk = given_desk().await;
    let told = told(
        &desk,
        r#"
users:
  - {email: nobody, name: Dana}
agents:
  - name: bot
    owner: ghost@acme.test
    key_env: BOT_KEY
    connectors:
      - shop
      - shpo
    may_act_for: {users: [spirit@acme.test], groups: [whoever]}
connectors:
  - slug: shop
    kind: htp
    credential: {env: OTHER_TOKEN}
flows:
  - name: Finance
    steps:
      - order: 1
        approvers:
          users: [phantom@acme.test]
policies:
  - name: Refunds
    action: request_approval
    users:
      - shade@acme.test
    agents: [bto]
    flow: Finances
settings:
  default_flow: Fnance
"#,
    )
    .await;
    for (line, words) in [
        (3, "no email address"),
        (6, "no user \"ghost@acme.test\""),
        (7, "BOT_KEY is not set"),
        (10, "agents[0].connectors[1] there is no connector \"shpo\"; did you mean \"shop\"?"),
        (11, "no user \"spirit@acme.test\""),
        (14, "must be one of mcp, http, external"),
        (15, "credential.as is missing"),
        (15, "OTHER_TOKEN is not set"),
        (21, "no user \"phantom@acme.test\""),
        (26, "policies[0].users[0] there is no user \"shade@acme.test\""),
        (27, "no agent \"bto\"; did you mean \"bot\"?"),
        (28, "no flow \"Finances\"; did you mean \"Finance\"?"),
        (30, "settings.default_flow there is no flow \"Fnance\""),
    ] {
        has(&told, line, words);
    }
    assert_eq!(told.len(), 13, "nothing is told twice: {told:#?}");
}

#[tokio::test]
async fn what_can_not_be_read_is_named_all_the_same() {
    let desk = given_desk().await;
    let told = told(
        &desk,
        r#"
users:
  - {email: Dana@acme.test, nmae: Dana}
agents:
  - {name: bot, owner: dana@acme.test, public_key: none}
connectors:
  - {slug: shop, kind: http}
flows:
  - {name: Finance}
policies:
  - {name: P, action: request_approval, users: [dana@acme.test], agents: [bot], connectors: [shop], flow: Finance}
"#,
    )
    .await;
    assert!(told.iter().all(|one| !one.contains("there is no") || one.contains("no such key")), "{told:#?}");
}

#[tokio::test]
async fn two_items_of_one_name_are_told_even_when_they_can_not_be_read() {
    let desk = given_desk().await;
    let text = "users:\n  - {email: a@acme.test}\n  - {email: A@acme.test}\n";
    has(&told(&desk, text).await, 3, "\"A@acme.test\" is named twice");
}

#[tokio::test]
async fn a_policy_without_a_name_or_an_action_tells_the_rest() {
    let desk = given_desk().await;
    let text = "policies:\n  - action: alow\n    tools: []\n    when: \"1 +\"\n";
    let told = told(&desk, text).await;
    for (line, words) in [(2, "name is missing"), (2, "must be one of allow"), (3, "empty list"), (4, "when")] {
        has(&told, line, words);
    }
    assert_eq!(told.len(), 4, "{told:#?}");
}

#[tokio::test]
async fn a_flow_tells_every_wrong_field_with_its_own_line() {
    let desk = given_desk().await;
    let text = r#"
flows:
  - name: Finance
    timeout_minutes: "x"
    confirmation: maybe
    steps: []
    urgnt: true
  - name: Late
    timeout_minutes: 0
    channels: {push: yes, telex: true}
    steps:
      - order: 2
        approvers: {roles: [boss], user: [a@acme.test]}
        min_approvals: none
        escalate_after_minutes: 5
      - {order: 2}
"#;
    let told = told(&desk, text).await;
    for (line, words) in [
        (4, "must be a whole number, and is text"),
        (5, "must be one of passkey, passkey_if_enrolled, session"),
        (6, "at least one step"),
        (7, "no such key; did you mean \"urgent\"?"),
        (9, "must be 1 to 10080"),
        (10, "channels.telex there is no such key"),
        (10, "channels.push must be true or false, and is text"),
        (12, "numbered 1, 2, 3"),
        (13, "must be one of member, approver, admin, and is \"boss\""),
        (13, "no such key; did you mean \"users\"?"),
        (14, "must be a whole number"),
        (12, "steps[0].escalate_to say who is asked then"),
        (16, "flows[1].steps[1].approvers is missing"),
    ] {
        has(&told, line, words);
    }
    assert_eq!(told.len(), 13, "{told:#?}");
}

#[tokio::test]
async fn what_a_later_version_brings_is_told_to_be_later() {
    let desk = given_desk().await;
    let text = r#"
users: [{email: dana@acme.test, name: Dana}]
agents:
  - name: bot
    owner: dana@acme.test
policies:
  - name: P
    action: step_up
    mask: [card]
    calls_per_minute: 5
"#;
    let told = told(&desk, text).await;
    for line in [8, 9, 10] {
        has(&told, line, "is not available in this version");
    }
    assert_eq!(told.len(), 3, "{told:#?}");
}

#[tokio::test]
async fn who_has_an_account_is_no_approver_outside() {
    let desk = given_desk().await;
    let text = r#"
users: [{email: dana@acme.test, name: Dana}]
flows:
  - name: F
    confirmation: session
    channels: {email: true}
    steps:
      - order: 1
        approvers:
          emails:
            - pat@partner.test
            - Dana@acme.test
            - "<sam@partner.test>"
"#;
    let told = told(&desk, text).await;
    has(&told, 12, "is of somebody with an account: name dana@acme.test in `users` instead");
    has(&told, 13, "mail can't be sent to this address");
    assert_eq!(told.len(), 2, "{told:#?}");
}

#[tokio::test]
async fn addresses_that_lead_nowhere_are_mistakes_with_their_lines() {
    let desk = given_desk().await;
    let text = r#"
users: [{email: dana@acme.test, name: Dana}]
agents:
  - {name: bot, owner: dana@acme.test, callback_url: "https://10.0.0.1/hook"}
settings:
  push_content: some
  smtp:
    host: "mail.test\r\nDATA"
    port: 70000
    tls: ssl
    username: desk
    from: "desk@acme.test\nBcc: all@acme.test"
  sms:
    base_url: "ftp://sms.test"
    account_sid: "AC/../x"
    token_env: "not a name"
    from: "0791234567"
"#;
    let told = told(&desk, text).await;
    let places = [
        (4, "callback_url must be an https address outside"),
        (6, "push_content must be one of full, minimal"),
        (8, "smtp.host must be the mail server's name"),
        (9, "smtp.port is out of range"),
        (10, "smtp.tls must be one of starttls, tls, none"),
        (11, "smtp.username needs password_env"),
        (12, "smtp.from must be an email address"),
        (14, "sms.base_url must be"),
        (15, "sms.account_sid must have"),
        (16, "sms.token_env must be the name"),
        (17, "sms.from must be a phone"),
    ];
    for (line, words) in places {
        has(&told, line, words);
    }
    assert_eq!(told.len(), places.len(), "{told:#?}");
}

#[tokio::test]
async fn a_key_that_another_agent_holds_is_a_mistake_of_the_file() {
    let desk = given_desk().await;
    let text = r#"
users: [{email: dana@acme.test, name: Dana}]
agents:
  - {name: one, owner: dana@acme.test, key_env: SHOP_TOKEN}
  - {name: two, owner: dana@acme.test, key_env: SHOP_TOKEN}
"#;
    let key = format!("csk_{}", "a".repeat(43));
    let Err(ApplyError::File(problems)) = desk.apply_with(text, &key, Options::default()).await else {
        panic!("it was applied")
    };
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [5], "{problems:?}");
    assert!(!format!("{problems:?}").contains(&key));
}

#[tokio::test]
async fn a_file_that_is_no_file_says_only_that() {
    let desk = given_desk().await;
    desk.apply(SHOP).await.unwrap();
    let prune = Options { dry_run: false, prune: true };
    for text in ["users: [", "users", ""] {
        let Err(ApplyError::File(problems)) = desk.apply_with(text, "first", prune).await else {
            panic!("it was applied")
        };
        assert_eq!(problems.len(), 1, "{text:?}: {problems:?}");
    }
}

#[tokio::test]
async fn a_mistake_at_the_end_undoes_the_beginning() {
    let desk = given_desk().await;
    let text = format!("{SHOP}  - {{name: Wrong, action: allow, connectors: [shpo]}}\n");
    let told = told(&desk, &text).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("did you mean \"shop\""), "{told:?}");
    assert!(store::users::all(&mut desk.store.read().await.unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_that_is_not_set_is_named_and_nothing_happens() {
    let desk = given_desk().await;
    let Err(ApplyError::File(problems)) = desk.apply_with(SHOP, "", Options::default()).await else {
        panic!("it was applied")
    };
    assert!(problems[0].message.contains("SHOP_TOKEN"), "{problems:?}");
}

#[tokio::test]
async fn a_desk_that_has_an_admin_is_not_left_without_one() {
    let desk = given_desk().await;
    desk.apply(SHOP).await.unwrap();
    has(&told(&desk, &SHOP.replace("admin", "member")).await, 3, "users[0].role would leave the desk without");
    let others = "\nusers:\n  - {email: lee@acme.test, name: Lee}\n";
    let prune = Options { dry_run: false, prune: true };
    let Err(ApplyError::File(problems)) = desk.apply_with(others, "first", prune).await else {
        panic!("it was applied")
    };
    assert_eq!((problems.len(), problems[0].line, problems[0].path.as_str()), (1, 3, "users"), "{problems:?}");
    assert!(problems[0].message.contains("--prune"), "{problems:?}");

    let follows = others.replace("name: Lee", "name: Lee, role: admin");
    desk.apply_with(&follows, "first", prune).await.unwrap();
    let unreadable = "users:\n  - {email: lee@acme.test, name: Lee, role: amdin}\n";
    assert_eq!(told(&desk, unreadable).await.len(), 1, "what role is meant is not known");
}

#[tokio::test]
async fn a_wait_budget_is_a_second_to_an_hour() {
    let desk = given_desk().await;
    for odd in ["0", "3601", "-1", "long"] {
        let agent = format!("{{name: bot, owner: dana@acme.test, wait_budget_seconds: {odd}}}");
        let file = format!("users: [{{email: dana@acme.test, name: Dana}}]\nagents: [{agent}]");
        has(&told(&desk, &file).await, 2, "agents[0].wait_budget_seconds");
    }
}

const QUICK: &str = "
flows:
  - {name: Quick, auto_approve_minutes: 5, steps: [{order: 1, approvers: {roles: [admin]}}]}
";

#[tokio::test]
async fn a_flow_that_lets_a_destructive_tool_approve_itself_is_told_wherever_its_policy_stands() {
    let desk = given_desk().await;
    let by_quick = SHOP.replace("request_approval, tools", "request_approval, flow: Quick, tools");
    let words = "would approve it by itself";
    has(&told(&desk, &format!("{by_quick}{QUICK}")).await, 17, words);
    desk.apply(&format!("{SHOP}{QUICK}")).await.unwrap();
    has(&told(&desk, &by_quick).await, 14, words);
    let reason = QUICK.replace("minutes: 5", "minutes: 5, auto_approve_destructive_reason: A sandbox.");
    desk.apply(&format!("{by_quick}{reason}")).await.unwrap();
    has(&told(&desk, QUICK).await, 3, words);
}

#[tokio::test]
async fn a_flow_that_its_people_can_not_end_is_told_once_there_are_people() {
    let flow = |steps: &str| format!("flows:\n  - {{name: Slow, steps: [{steps}]}}\n");
    let two = flow("{order: 1, min_approvals: 2, approvers: {roles: [admin]}}");
    let nobody = flow("{order: 1, approvers: {groups: [Board]}}");
    let desk = given_desk().await;
    desk.apply(&two).await.expect("who is asked here is not known before anybody is");
    let desk = given_desk().await;
    has(&told(&desk, &format!("{SHOP}{two}")).await, 16, "only 1 could approve");
    has(&told(&desk, &format!("{SHOP}{nobody}")).await, 16, "nobody could approve");
}

#[tokio::test]
async fn a_desk_takes_its_file_again_though_somebody_left_since() {
    let desk = given_desk().await;
    let jon = SHOP.replace("agents:", "  - {email: jon@acme.test, name: Jon Weber, role: admin}\nagents:");
    let file = format!(
        "{jon}flows:\n  - {{name: Slow, steps: [{{order: 1, min_approvals: 2, approvers: {{roles: [admin]}}}}]}}\n"
    );
    desk.apply(&file).await.unwrap();
    desk.store
        .write(|connection| {
            Box::pin(async move {
                let mut jon = store::users::by_email(connection, "jon@acme.test").await?.unwrap();
                jon.active = false;
                Ok::<_, ApplyError>(store::users::update(connection, &jon).await?)
            })
        })
        .await
        .unwrap();
    desk.apply(&file).await.expect("the flow stays as it was, and its requests go to the admins");
}

#[tokio::test]
async fn two_flows_whose_names_differ_by_case_alone_are_told() {
    let flows = "flows:
  - {name: Pay out, steps: [{order: 1, approvers: {roles: [admin]}}]}
  - {name: PAY OUT, steps: [{order: 1, approvers: {roles: [admin]}}]}
";
    has(&told(&given_desk().await, flows).await, 3, "differs by upper and lower case alone");
}

#[tokio::test]
async fn a_webhook_secret_that_signs_nothing_is_told_where_it_can_be_read() {
    let flow = |variable: &str| {
        format!(
            "flows:
  - name: Ours
    channels: {{webhook: true}}
    webhook_url: https://hooks.acme.test/
    webhook_secret_env: {variable}
    steps: [{{order: 1, approvers: {{roles: [admin]}}}}]
"
        )
    };
    let desk = given_desk().await;
    has(&told(&desk, &flow("SHOP_TOKEN")).await, 5, "is no webhook secret");
    desk.apply(&flow("SET_WHERE_THE_SERVER_RUNS")).await.unwrap();
}
