//! What a mail says, once in plain text and once in HTML. All that an agent wrote is escaped in both.

use super::super::words::{cut, outline, plain as text_of, sentence, title};
use super::super::{About, Message, Reader};
use countersign_domain::delivery::DeliveryKind;
use std::fmt::Write as _;

/// The most characters of the arguments; the request's page shows them whole.
const ARGUMENTS: usize = 50_000;

/// What the arguments end with where they are cut.
const CUT: &str = "(cut here; the page shows all of it)";

pub(super) fn plain(message: &Message) -> String {
    let mut text = format!("{}\n\n{}\n", title(message), sentence(message));
    // Writing to a string can't fail.
    if let Some(about) = asked(message) {
        if let Some(note) = note(about) {
            let _ = write!(text, "\nThe agent says (nobody checked it):\n> {}\n", note.replace('\n', "\n> "));
        }
        let _ = write!(text, "\nArguments:\n\n{}\n\nSeal: {}\n", arguments(about), about.seal);
    }
    if message.leads_on() {
        let _ = write!(text, "\n{}: {}\n", invitation(message), message.link);
    }
    if let Some(code) = message.code() {
        let _ = write!(text, "\nYour code: {code}\n\n{}\n", about_the_code(message));
    }
    let _ = write!(text, "\n-- \n{}\n", message.desk);
    if let Reader::Inside { settings_link } = &message.reader {
        let _ = writeln!(text, "How you are told: {settings_link}");
    }
    text
}

pub(super) fn html(message: &Message) -> String {
    let mut inside = String::new();
    let _ = write!(inside, "<h1 style=\"font-size:18px;margin:0 0 8px\">{}</h1>", escaped(&title(message)));
    let _ = write!(inside, "<p style=\"margin:0 0 16px\">{}</p>", escaped(&sentence(message)));
    if let Some(about) = asked(message) {
        if let Some(note) = note(about) {
            boxed(&mut inside, "The agent says (nobody checked it)", &note, "inherit");
        }
        boxed(&mut inside, "Arguments", &arguments(about), "ui-monospace,monospace");
        let _ = write!(inside, "<p style=\"margin:0 0 16px\">Seal: <code>{}</code></p>", escaped(&about.seal));
    }
    if message.leads_on() {
        invite(&mut inside, message);
    }
    if let Some(code) = message.code() {
        let _ = write!(
            inside,
            "<p style=\"margin:0 0 4px;font-size:12px;opacity:.7\">Your code</p><p style=\"margin:0 0 8px;font-size:24px;\
             letter-spacing:.2em;font-family:ui-monospace,monospace\">{code}</p><p style=\"margin:0 0 24px\">{}</p>",
            escaped(&about_the_code(message))
        );
    }
    let _ = write!(inside, "<p style=\"margin:0;font-size:12px;opacity:.7\">{}", escaped(&message.desk));
    if let Reader::Inside { settings_link } = &message.reader {
        let link = escaped(settings_link);
        let _ = write!(inside, " &middot; <a href=\"{link}\" style=\"color:inherit\">How you are told</a>");
    }
    inside.push_str("</p>");
    // No colours of ours: a reader's dark mode is right as it is.
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
         <meta name=\"viewport\" content=\"width=device-width\"></head><body style=\"margin:0;padding:16px;\
         font:15px/1.5 system-ui,sans-serif\"><div style=\"max-width:640px;margin:0 auto\">{inside}</div></body></html>"
    )
}

fn invite(inside: &mut String, message: &Message) {
    let _ = write!(
        inside,
        "<p style=\"margin:0 0 24px\"><a href=\"{}\" style=\"display:inline-block;padding:8px 16px;border:1px solid;\
         border-radius:6px;font-weight:600;color:inherit;text-decoration:none\">{}</a></p>",
        escaped(&message.link),
        invitation(message)
    );
}

/// What somebody outside does with link and code.
fn about_the_code(message: &Message) -> String {
    format!(
        "{} asks you since your address stands in its approval flow. The link works once, for 24 hours, and decides only \
         with this code. Forward neither: whoever has both decides in your name.",
        message.desk
    )
}

/// What is asked, while it is asked.
fn asked(message: &Message) -> Option<&About> {
    message.about.as_deref().filter(|_| message.kind.asks())
}

/// What the link is called. Nothing is approved in a mail: whoever forwards one would give that away.
const fn invitation(message: &Message) -> &'static str {
    match message.kind {
        kind if kind.asks() => "Review",
        DeliveryKind::Digest => "Review",
        _ => "Open",
    }
}

fn note(about: &About) -> Option<String> {
    Some(text_of(&about.note)).filter(|note| !note.trim().is_empty())
}

fn arguments(about: &About) -> String {
    let whole = outline(&about.arguments);
    let shown = cut(&whole, ARGUMENTS);
    if shown.len() == whole.len() { whole } else { format!("{shown}\n{CUT}") }
}

fn boxed(html: &mut String, label: &str, text: &str, font: &str) {
    let _ = write!(
        html,
        "<p style=\"margin:0 0 4px;font-size:12px;opacity:.7\">{label}</p><div style=\"margin:0 0 16px;padding:8px 12px;\
         border:1px solid;border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;font-family:{font}\">{}</div>",
        escaped(text)
    );
}

/// Text as HTML, also within an attribute's quotes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}
