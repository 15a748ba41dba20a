//! What is sent but not shown: secrets in arguments, by the name of their key or by their own look.
//!
//! For display only. The bytes that are signed and sent never change.

use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// Which secrets are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redactions {
    hide: bool,
}

impl Default for Redactions {
    fn default() -> Self {
        Self::secrets()
    }
}

impl Redactions {
    /// Shows everything.
    #[must_use]
    pub const fn none() -> Self {
        Self { hide: false }
    }

    /// Hides every text and number under a key that names a secret (`password`, `api_key`, `authorization`...), and
    /// every part of a text that looks like a known kind of credential, key block or token.
    #[must_use]
    pub const fn secrets() -> Self {
        Self { hide: true }
    }

    /// Whether what stands under this key is a secret.
    pub(super) fn names_secret(self, key: &str) -> bool {
        self.hide && names_secret(key)
    }

    /// The parts of a text that look like secrets, in order, as byte ranges.
    pub(super) fn parts(self, text: &str) -> Vec<Range<usize>> {
        if !self.hide {
            return Vec::new();
        }
        let Some(secrets) = SECRETS.as_ref() else {
            // Rather show nothing than a secret.
            return std::iter::once(0..text.len()).collect();
        };
        secrets
            .captures_iter(text)
            .filter_map(|found| found.name("password").or_else(|| found.get(0)))
            .map(|part| part.range())
            .collect()
    }
}

/// Instead of what is hidden: "redacted, 48 characters".
pub(super) fn note(characters: usize) -> String {
    format!("redacted, {characters} {}", if characters == 1 { "character" } else { "characters" })
}

/// Names of secrets, without separators and in small letters, as a whole or at the end of a key.
const SECRET_NAMES: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "authorization",
    "credential",
    "credentials",
    "connectionstring",
];

/// Names that are secrets only when they are the whole key.
const WHOLE_NAMES: [&str; 6] = ["pwd", "auth", "cookie", "setcookie", "bearer", "otp"];

/// Tokens that are places in a list, not secrets.
const PLACES: [&str; 9] =
    ["page", "nextpage", "next", "previouspage", "prev", "sync", "continuation", "pagination", "cursor"];

fn names_secret(key: &str) -> bool {
    let name: String = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if let Some(kind) = name.strip_suffix("token") {
        return !PLACES.iter().any(|place| kind.ends_with(place));
    }
    WHOLE_NAMES.contains(&name.as_str()) || SECRET_NAMES.iter().any(|secret| name.ends_with(secret))
}

/// Every alternative takes only characters that such a secret is made of, so that nothing else can hide in one.
const SECRET_TEXTS: &str = r"(?x)
    \b(?: [sr]k_(?:live|test)_[A-Za-z0-9]{8,} | whsec_[A-Za-z0-9+/=]{16,}   # Stripe
        | sk-[A-Za-z0-9_-]{20,}                                             # model providers
        | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,} | glpat-[A-Za-z0-9_-]{20,}
        | (?:AKIA|ASIA)[A-Z0-9]{16}\b                                       # AWS
        | AIza[A-Za-z0-9_-]{35}                                             # Google
        | csk_[A-Za-z0-9_-]{20,}                                            # this desk's agent keys
        | xox[a-z]-[A-Za-z0-9-]{10,} | xapp-[A-Za-z0-9-]{10,}               # Slack
        | eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*        # JWT
        | (?i:bearer)\ [A-Za-z0-9._~+/-]{16,}=*
      )
    | -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY-----(?:\s*[A-Za-z0-9+/=]{16,})*(?:\s*[A-Za-z0-9+/=]*\s*-----END\ [A-Z\ ]*PRIVATE\ KEY-----)?
    | ://[^/\s:@]*:(?P<password>[^/\s@]+)@
";

/// None only if the pattern above were broken.
static SECRETS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(SECRET_TEXTS).ok());

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut shown = text.to_owned();
        for part in Redactions::secrets().parts(text).into_iter().rev() {
            shown.replace_range(part, "#");
        }
        shown
    }

    #[test]
    fn keys_that_name_secrets() {
        for key in [
            "password",
            "DB_PASSWORD",
            "apiKey",
            "api_key",
            "X-Api-Key",
            "Authorization",
            "client_secret",
            "token",
            "access_token",
            "slackBotToken",
            "privateKey",
            "credentials",
            "pwd",
        ] {
            assert!(Redactions::secrets().names_secret(key), "{key}");
            assert!(!Redactions::none().names_secret(key), "{key}");
        }
        for key in [
            "max_tokens",
            "next_page_token",
            "pageToken",
            "tokenizer",
            "secretary",
            "author",
            "key",
            "amount",
            "passenger",
            "",
        ] {
            assert!(!Redactions::secrets().names_secret(key), "{key}");
        }
    }

    #[test]
    fn texts_that_look_like_secrets() {
        // Built at run time: written out they would look like leaked ones.
        let long = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";
        for secret in [
            format!("sk_{}_{long}", "live"),
            format!("gh{}_{long}", 'p'),
            format!("AK{}{}", "IA", "ABCDEFGHIJ234567"),
            format!("csk_{long}abc"),
            format!("xox{}-1234567890-{long}", 'b'),
            format!("eyJ{long}.eyJ{long}.{long}-_"),
            format!("-----BEGIN {} KEY-----\n{long}\n{long}\nab==\n-----END {} KEY-----", "RSA PRIVATE", "RSA PRIVATE"),
        ] {
            assert_eq!(shown(&format!("use {secret}, please")), "use #, please", "{secret}");
        }
        assert_eq!(shown("postgres://app:hunter2@db.test/app"), "postgres://app:#@db.test/app");
        assert_eq!(
            shown("see https://acme.test:8080/x and mail a@b.test"),
            "see https://acme.test:8080/x and mail a@b.test"
        );
    }

    #[test]
    fn words_can_not_hide_in_a_key_block() {
        let text = format!("-----BEGIN {} KEY-----\nand then delete all of it", "PRIVATE");
        assert_eq!(shown(&text), "#\nand then delete all of it");
    }
}
