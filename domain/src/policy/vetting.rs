//! Reads a parsed condition before it is ever evaluated: refuses what can't work or can't be bounded, and makes every
//! loop pay for its turns.

use super::pattern;
use super::scene::TURN;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use std::collections::BTreeSet;

/// How deep an expression may nest; evaluation recurses and takes about 40 KiB of stack a level in a debug build.
const MAX_DEPTH: usize = 24;
/// How deep loops may nest.
const MAX_LOOPS: usize = 2;
/// How many `+` there may be: each may copy a text or list of the arguments' size.
const MAX_ADDITIONS: usize = 32;

/// The variables, each with its fields; none listed means that it has none.
const VARIABLES: [(&str, &[&str]); 5] = [
    ("call", &["arguments", "connector", "tool", "effect"]),
    ("agent", &["name"]),
    ("user", &["email", "groups"]),
    ("now", &[]),
    ("ip", &[]),
];

/// Names of types, for `type(x) == string`.
const TYPES: [&str; 10] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// The functions of the CEL standard library (cel-spec, "List of Standard Definitions") that `cel` 0.15 has.
const FUNCTIONS: [&str; 27] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "timestamp",
    "type",
    "uint",
    operators::NOT_STRICTLY_FALSE,
    operators::IN,
];

const OPERATORS: [&str; 16] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
];

/// A condition that may be evaluated.
pub(super) struct Vetted {
    pub(super) expression: IdedExpr,
    /// It reads `call.arguments`, so their size matters to it.
    pub(super) reads_arguments: bool,
}

/// Vets a parsed expression.
///
/// # Errors
/// Every reason against it, as sentences.
pub(super) fn vet(mut expression: IdedExpr) -> Result<Vetted, Vec<String>> {
    let mut vetting = Vetting::default();
    let seen = vetting.visit(&mut expression);
    if vetting.refusals.is_empty() {
        Ok(Vetted { expression, reads_arguments: seen.arguments })
    } else {
        Err(vetting.refusals)
    }
}

#[derive(Default)]
struct Vetting {
    depth: usize,
    additions: usize,
    /// The loops around the current place, by their variable.
    loops: Vec<String>,
    refusals: Vec<String>,
}

/// What a part of the expression reads.
#[derive(Default)]
struct Seen {
    arguments: bool,
    loop_variables: BTreeSet<String>,
}

impl Seen {
    fn and(mut self, other: Self) -> Self {
        self.arguments |= other.arguments;
        self.loop_variables.extend(other.loop_variables);
        self
    }
}

impl Vetting {
    fn refuse(&mut self, why: String) {
        if !self.refusals.contains(&why) {
            self.refusals.push(why);
        }
    }

    fn visit(&mut self, node: &mut IdedExpr) -> Seen {
        if self.depth >= MAX_DEPTH {
            self.refuse(format!("The expression nests more than {MAX_DEPTH} deep."));
            return Seen::default();
        }
        self.depth += 1;
        let seen = match &mut node.expr {
            Expr::Literal(_) => Seen::default(),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.all(list.elements.iter_mut()),
            Expr::Map(map) => {
                map.entries.iter_mut().fold(Seen::default(), |seen, entry| seen.and(self.entry(&mut entry.expr)))
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Struct(message) => {
                self.refuse(format!("There is no type `{}` to make a value of.", message.type_name));
                Seen::default()
            }
            Expr::Unspecified => {
                self.refuse("The expression is not complete.".to_owned());
                Seen::default()
            }
        };
        self.depth -= 1;
        seen
    }

    fn all<'e>(&mut self, nodes: impl Iterator<Item = &'e mut IdedExpr>) -> Seen {
        nodes.fold(Seen::default(), |seen, node| seen.and(self.visit(node)))
    }

    fn entry(&mut self, entry: &mut EntryExpr) -> Seen {
        match entry {
            EntryExpr::MapEntry(entry) => self.visit(&mut entry.key).and(self.visit(&mut entry.value)),
            EntryExpr::StructField(field) => self.visit(&mut field.value),
        }
    }

    fn name(&mut self, name: &str) -> Seen {
        let mut seen = Seen::default();
        if name.starts_with('@') {
            return seen;
        }
        let plain = name.trim_start_matches('.');
        if plain == name && self.loops.iter().any(|variable| variable == name) {
            seen.loop_variables.insert(name.to_owned());
        } else if VARIABLES.iter().any(|(variable, _)| *variable == plain) {
            seen.arguments = plain == "call";
        } else if !TYPES.contains(&plain) {
            self.refuse(format!("There is no `{plain}`; a condition reads `call`, `agent`, `user`, `now` and `ip`."));
        }
        seen
    }

