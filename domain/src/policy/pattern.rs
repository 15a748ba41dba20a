//! `matches` for conditions: regular expressions that are compiled once, and bounded in size.
//!
//! The `cel` crate's own would compile the pattern at every call.

use cel::Env;
use cel::ExecutionError;
use cel::common::types::{CelBool, CelString, STRING_TYPE};
use cel::common::value::CowVal;
use regex::{Regex, RegexBuilder};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// The largest compiled pattern, in bytes.
const MAX_COMPILED_BYTES: usize = 256 * 1024;
/// How many compiled patterns are kept. Only patterns written out in a condition get here, so a desk has to have that
/// many conditions before one is compiled twice.
const MAX_KEPT: usize = 512;

/// Shared, not cloned: a clone of a `Regex` would start with cold search caches, 4 us at each use.
static KEPT: LazyLock<RwLock<HashMap<String, Arc<Regex>>>> = LazyLock::new(RwLock::default);

/// The compiled pattern, from the cache where it is known.
///
/// # Errors
/// When it is no regular expression, or a huge one; the text says which, on one line.
pub(super) fn compiled(pattern: &str) -> Result<Arc<Regex>, String> {
    if let Some(regex) = KEPT.read().unwrap_or_else(PoisonError::into_inner).get(pattern) {
        return Ok(Arc::clone(regex));
    }
    let regex = RegexBuilder::new(pattern).size_limit(MAX_COMPILED_BYTES).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        other => other.to_string().lines().last().unwrap_or("it is not valid").trim_start_matches("error: ").to_owned(),
    })?;
    let regex = Arc::new(regex);
    let mut kept = KEPT.write().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= MAX_KEPT {
        kept.clear();
    }
    kept.insert(pattern.to_owned(), Arc::clone(&regex));
    Ok(regex)
}

/// Declares `matches(text, pattern)` and `text.matches(pattern)`. Were the crate's own ever compiled in, it would
/// stay: correct, only slower.
pub(super) fn declare(env: &mut Env) {
    let _ = env.add_overload("matches", "matches_kept", vec![STRING_TYPE, STRING_TYPE], matches);
    let _ = env.add_member_overload("matches", "string_matches_kept", STRING_TYPE, vec![STRING_TYPE], matches);
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of an overload")]
fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let texts: Vec<&CelString<'_>> =
        arguments.iter().filter_map(|value| value.downcast_ref::<CelString<'_>>()).collect();
    let [text, pattern] = texts[..] else {
        return Err(ExecutionError::function_error("matches", "takes a text and a pattern"));
    };
    let regex = compiled(pattern.inner()).map_err(|why| ExecutionError::function_error("matches", why))?;
    Ok(CowVal::owned(CelBool::from(regex.is_match(text.inner()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_or_huge_pattern_is_an_error_of_one_line() {
        assert!(compiled("(foo").unwrap_err().contains("unclosed group"));
        assert_eq!(compiled(r"\w{5000}").unwrap_err(), "it is too large");
        assert!(compiled("^ch_[A-Za-z0-9]+$").unwrap().is_match("ch_3PqL8812b"));
    }
}
