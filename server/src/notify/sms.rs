//! Text messages, by Twilio's API or one with the same interface (Twilio's Messages resource, "Create a Message").

use super::post::{self, Post};
use super::words::{cut, title};
use super::{Courier, Destination, Failure, Message};
use crate::config::Environment;
use crate::store::desk::Sms as Settings;
use futures::future::BoxFuture;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

/// The most septets of a message in the GSM alphabet: one text message has 160 (3GPP TS 23.038).
const GSM_LIMIT: usize = 159;
/// The most UTF-16 units of a message that the alphabet can't say.
const UCS2_LIMIT: usize = 70;

/// The GSM 7-bit default alphabet, without its control characters.
const GSM: &str = "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿\
     abcdefghijklmnopqrstuvwxyzäöñüà";
/// What takes two septets of it.
const GSM_EXTENSION: &str = "^{}\\[~]|€";

const SERVICE: &str = "The text message service";

/// Sends text messages.
pub(super) struct Sms {
    settings: Settings,
    environment: Environment,
    post: Post,
}

/// What the service says of an error.
#[derive(Deserialize)]
struct Complaint {
    code: Option<i64>,
    message: Option<String>,
}

impl Sms {
    pub(super) fn new(settings: Settings, environment: Environment) -> Self {
        Self { settings, environment, post: Post::default() }
    }

    async fn send(&self, message: &Message, to: &str) -> Result<(), Failure> {
        let Settings { account_sid, token_env, from, .. } = &self.settings;
        let token = self.environment.variable(token_env).ok_or_else(|| {
            Failure::Never(format!(
                "The environment variable {token_env} with the text message service's token is not set."
            ))
        })?;
        let body = text(message);
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("To", to), ("From", from), ("Body", &body)])
            .finish();
        let request = self.post.anywhere()?.post(self.address()?).basic_auth(account_sid, Some(token.expose_secret()));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let reply = post::send(request, SERVICE).await?;
        match reply.status {
            200..=299 => Ok(()),
            408 | 429 => Err(post::refused(&reply, SERVICE)),
            400..=499 => Err(Failure::Never(complaint(reply.status, &reply.body, &token))),
            _ => Err(post::refused(&reply, SERVICE)),
        }
    }

    fn address(&self) -> Result<Url, Failure> {
        let wrong = || Failure::Never("The text message service has an address that can't be called.".to_owned());
        let mut url = Url::parse(&self.settings.base_url).map_err(|_| wrong())?;
        let mut path = url.path_segments_mut().map_err(|()| wrong())?;
        path.pop_if_empty().extend(["2010-04-01", "Accounts", &self.settings.account_sid, "Messages.json"]);
        drop(path);
        Ok(url)
    }
}

impl Courier for Sms {
    fn deliver<'a>(&'a self, message: &'a Message, to: &'a Destination) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            match to {
                Destination::Phone(phone) => self.send(message, phone).await,
                _ => Err(Failure::Never("A text message goes to a phone.".to_owned())),
            }
        })
    }
}

/// What the service complains of, in its own words where it has any.
fn complaint(status: u16, body: &[u8], token: &SecretString) -> String {
    let said: Option<Complaint> = serde_json::from_slice(body).ok();
    let words = said.as_ref().and_then(|said| said.message.as_deref()).unwrap_or_default();
    let plain: String = words.chars().filter(|c| !c.is_control()).collect();
    if plain.is_empty() || plain.contains(token.expose_secret()) {
        return format!("{SERVICE} refused it with status {status}.");
    }
    let code = said.and_then(|said| said.code).map(|code| format!(" ({code})")).unwrap_or_default();
    format!("{SERVICE} refused it: {}{code}", cut(&plain, 200))
}

/// What is sent: who wants what, cut so that the link, and the code that it takes, stay whole.
fn text(message: &Message) -> String {
    let title = simple(&title(message));
    let link = match message.code() {
        Some(code) => format!("Code {code} {}", message.short_link),
        None if message.leads_on() => message.short_link.clone(),
        None => String::new(),
    };
    let whole = format!("{title} {link}").trim_end().to_owned();
    if fits(&whole) {
        return whole;
    }
    let letters: Vec<char> = title.chars().collect();
    let cuts = (1..letters.len()).rev().map(|kept| {
        let beginning: String = letters[..kept].iter().collect();
        format!("{}... {link}", beginning.trim_end()).trim_end().to_owned()
    });
    // A link that is too long by itself goes out in two parts: cut, it would lead nowhere.
    cuts.into_iter().find(|text| fits(text)).unwrap_or(link)
}

