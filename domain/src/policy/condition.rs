//! A policy's `when`: a CEL expression, compiled once and evaluated for every call in its policy's scope.
//!
//! The `cel` crate sets no limits of its own and its parser has panicked on hostile text, so a text is capped,
//! parsed on a thread of its own, and vetted before it is kept.

use super::MAX_CONDITION_BYTES;
use super::scene::Scene;
use super::vetting::{Vetted, vet};
use cel::common::types::CelBool;
use cel::{ExecutionError, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

/// How deep brackets may nest in the text. The parser stops at its own depth, but needs about 200 KiB of stack a level.
const MAX_BRACKETS: usize = 32;
/// The parser's stack; address space, of which it touches what it needs.
const PARSER_STACK: usize = 64 * 1024 * 1024;

/// Why a text is not taken as a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// Over the cap.
    #[error("A condition has at most {MAX_CONDITION_BYTES} bytes; this one has {0}.")]
    TooLong(usize),
    /// Brackets in brackets in brackets.
    #[error("Brackets nest more than {MAX_BRACKETS} deep.")]
    TooDeep,
    /// No CEL. Line and column count from 1.
    #[error("Line {line}, column {column}: {message}")]
    Syntax {
        /// Of the first error.
        line: usize,
        /// Of the first error, in characters.
        column: usize,
        /// What the parser says of it.
        message: String,
    },
    /// CEL, but none that can be evaluated here; every reason, as sentences.
    #[error("{}", .0.join(" "))]
    Refused(Vec<String>),
    /// The parser fell over it.
    #[error("The expression can't be read.")]
    Unreadable,
}

/// A condition that is ready to be evaluated. Cheap to clone.
#[derive(Clone)]
pub struct Condition(Arc<Vetted>);

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Condition(compiled)")
    }
}

impl Condition {
    /// Compiles a text; takes some milliseconds and a thread.
    ///
    /// # Errors
    /// When the text is too long, no CEL, or CEL that names what there isn't or nests too deep.
    pub fn compile(text: &str) -> Result<Self, ConditionError> {
        if text.len() > MAX_CONDITION_BYTES {
            return Err(ConditionError::TooLong(text.len()));
        }
        if nests_too_deep(text) {
            return Err(ConditionError::TooDeep);
        }
        let text = text.to_owned();
        // What is refused is dropped on that thread too: dropping a deep expression recurses.
        thread::Builder::new()
            .name("condition".to_owned())
            .stack_size(PARSER_STACK)
            .spawn(move || parse(&text))
            .ok()
            .and_then(|parser| parser.join().ok())
            .unwrap_or(Err(ConditionError::Unreadable))
            .map(|vetted| Self(Arc::new(vetted)))
    }

    /// Whether it is true of the call.
    ///
    /// # Errors
    /// A reason without argument values, when there is no answer: the expression fails, gives no bool, panics, or
    /// would take too long on these arguments.
    pub(super) fn holds(&self, scene: &Scene<'_>) -> Result<bool, String> {
        if self.0.reads_arguments && scene.too_long {
            return Err(format!("a list in the arguments has more than {} items", super::scene::MAX_LIST));
        }
        scene.budget.refill();
        let answer = catch_unwind(AssertUnwindSafe(|| {
            Value::resolve_val(&self.0.expression, &scene.context)
                .map(|value| value.downcast_ref::<CelBool>().map(|bool| *bool.inner()))
        }));
        if scene.budget.is_spent() {
            return Err("it would take too long on these arguments".to_owned());
        }
        match answer {
            Ok(Ok(Some(holds))) => Ok(holds),
            Ok(Ok(None)) => Err("it gives something else than true or false".to_owned()),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_) => Err("its evaluation panicked".to_owned()),
        }
    }
}

/// Counts brackets wherever they stand, in texts too: nobody needs that many even there.
fn nests_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_BRACKETS
    })
}

fn parse(text: &str) -> Result<Vetted, ConditionError> {
    let expression = cel::parser::Parser::new().parse(text).map_err(|errors| syntax(&errors))?;
    vet(expression).map_err(ConditionError::Refused)
}

fn syntax(errors: &cel::ParseErrors) -> ConditionError {
    let Some(first) = errors.errors.first() else {
        return ConditionError::Unreadable;
    };
    let (line, column) = first.pos;
    let message = first.msg.lines().next().unwrap_or_default().trim_start_matches("Syntax error: ");
    ConditionError::Syntax {
        line: usize::try_from(line).unwrap_or(1).max(1),
        column: usize::try_from(column).unwrap_or(1).max(1),
        message: message.chars().take(200).collect(),
    }
}

