//! What can go wrong between the page and the server, in words that a person can use.

use super::push::PushFailure;
use super::{read, shell};
use countersign_wire::problem::{Code, Problem};
use serde::de::DeserializeOwned;

/// What is known of a deed that has no answer.
const MAYBE_DONE: &str = "Nothing was changed by this try, or its answer was lost on the way.";

/// Why a call has no good answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// The server said so.
    Problem(Box<Problem>),
    /// No answer came, and none was needed: nothing was to be changed.
    Unreachable,
    /// No answer came to something that was to be done.
    Unanswered,
    /// An answer came that this page can't read: most often the server was updated and the page was not.
    Unreadable,
    /// The passkey ceremony did not end well.
    Passkey(PasskeyFailure),
    /// This browser's notifications could not be turned on.
    Push(PushFailure),
    /// The desktop app could not do it, or got no answer; its words, which say why.
    App(String),
}

/// How a passkey ceremony can end without a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PasskeyFailure {
    /// The person closed the prompt, or let it time out, or has no fitting passkey here.
    Cancelled,
    /// This authenticator holds a passkey for this account already.
    AlreadyHere,
    /// This address or browser can't do passkeys.
    Unsupported,
    /// The desktop app's window has no passkeys; the page was opened in the browser.
    InBrowser,
    /// Something else; the browser's words.
    Other(String),
}

impl Failure {
    /// What is asked for isn't there (any more).
    pub(crate) fn nothing_there() -> Self {
        Self::Problem(Box::new(Problem::new(Code::NotFound, "There is nothing here.")))
    }

    /// The server's code, where it was the server.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// What the server says about one field.
    pub(crate) fn about(&self, field: &str) -> Option<String> {
        let Self::Problem(problem) = self else { return None };
        let under =
            |name: &str| name == field || name.strip_prefix(field).is_some_and(|rest| rest.starts_with(['[', '.']));
        let said: Vec<_> =
            problem.errors.iter().filter(|error| under(&error.field)).map(|error| in_prose(&error.message)).collect();
        (!said.is_empty()).then(|| said.join(" "))
    }

    /// What the server says about fields that the form doesn't show, so that no error is silent.
    pub(crate) fn about_others(&self, shown: &[&str]) -> Vec<String> {
        let Self::Problem(problem) = self else { return Vec::new() };
        let is_shown = |name: &str| {
            shown.iter().any(|field| {
                name == *field || name.strip_prefix(field).is_some_and(|rest| rest.starts_with(['[', '.']))
            })
        };
        problem
            .errors
            .iter()
            .filter(|error| !is_shown(&error.field))
            .map(|error| format!("{}: {}", error.field, in_prose(&error.message)))
            .collect()
    }

    /// The same of a call that was to change something.
    pub(super) fn of_a_deed(self) -> Self {
        match self {
            Self::Unreachable => Self::Unanswered,
            Self::App(words) => Self::App(format!("{words} {MAYBE_DONE}")),
            other => other,
        }
    }

    /// A sentence for the one who reads.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Problem(problem) => said(problem),
            Self::Unreachable => "The desk can't be reached. Check the connection, then try again.".to_owned(),
            Self::Unanswered => format!("The desk can't be reached. Check the connection. {MAYBE_DONE}"),
            Self::Unreadable if shell::is_here() => "The desk's answer can't be read by this app. Restart the app; it \
                                                     may be older than the desk."
                .to_owned(),
            Self::Unreadable => "The desk's answer can't be read by this page. Reload the page; it may be older than \
                                 the server."
                .to_owned(),
            Self::Passkey(failure) => failure.message(),
            Self::Push(failure) => failure.message(),
            Self::App(words) => words.clone(),
        }
    }
}

fn said(problem: &Problem) -> String {
    match problem.code {
        Code::TooManyTries => "Too many tries. Wait a moment, then try again.".to_owned(),
        Code::AssertionRefused if problem.detail.is_empty() => {
            "That passkey does not belong here. Try again with another one.".to_owned()
        }
        _ if problem.detail.is_empty() => format!("The desk answered: {}.", problem.title),
        _ => in_prose(&problem.detail),
    }
}

/// The server's words to programs and people alike, without the marks that only programs' authors read.
fn in_prose(words: &str) -> String {
    words.replace('`', "")
}

/// The same, as a sentence by itself.
pub(crate) fn sentence(words: &str) -> String {
    let words = in_prose(words);
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let end = if words.ends_with('.') { "" } else { "." };
    first.into_iter().chain(letters).chain(end.chars()).collect()
}

