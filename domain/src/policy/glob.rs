//! Patterns on tool names: `*` is any run of characters, `?` is any one, everything else is itself.

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) enum Glob {
    /// Without wildcards: compared as it stands.
    Exact(String),
    /// With wildcards.
    Pattern(Vec<char>),
}

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        if pattern.contains(['*', '?']) {
            Self::Pattern(pattern.chars().collect())
        } else {
            Self::Exact(pattern.to_owned())
        }
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Pattern(pattern) => wildcards_match(pattern, name),
        }
    }
}

/// Walks both at once and, on a mismatch, lets the last `*` take one character more: no recursion, at most
/// length times length steps.
fn wildcards_match(pattern: &[char], name: &str) -> bool {
    let mut at = 0;
    let mut rest = name.chars();
    let mut star = None;
    loop {
        let before = rest.clone();
        let Some(next) = rest.next() else {
            return pattern[at..].iter().all(|&wanted| wanted == '*');
        };
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, before.clone()));
                rest = before;
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == next => at += 1,
            _ => {
                let Some((star_at, mut taken)) = star else {
                    return false;
                };
                taken.next();
                rest = taken.clone();
                at = star_at + 1;
                star = Some((star_at, taken));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::new(pattern).matches(name)
    }

    #[test]
    fn stars_and_question_marks() {
        assert!(matches("refunds_create", "refunds_create"));
        assert!(!matches("refunds_create", "refunds_created"));
        assert!(matches("*_list", "events_list"));
        assert!(matches("*", ""));
        assert!(matches("a*b*c", "axxbxbxc"));
        assert!(!matches("a*b*c", "axxcxb"));
        assert!(matches("read_?", "read_ä"));
        assert!(!matches("read_?", "read_"));
        assert!(!matches("Read*", "read_file"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
    }

    fn naive(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|taken| naive(rest, &name[taken..])),
            Some((wanted, rest)) => {
                name.split_first().is_some_and(|(next, tail)| (*wanted == '?' || wanted == next) && naive(rest, tail))
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_reading(pattern in "[ab*?é]{0,8}", name in "[abé]{0,10}") {
            let (p, n): (Vec<_>, Vec<_>) = (pattern.chars().collect(), name.chars().collect());
            prop_assert_eq!(matches(&pattern, &name), naive(&p, &n));
        }
    }
}