/// An evaluation's error in words that hold names and types but no values: they go into the audit log.
fn reason(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no `{key}`"),
        ExecutionError::NoSuchOverload(_)
        | ExecutionError::UndeclaredReference(_)
        | ExecutionError::InvalidArgumentCount { .. } => error.to_string(),
        ExecutionError::UnexpectedType { .. } | ExecutionError::UnsupportedTargetType { .. } => {
            "a value is of the wrong type".to_owned()
        }
        ExecutionError::ValuesNotComparable(..) | ExecutionError::UnsupportedBinaryOperator(..) => {
            "two values can't be taken together".to_owned()
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "it divides by zero".to_owned(),
        ExecutionError::Overflow(..) => "a number grows too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) | ExecutionError::UnsupportedIndex(..) => {
            "a list has no such item".to_owned()
        }
        ExecutionError::FunctionError { function, .. } => format!("`{function}` failed"),
        _ => "its evaluation failed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusals(text: &str) -> String {
        Condition::compile(text).unwrap_err().to_string()
    }

    #[test]
    fn the_cap_is_four_kib() {
        let fits = format!("call.tool == '{}'", "x".repeat(4_000));
        assert!(Condition::compile(&fits).is_ok());
        assert_eq!(Condition::compile(&"x".repeat(4_097)).unwrap_err(), ConditionError::TooLong(4_097));
    }

    #[test]
    fn a_slip_is_told_with_line_and_column() {
        let error = Condition::compile("call.tool ==\n  == 'x'").unwrap_err();
        assert!(matches!(error, ConditionError::Syntax { line: 2, column: 3, .. }), "{error:?}");
    }

    #[test]
    fn what_there_is_not_is_told_when_saved() {
        assert!(refusals("user.name == 'x'").contains("`user` has no field `name`"));
        assert!(refusals("request.tool == 'x'").contains("There is no `request`"));
        assert!(refusals("now.foo").contains("`now` has no field `foo`"));
        assert!(refusals("call.tool.lower() == 'x'").contains("no function `lower`"));
        assert!(refusals("optional.of(1).hasValue()").contains("no function `hasValue`"));
        assert!(refusals("Foo{a: 1} == 1").contains("no type `Foo`"));
        assert!(refusals("[1].all(x, x == 1) && x == 1").contains("There is no `x`"));
        assert!(refusals("[1].all(call, call == 1)").contains("can't be called `call`"));
        assert!(refusals("a && b").contains("`a`") && refusals("a && b").contains("`b`"));
    }

    #[test]
    fn loops_nest_two_deep_and_no_deeper() {
        assert!(Condition::compile("[1].all(x, [1].all(y, x == y))").is_ok());
        assert!(Condition::compile("[1].filter(x, true).map(x, x).all(x, x == 1)").is_ok());
        assert!(refusals("[1].all(x, [1].all(y, [1].all(z, true)))").contains("Loops nest more than 2 deep"));
        assert!(refusals("[1].all(x, [1].all(x, true))").contains("both call their variable `x`"));
    }

    #[test]
    fn a_pattern_is_written_out_and_tried_when_saved() {
        assert!(refusals("call.tool.matches('(foo')").contains("unclosed group"));
        assert!(refusals(r"call.tool.matches('\\w{5000}')").contains("it is too large"));
        assert!(refusals("call.tool.matches(call.arguments.p)").contains("must be written out"));
    }

    #[test]
    fn sums_and_depth_are_bounded() {
        let sum = format!("1{} > 0", "+1".repeat(12));
        assert!(Condition::compile(&[sum.as_str(); 2].join(" && ")).is_ok());
        assert!(refusals(&[sum.as_str(); 3].join(" && ")).contains("adds more than 32 times"));
        assert!(refusals(&format!("1{} > 0", "-1".repeat(80))).contains("nests more than 24 deep"));
        assert!(Condition::compile(&format!("false{}", " || call.tool == 'x'".repeat(150))).is_ok());
    }

    #[test]
    fn hostile_texts_end_in_an_error_not_in_a_crash() {
        let nested =
            ["(", "[", "{", "!", "-", "a.all(x,", "f(", "a[", "a?", "a?a:", "([{a?", "'", "\"", "\\", "\0", "😀", "."];
        for part in nested {
            for count in [31, 400, 4_000] {
                let text: String = part.repeat(count).chars().take(1_000.max(4_000 / part.len())).collect();
                assert!(Condition::compile(&text).is_err(), "{part}");
            }
        }
        assert_eq!(Condition::compile(&"(".repeat(4_000)).unwrap_err(), ConditionError::TooDeep);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_soup_of_tokens_gives_an_answer(tokens in prop::collection::vec(
            prop::sample::select(vec!["(", ")", "[", "]", "{", "}", "a", ".", "?", ":", ",", "!", "-", "+", "&&", "||", "==",
                "in ", "1", "0x", "1u", "'", "r'", "\"\"\"", "\\", "all(", "x,", "has(", "call", "\n", "//", "é", "null "]), 0..400)) {
            let _ = Condition::compile(&tokens.concat());
        }
    }
}
