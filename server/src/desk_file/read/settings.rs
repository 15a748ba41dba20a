//! The file's settings.

use super::super::fields::{Fields, Keys};
use super::super::notes::{Kind, Notes};
use super::super::tree::Node;
use super::DeskFile;
use crate::notify::{Content, takes_mail};
use crate::store::desk::{Sms, Smtp, SmtpTls, twilio};
use countersign_domain::flow::check::{is_phone, is_variable, is_web_address};
use countersign_domain::user::is_email;
use serde::de::DeserializeOwned;

const KEYS: Keys<'_> = Keys {
    now: &["default_flow", "max_pending_per_agent", "max_asks_per_minute", "push_content", "smtp", "sms"],
    later: &[],
};

pub(super) fn settings(node: &Node, file: &mut DeskFile, notes: &Notes) {
    let Some(fields) = Fields::of(node, "settings", &KEYS, notes) else { return };
    file.default_flow = fields.mention(Kind::Flow, "default_flow");
    file.max_asks_per_minute = count(&fields, "max_asks_per_minute");
    file.max_pending_per_agent = count(&fields, "max_pending_per_agent");
    file.push_content = fields.word::<Content>("push_content", &["full", "minimal"], as_written);
    file.smtp = fields.node("smtp").and_then(|node| smtp(node, notes));
    file.sms = fields.node("sms").and_then(|node| sms(node, notes));
}

fn count(fields: &Fields<'_>, key: &str) -> Option<u32> {
    let count = fields.whole(key);
    if count.is_some_and(|count| !(1..=10_000).contains(&count)) {
        fields.wrong(key, "must be 1 to 10000");
    }
    count
}

fn as_written<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

fn smtp(node: &Node, notes: &Notes) -> Option<Smtp> {
    const KEYS: Keys<'_> = Keys { now: &["host", "port", "tls", "username", "password_env", "from"], later: &[] };
    let fields = Fields::of(node, "settings.smtp", &KEYS, notes)?;
    let (host, from) = (fields.required("host"), fields.required("from"));
    refuse_unless(&fields, "host", host.as_deref(), is_host, "must be the mail server's name, without a port");
    let is_sender = |from: &str| is_email(from) && takes_mail(from);
    refuse_unless(&fields, "from", from.as_deref(), is_sender, "must be an email address, without a name");
    let port = fields.whole::<u16>("port");
    if port == Some(0) {
        fields.wrong("port", "must be 1 to 65535");
    }
    let (username, password_env) = (fields.text("username"), fields.text("password_env"));
    refuse_unless(&fields, "username", username.as_deref(), is_line, "must have 1 to 200 characters in one line");
    refuse_unless(&fields, "password_env", password_env.as_deref(), is_variable, NO_VARIABLE);
    match (&username, &password_env) {
        (Some(_), None) => fields.wrong("username", "needs password_env beside it"),
        (None, Some(_)) => fields.wrong("password_env", "needs username beside it"),
        _ => {}
    }
    let tls = fields.word::<SmtpTls>("tls", &["starttls", "tls", "none"], as_written).unwrap_or_default();
    Some(Smtp { host: host?, port, tls, username, password_env, from: from? })
}

fn sms(node: &Node, notes: &Notes) -> Option<Sms> {
    const KEYS: Keys<'_> = Keys { now: &["base_url", "account_sid", "token_env", "from"], later: &[] };
    let fields = Fields::of(node, "settings.sms", &KEYS, notes)?;
    let base_url = fields.text("base_url").unwrap_or_else(twilio);
    let (account_sid, token_env, from) =
        (fields.required("account_sid"), fields.required("token_env"), fields.required("from"));
    refuse_unless(&fields, "base_url", Some(&base_url), is_base, "must be an http or https address without a query");
    refuse_unless(&fields, "account_sid", account_sid.as_deref(), is_account, "must have 1 to 64 letters and digits");
    refuse_unless(&fields, "token_env", token_env.as_deref(), is_variable, NO_VARIABLE);
    let phone = "must be a phone: `+`, the country and the number, 7 to 15 digits";
    refuse_unless(&fields, "from", from.as_deref(), is_phone, phone);
    Some(Sms { base_url, account_sid: account_sid?, token_env: token_env?, from: from? })
}

const NO_VARIABLE: &str = "must be the name of an environment variable";

fn refuse_unless(fields: &Fields<'_>, key: &str, text: Option<&str>, fits: impl Fn(&str) -> bool, message: &str) {
    if text.is_some_and(|text| !fits(text)) {
        fields.wrong(key, message);
    }
}

fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    (1..=253).contains(&text.len()) && text.chars().all(plain)
}

fn is_line(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn is_base(text: &str) -> bool {
    is_web_address(text) && !text.contains(['?', '#'])
}

fn is_account(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
