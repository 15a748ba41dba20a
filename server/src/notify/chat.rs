//! Bodies for chat services. What an agent wrote is put where their markup is not read, or escaped, so that it can
//! neither call people nor look like ours.

use super::words::{cut, headline, outline, plain, sentence, title};
use super::{About, Message};
use serde_json::{Value, json};

/// The most characters of the arguments, which the request's page shows whole.
const ARGUMENTS: usize = 1_500;
/// The most characters of a note.
const NOTE: usize = 600;
/// The most characters of a title.
const TITLE: usize = 150;

/// Between two characters, so that they mean nothing together.
const APART: char = '\u{200b}';

/// A chat message's parts, as they are.
struct Parts {
    title: String,
    sentence: String,
    note: Option<String>,
    arguments: Option<String>,
}

impl Parts {
    fn of(message: &Message) -> Self {
        let asks = message.about.as_deref().filter(|_| message.kind.asks());
        Self {
            title: cut(&title(message), TITLE),
            sentence: sentence(message),
            note: asks.and_then(note),
            arguments: asks.map(|about| cut(&outline(&about.arguments), ARGUMENTS)),
        }
    }
}

fn note(about: &About) -> Option<String> {
    let note = plain(&about.note);
    (!note.trim().is_empty()).then(|| cut(&note, NOTE))
}