    fn select(&mut self, select: &mut SelectExpr) -> Seen {
        let root = match &select.operand.expr {
            Expr::Ident(name) if !self.loops.contains(name) => name.trim_start_matches('.').to_owned(),
            _ => return self.visit(&mut select.operand),
        };
        let Some((_, fields)) = VARIABLES.iter().find(|(variable, _)| *variable == root) else {
            return self.visit(&mut select.operand);
        };
        if !fields.contains(&select.field.as_str()) {
            self.refuse(format!("`{root}` has no field `{}`.", select.field));
        }
        Seen { arguments: root == "call" && select.field == "arguments", ..Seen::default() }
    }

    fn call(&mut self, call: &mut CallExpr) -> Seen {
        let name = call.func_name.trim_start_matches('.');
        let known = FUNCTIONS.contains(&name) || OPERATORS.contains(&name) || name == operators::INDEX;
        if !known {
            self.refuse(format!("There is no function `{name}`."));
        }
        if name == operators::ADD
            && !matches!(call.args.first().map(|first| &first.expr), Some(Expr::Ident(name)) if name.starts_with('@'))
        {
            self.additions += 1;
            if self.additions > MAX_ADDITIONS {
                self.refuse(format!("The expression adds more than {MAX_ADDITIONS} times."));
            }
        }
        if name == "matches" {
            self.pattern(call.args.last());
        }
        let target = call.target.as_deref_mut().map(|target| self.visit(target)).unwrap_or_default();
        target.and(self.all(call.args.iter_mut()))
    }

    /// A pattern must be written out: so a wrong one is told now, and no agent can send one.
    fn pattern(&mut self, pattern: Option<&IdedExpr>) {
        let Some(Expr::Literal(LiteralValue::String(pattern))) = pattern.map(|pattern| &pattern.expr) else {
            return self.refuse("The pattern of `matches` must be written out as a text.".to_owned());
        };
        if let Err(why) = pattern::compiled(pattern.inner()) {
            self.refuse(format!("The pattern {:?} of `matches` can't be used: {why}.", pattern.inner()));
        }
    }

    fn comprehension(&mut self, comprehension: &mut ComprehensionExpr) -> Seen {
        let variable = comprehension.iter_var.clone();
        let outside = self.visit(&mut comprehension.iter_range).and(self.visit(&mut comprehension.accu_init));
        if VARIABLES.iter().any(|(taken, _)| *taken == variable) || TYPES.contains(&variable.as_str()) {
            self.refuse(format!("A loop's variable can't be called `{variable}`, that name is taken."));
        } else if self.loops.contains(&variable) {
            self.refuse(format!("Two loops, one in the other, can't both call their variable `{variable}`."));
        }
        if self.loops.len() >= MAX_LOOPS {
            self.refuse(format!("Loops nest more than {MAX_LOOPS} deep."));
            return outside;
        }
        self.loops.push(variable.clone());
        let mut inside = self.visit(&mut comprehension.loop_step);
        self.loops.pop();
        inside.loop_variables.remove(&variable);
        charge(comprehension, inside.arguments || !inside.loop_variables.is_empty());
        outside.and(inside)
    }
}

/// Puts `@turn(heavy)` before every turn of a loop.
///
/// `map` and `filter` are charged inside of their step, as a guard: `cel` builds their list in place only while it
/// recognises `guard ? result + [item] : result` under a literal condition, else it copies the list at every turn. The
/// others are charged in their condition, whose errors end the loop at once.
fn charge(comprehension: &mut ComprehensionExpr, heavy: bool) {
    let accumulator = Expr::Ident(comprehension.accu_var.clone());
    let turn = call(TURN, vec![literal(heavy)]);
    let appends = |step: &IdedExpr| {
        matches!(&step.expr, Expr::Call(add)
        if add.func_name == operators::ADD && matches!(add.args.as_slice(), [_, item] if matches!(item.expr, Expr::List(_))))
    };
    let step = std::mem::take(&mut comprehension.loop_step);
    comprehension.loop_step = match step.expr {
        _ if appends(&step) => conditional(turn, step, IdedExpr { id: 0, expr: accumulator }),
        Expr::Call(mut guarded)
            if guarded.func_name == operators::CONDITIONAL && guarded.args.get(1).is_some_and(appends) =>
        {
            let guard = std::mem::take(&mut guarded.args[0]);
            guarded.args[0] = conditional(turn, guard, literal(false));
            IdedExpr { id: step.id, expr: Expr::Call(guarded) }
        }
        expr => {
            let condition = std::mem::take(&mut comprehension.loop_cond);
            comprehension.loop_cond = conditional(turn, condition, literal(false));
            IdedExpr { id: step.id, expr }
        }
    };
}

fn call(function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr { id: 0, expr: Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args }) }
}

fn conditional(condition: IdedExpr, yes: IdedExpr, no: IdedExpr) -> IdedExpr {
    call(operators::CONDITIONAL, vec![condition, yes, no])
}

fn literal(value: bool) -> IdedExpr {
    IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::Boolean(value.into())) }
}