impl PasskeyFailure {
    /// From the name of the browser's `DOMException` (WebAuthn Level 3, 5.1.3 and 5.1.4).
    pub(crate) fn from_exception(name: &str, message: &str) -> Self {
        match name {
            "NotAllowedError" | "AbortError" | "TimeoutError" => Self::Cancelled,
            "InvalidStateError" => Self::AlreadyHere,
            "NotSupportedError" | "SecurityError" => Self::Unsupported,
            _ => Self::Other(message.to_owned()),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Cancelled => "No passkey was given, so nothing was sent. Try again when you are ready.".to_owned(),
            Self::AlreadyHere => "This device already holds a passkey for this account.".to_owned(),
            Self::Unsupported => "Passkeys don't work at this address or in this browser. Open the desk at its own \
                                  https address, or at localhost, in a current browser."
                .to_owned(),
            Self::InBrowser => {
                "Your passkey is asked for in the browser, where this page was opened. Do it there; what \
                                you change shows here by itself."
                    .to_owned()
            }
            Self::Other(words) => format!("The browser could not use a passkey: {words}"),
        }
    }
}

/// A good answer's body; any other as a failure.
pub(super) fn sort(status: u16, body: String) -> Result<String, Failure> {
    if (200..300).contains(&status) {
        return Ok(body);
    }
    if let Ok(problem) = read::from_text::<Problem>(&body) {
        return Err(Failure::Problem(Box::new(problem)));
    }
    // A proxy in between, or a server that is no longer there.
    match status {
        401 => Err(Failure::Problem(Box::new(Problem::new(Code::Unauthenticated, "Sign in first.")))),
        404 => Err(Failure::nothing_there()),
        500..600 => Err(Failure::Unreachable),
        _ => Err(Failure::Unreadable),
    }
}

/// Reads a good answer's body. No content reads as null.
pub(super) fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Failure> {
    let body = if body.trim().is_empty() { "null" } else { body };
    read::from_text(body).map_err(|_| Failure::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_wire::problem::FieldError;

    fn problem() -> Failure {
        let mut problem = Problem::new(Code::Invalid, "Two fields are wrong.");
        problem.errors = vec![
            FieldError { field: "name".into(), message: "A policy needs a name.".into() },
            FieldError { field: "tools[1]".into(), message: "Empty.".into() },
            FieldError { field: "mask".into(), message: "Comes later.".into() },
        ];
        Failure::Problem(Box::new(problem))
    }

    #[test]
    fn a_field_hears_what_is_said_about_it_and_its_parts() {
        assert_eq!(problem().about("name").as_deref(), Some("A policy needs a name."));
        assert_eq!(problem().about("tools").as_deref(), Some("Empty."));
        assert_eq!(problem().about("too"), None);
    }

    #[test]
    fn marks_of_code_are_not_shown_to_people() {
        let failure = Failure::Problem(Box::new(Problem::new(Code::Invalid, "1 to 64 letters, digits, `-`.")));
        assert_eq!(failure.message(), "1 to 64 letters, digits, -.");
    }

    #[test]
    fn words_beside_a_field_are_a_sentence() {
        assert_eq!(sentence("must be less than `timeout_minutes`"), "Must be less than timeout_minutes.");
        assert_eq!(sentence("A policy needs a name."), "A policy needs a name.");
    }

    #[test]
    fn what_no_field_shows_is_said_all_the_same() {
        assert_eq!(problem().about_others(&["name", "tools"]), ["mask: Comes later."]);
    }

    #[test]
    fn answers_are_read_as_what_they_are() {
        assert_eq!(parse::<u8>("7"), Ok(7));
        assert_eq!(parse::<Option<u8>>(""), Ok(None));
        assert_eq!(parse::<u8>("<html>"), Err(Failure::Unreadable));
        assert_eq!(sort(502, "<html>bad gateway".into()), Err(Failure::Unreachable));
        let ended = serde_json::to_string(&Problem::new(Code::RequestEnded, "It ended.")).unwrap();
        assert_eq!(sort(409, ended).unwrap_err().code(), Some(Code::RequestEnded));
        assert_eq!(sort(401, String::new()).unwrap_err().code(), Some(Code::Unauthenticated));
    }

    #[test]
    fn the_apps_own_words_are_kept_and_of_a_deed_more_is_said() {
        let untrusted = || Failure::App("Its certificate is not trusted.".into());
        assert_eq!(untrusted().message(), "Its certificate is not trusted.");
        assert_eq!(untrusted().of_a_deed().message(), format!("Its certificate is not trusted. {MAYBE_DONE}"));
        assert_eq!(Failure::Unreachable.of_a_deed(), Failure::Unanswered);
        assert_eq!(Failure::Unreadable.of_a_deed(), Failure::Unreadable);
    }

    #[test]
    fn a_closed_prompt_is_not_an_error_of_the_machine() {
        assert_eq!(PasskeyFailure::from_exception("NotAllowedError", "x"), PasskeyFailure::Cancelled);
        assert_eq!(PasskeyFailure::from_exception("UnknownError", "x"), PasskeyFailure::Other("x".into()));
    }
}