/// Slack's blocks: `plain_text` and `rich_text` are not read as markup.
pub(super) fn slack(message: &Message) -> Value {
    let parts = Parts::of(message);
    let plain = |text: &str| json!({"type": "plain_text", "text": text, "emoji": false});
    let rich = |kind: &str, text: &str| json!({"type": "rich_text", "elements": [{"type": kind, "elements": [{"type": "text", "text": text}]}]});
    let mut blocks = vec![json!({"type": "header", "text": plain(&parts.title)})];
    if !parts.sentence.is_empty() {
        blocks.push(json!({"type": "section", "text": plain(&parts.sentence)}));
    }
    if let Some(note) = &parts.note {
        blocks.push(json!({"type": "context", "elements": [plain("The agent says:")]}));
        blocks.push(rich("rich_text_quote", note));
    }
    if let Some(arguments) = &parts.arguments {
        blocks.push(rich("rich_text_preformatted", arguments));
    }
    let link = format!("<{}|Review>", message.link);
    blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": link, "verbatim": true}}));
    json!({
        "text": entities(&parts.title),
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// Slack's three control characters ("Formatting text for app surfaces").
fn entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Discord's embed; nobody is called, whatever the text says. A title has 256 characters and a field 1024, and escaped
/// each of ours may be three.
pub(super) fn discord(message: &Message) -> Value {
    let parts = Parts::of(message);
    let mut fields = Vec::new();
    if let Some(note) = &parts.note {
        fields.push(json!({"name": "The agent says", "value": markdown(&cut(note, 320))}));
    }
    if let Some(arguments) = &parts.arguments {
        fields.push(json!({"name": "Arguments", "value": fenced(&cut(arguments, 480))}));
    }
    let link = format!("[Review]({})", message.link);
    json!({
        "embeds": [{
            "title": markdown(&cut(&parts.title, 80)),
            "url": message.link,
            "description": join(&[&markdown(&parts.sentence), &link]),
            "fields": fields,
        }],
        "allowed_mentions": {"parse": []},
    })
}

/// Mattermost's text. It reads Slack's `<!channel>` too, and calls people by `@` wherever that stands in plain text.
pub(super) fn mattermost(message: &Message) -> Value {
    let parts = Parts::of(message);
    let quoted = |note: &str| format!("The agent says:\n> {}", markdown(note).replace('\n', "\n> "));
    let pieces = [
        format!("**{}**", markdown(&parts.title)),
        markdown(&parts.sentence),
        parts.note.as_deref().map(quoted).unwrap_or_default(),
        parts.arguments.as_deref().map(fenced).unwrap_or_default(),
        format!("[Review]({})", message.link),
    ];
    json!({"text": join(&pieces.each_ref().map(String::as_str))})
}

/// ntfy's JSON form, for the topic that stands at the end of the address.
pub(super) fn ntfy(message: &Message, topic: &str) -> Value {
    let parts = Parts::of(message);
    let note = parts.note.map(|note| format!("The agent says: {note}")).unwrap_or_default();
    let text = join(&[&parts.sentence, &note, parts.arguments.as_deref().unwrap_or_default()]);
    let text = if text.is_empty() { &parts.title } else { &text };
    json!({
        "topic": topic,
        "title": parts.title,
        "message": text,
        "click": message.link,
        "priority": if message.urgent { 5 } else { 3 },
        "actions": [{"action": "view", "label": "Review", "url": message.link}],
    })
}

/// The whole, for programs (Standard Webhooks 1.0, "Payload structure").
pub(super) fn json(message: &Message) -> Value {
    let about = message.about.as_deref().map(|about| {
        let ending = about.ending.as_ref().map(|(how, at)| json!({"how": how, "at": at}));
        json!({
            "id": about.id,
            "state": about.state,
            "headline": headline(about),
            "agent": about.agent,
            "requester": about.requester,
            "connector": about.connector,
            "tool": plain(&about.tool),
            "effect": about.effect,
            "note": note(about),
            "arguments": cut(&outline(&about.arguments), 20_000),
            "seal": about.seal,
            "step": about.step.0,
            "steps": about.step.1,
            "created_at": about.created_at,
            "expires_at": about.expires_at,
            "ending": ending,
        })
    });
    json!({
        "type": format!("request.{}", message.kind.word()),
        "timestamp": message.created_at,
        "data": {
            "desk": message.desk,
            "title": title(message),
            "text": sentence(message),
            "link": message.link,
            "request": about,
        },
    })
}

fn join(pieces: &[&str]) -> String {
    let said: Vec<_> = pieces.iter().copied().filter(|piece| !piece.is_empty()).collect();
    said.join("\n\n")
}

/// Text in which nothing is markup, for Discord and Mattermost.
fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_~|[]()>#+-".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
        if c == '@' || c == '<' {
            escaped.push(APART);
        }
    }
    // An address would become a link, to wherever the agent likes.
    escaped.replace("://", &format!(":{APART}//"))
}

/// A block in which nothing is markup; what would end it is pulled apart.
fn fenced(text: &str) -> String {
    let inside = text.replace('`', &format!("`{APART}")).replace('@', &format!("@{APART}"));
    format!("```\n{}\n```", inside.replace('<', &format!("<{APART}")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::asking_about;
    use super::*;

    const HOSTILE: &str = "<!channel> @everyone @here <@U012> [x](https://evil.test) ``` & *bold*\n# big";

    fn hostile() -> Message {
        asking_about(HOSTILE, HOSTILE)
    }

    #[test]
    fn nothing_that_an_agent_wrote_is_markup_in_slack() {
        let body = slack(&hostile());
        assert!(body["text"].as_str().unwrap().starts_with("&lt;!channel&gt;"), "{body}");
        for block in body["blocks"].as_array().unwrap() {
            let marked = block["text"]["type"] == "mrkdwn";
            assert!(!marked || block["text"]["text"] == "<https://desk.acme.test/approve/1|Review>", "{block}");
        }
        assert!(body.to_string().contains("rich_text_quote"));
    }

    #[test]
    fn nobody_is_called_in_discord_and_mattermost() {
        let (discord, mattermost) = (discord(&hostile()), mattermost(&hostile()));
        assert_eq!(discord["allowed_mentions"], json!({"parse": []}));
        for body in [discord, mattermost] {
            let text = body.to_string();
            for call in ["<!channel>", "@everyone", "@here", "<@U012>", "[x](https", "https://evil"] {
                assert!(!text.contains(call), "{call}: {text}");
            }
            assert!(text.contains("[Review](https://desk.acme.test/approve/1)"), "{text}");
        }
    }

    #[test]
    fn a_block_can_not_be_ended_from_within() {
        assert_eq!(fenced("a```b").matches("```").count(), 2);
    }

    #[test]
    fn what_is_long_is_cut() {
        let message = asking_about(&"w".repeat(10_000), &"n".repeat(10_000));
        for body in [slack(&message), discord(&message), mattermost(&message), ntfy(&message, "t")] {
            assert!(body.to_string().len() < 4_000, "{body}");
        }
    }
}
