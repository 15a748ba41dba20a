//! What a condition sees of a call, as CEL values; built at most once per call, and only if a condition asks.
//!
//! Texts are borrowed from the call, not copied. Loops pay from a budget, so that no arguments make a condition run
//! for long.

use super::evaluate::Call;
use super::pattern;
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelTimestamp};
use cel::common::value::Val;
use cel::{Context, Env, ExecutionError};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

/// The function that every turn of a loop calls first; `@` can't be written in CEL, so no condition reaches it.
pub(super) const TURN: &str = "@turn";
/// The longest list, or object, that a condition may read arguments with.
pub(super) const MAX_LIST: usize = 10_000;
/// What one condition may spend on one call. A turn costs 1; one that reads the arguments, or the element of an outer
/// loop, costs 1 more for each KiB of them, since it may walk through all. At most about 0.1 s.
const BUDGET: u64 = 250_000;
/// What all conditions together may spend on one call.
const WHOLE_BUDGET: u64 = 4 * BUDGET;
/// What a JSON value costs beside its text, in bytes.
const NODE_BYTES: u64 = 32;

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    pattern::declare(&mut env);
    Arc::new(env)
});

type Boxed<'a> = Box<dyn Val + 'a>;

/// One call, ready for conditions.
pub(super) struct Scene<'a> {
    pub(super) context: Context<'a, 'a>,
    pub(super) budget: Arc<Budget>,
    /// A list or an object in the arguments is longer than [`MAX_LIST`].
    pub(super) too_long: bool,
}

impl<'a> Scene<'a> {
    pub(super) fn of(call: &Call<'a>) -> Self {
        let mut measure = Measure::default();
        let arguments = measure.value(call.arguments);
        let budget = Arc::new(Budget::new(measure.bytes));
        let mut context = Context::with_env(Arc::clone(&ENV));
        let spent = Arc::clone(&budget);
        // Refused only if an overload of that name were declared, and none is.
        let _ = context.add_function(TURN, move |heavy: bool| spent.turn(heavy));
        context.add_variable_as_val(
            "call",
            object([
                ("arguments", arguments),
                ("connector", text(call.connector)),
                ("tool", text(call.tool)),
                ("effect", text(call.effect.word())),
            ]),
        );
        context.add_variable_as_val("agent", object([("name", text(call.agent))]));
        let groups = CelList::from(call.user_groups.iter().map(|group| text(group)).collect::<Vec<_>>());
        context.add_variable_as_val("user", object([("email", text(call.user_email)), ("groups", Box::new(groups))]));
        context.add_variable_as_val("ip", call.ip.map_or_else(null, |ip| text(ip)));
        let now = chrono::DateTime::from_timestamp_millis(call.now.millis());
        context.add_variable_as_val(
            "now",
            now.map_or_else(null, |now| Box::new(CelTimestamp::from(now.fixed_offset())) as Boxed<'_>),
        );
        Self { context, budget, too_long: measure.longest > MAX_LIST }
    }
}

fn text(text: &str) -> Boxed<'_> {
    Box::new(CelString::from(text))
}

fn null<'a>() -> Boxed<'a> {
    Box::new(CelNull)
}

fn object<'a, const N: usize>(entries: [(&'a str, Boxed<'a>); N]) -> Boxed<'a> {
    Box::new(CelMap::from(
        entries.into_iter().map(|(key, value)| (CelMapKey::from(key), value)).collect::<HashMap<_, _>>(),
    ))
}

/// Turns JSON into CEL and takes its measure on the way.
#[derive(Default)]
struct Measure {
    bytes: u64,
    longest: usize,
}

impl Measure {
    /// Whole numbers become `int`, others `double`, so that `amount + 1` and `amount > 20.5` both work.
    fn value<'a>(&mut self, value: &'a Value) -> Boxed<'a> {
        self.bytes += NODE_BYTES;
        match value {
            Value::Null => null(),
            Value::Bool(value) => Box::new(CelBool::from(*value)),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Box::new(CelInt::from(whole)),
                (None, Some(double)) => Box::new(CelDouble::from(double)),
                (None, None) => null(),
            },
            Value::String(string) => {
                self.bytes += string.len() as u64;
                text(string)
            }
            Value::Array(items) => {
                self.longest = self.longest.max(items.len());
                Box::new(CelList::from(items.iter().map(|item| self.value(item)).collect::<Vec<_>>()))
            }
            Value::Object(entries) => {
                self.longest = self.longest.max(entries.len());
                let entries = entries.iter().map(|(key, value)| {
                    self.bytes += key.len() as u64;
                    (CelMapKey::from(key.as_str()), self.value(value))
                });
                Box::new(CelMap::from(entries.collect::<HashMap<_, _>>()))
            }
        }
    }
}

/// What is left for the condition that is being evaluated. One thread uses it; atomics only because `cel` wants `Sync`.
pub(super) struct Budget {
    left: AtomicU64,
    /// For the conditions that follow.
    rest: AtomicU64,
    spent: AtomicBool,
    heavy_turn: u64,
}

impl Budget {
    const fn new(argument_bytes: u64) -> Self {
        Self {
            left: AtomicU64::new(0),
            rest: AtomicU64::new(WHOLE_BUDGET),
            spent: AtomicBool::new(false),
            heavy_turn: 1 + argument_bytes / 1024,
        }
    }

    /// Gives the next condition its share, out of what those before left.
    pub(super) fn refill(&self) {
        let rest = self.rest.load(Ordering::Relaxed) + self.left.load(Ordering::Relaxed);
        let share = rest.min(BUDGET);
        self.rest.store(rest - share, Ordering::Relaxed);
        self.left.store(share, Ordering::Relaxed);
        self.spent.store(false, Ordering::Relaxed);
    }

    /// Whether a loop was cut short: whatever the expression then gave is no answer.
    pub(super) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Relaxed)
    }

    fn turn(&self, heavy: bool) -> Result<bool, ExecutionError> {
        let cost = if heavy { self.heavy_turn } else { 1 };
        let left = self.left.load(Ordering::Relaxed);
        if left < cost || self.is_spent() {
            self.spent.store(true, Ordering::Relaxed);
            return Err(ExecutionError::function_error(TURN, "too much work"));
        }
        self.left.store(left - cost, Ordering::Relaxed);
        Ok(true)
    }
}
