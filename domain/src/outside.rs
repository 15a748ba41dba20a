//! Links for people outside: who has no account decides by one, with the code of the message that brought it.

use crate::Timestamp;
use std::time::Duration;

/// How long a link is good.
pub const LINK_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How many wrong codes lock a link.
pub const WRONG_CODES: u32 = 5;

/// How many digits a code has.
pub const CODE_DIGITS: usize = 6;

/// What can be done with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStanding {
    /// It decides, with its code.
    Good {
        /// How many wrong codes it still takes, the one that locks it included.
        tries: u32,
    },
    /// It decided.
    Used,
    /// Too many wrong codes.
    Locked,
    /// Its time is over.
    Over,
}

impl LinkStanding {
    /// Where a link stands at a moment.
    #[must_use]
    pub fn of(used: bool, wrong_codes: u32, expires_at: Timestamp, now: Timestamp) -> Self {
        let tries = WRONG_CODES.saturating_sub(wrong_codes);
        match (used, tries) {
            (true, _) => Self::Used,
            (false, 0) => Self::Locked,
            (false, _) if now >= expires_at => Self::Over,
            (false, tries) => Self::Good { tries },
        }
    }
}

/// Whether a text could be a code at all: who mistypes its length has not tried one.
#[must_use]
pub fn is_code(text: &str) -> bool {
    text.len() == CODE_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What somebody typed or pasted, without the spaces that make a code easier to read.
#[must_use]
pub fn bare_code(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_link_is_good_until_it_is_used_locked_or_over(used: bool, wrong in 0u32..9, expires in 0i64..9, now in 0i64..9) {
            let at = Timestamp::from_millis;
            let standing = LinkStanding::of(used, wrong, at(expires), at(now));
            let good = !used && wrong < WRONG_CODES && now < expires;
            prop_assert_eq!(matches!(standing, LinkStanding::Good { .. }), good);
            if let LinkStanding::Good { tries } = standing {
                prop_assert_eq!(tries + wrong, WRONG_CODES);
            }
        }

        #[test]
        fn a_code_is_read_however_it_is_spaced(code in "[0-9]{6}", at in 0usize..6) {
            let spaced = format!(" {}-{} ", &code[..at], &code[at..]);
            prop_assert_eq!(&bare_code(&spaced), &code);
            prop_assert!(is_code(&code) && !is_code(&spaced) && !is_code(&code[1..]));
        }
    }
}