fn fits(text: &str) -> bool {
    match septets(text) {
        Some(septets) => septets <= GSM_LIMIT,
        None => text.encode_utf16().count() <= UCS2_LIMIT,
    }
}

/// How many septets a text takes in the GSM alphabet; none if that can't say it.
fn septets(text: &str) -> Option<usize> {
    let of = |c| match (GSM.contains(c), GSM_EXTENSION.contains(c)) {
        (true, _) => Some(1),
        (_, true) => Some(2),
        _ => None,
    };
    text.chars().map(of).sum()
}

/// Typographic characters as the alphabet has them: one of them would more than halve what fits.
fn simple(text: &str) -> String {
    let mut simple = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2018}' | '\u{2019}' | '`' | '\u{b4}' => simple.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '«' | '»' => simple.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => simple.push('-'),
            '…' => simple.push_str("..."),
            '\u{a0}' | '\u{202f}' | '\t' | '\n' | '\r' => simple.push(' '),
            other => simple.push(other),
        }
    }
    simple
}

#[cfg(test)]
mod tests {
    use super::super::Reader;
    use super::super::tests::{asking, asking_about, asking_outside};
    use super::*;

    #[test]
    fn a_short_one_is_sent_whole() {
        let message = asking("wants to refund");
        assert_eq!(text(&message), "wants to refund https://desk.acme.test/a/AZkAAAAAAAAAAAAAAAAAAQ");
    }

    #[test]
    fn a_long_one_is_cut_and_its_link_is_whole() {
        for long in ["a".repeat(500), "[x] ".repeat(100), "払い戻し".repeat(50), "“quoted” — ".repeat(40)] {
            let message = asking(&long);
            let text = text(&message);
            assert!(text.ends_with(&format!("... {}", message.short_link)), "{text}");
            let length = septets(&text);
            assert!(length.map_or(text.encode_utf16().count() <= 70, |length| length < 160), "{length:?} {text}");
            assert!(length.unwrap_or(70) > 60, "as much as fits is said: {text}");
        }
    }

    #[test]
    fn a_link_that_is_longer_than_a_message_is_never_cut() {
        let mut message = asking("払い戻し");
        message.short_link = format!("https://{}.test/a/x", "desk".repeat(40));
        assert_eq!(text(&message), message.short_link);
    }

    #[test]
    fn somebody_outside_gets_the_code_and_the_whole_link_whatever_is_asked() {
        let tail = format!("Code 048213 {}", asking_outside("").short_link);
        assert_eq!(text(&asking_outside("Refund?")), format!("Refund? {tail}"));
        for long in ["a".repeat(500), "[x] ".repeat(100), "払い戻し".repeat(50)] {
            let text = text(&asking_outside(&long));
            assert!(text.ends_with(&tail) && text.len() < 160, "{text}");
        }
        let told = Message { reader: Reader::Outside { code: None }, ..asking_outside("Refund?") };
        assert_eq!(text(&told), "Refund?", "a link that leads nowhere is not sent");
    }

    #[test]
    fn a_name_with_line_breaks_stays_in_its_line() {
        assert!(!text(&asking_about("pay\nout", "")).contains('\n'));
    }

    #[test]
    fn a_complaint_is_told_in_the_services_words_without_its_token() {
        let token = SecretString::from("tok-secret");
        let told = complaint(400, br#"{"code":21211,"message":"No valid\nphone number"}"#, &token);
        assert_eq!(told, "The text message service refused it: No validphone number (21211)");
        let told = complaint(401, br#"{"message":"bad tok-secret"}"#, &token);
        assert_eq!(told, "The text message service refused it with status 401.");
        assert_eq!(complaint(404, b"<html>", &token), "The text message service refused it with status 404.");
    }
}
