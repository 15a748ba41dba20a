//! The file's connectors, their credentials and tools.

use super::super::fields::{Fields, Keys, json};
use super::super::notes::{Holds, Notes, Variable};
use super::super::problem::{Marked, Place};
use super::super::tree::Node;
use super::check_name;
use crate::connectors::check_base_url;
use crate::desk::snapshot::schema_validator;
use countersign_domain::Effect;
use countersign_domain::connector::http_call::{METHODS, PathTemplate, check_path};
use countersign_domain::connector::{
    ConnectorKind, CredentialPlacement, QUALIFIED_NAME_LIMIT, fits_qualified, is_slug, is_tool_name,
};
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub(in super::super) struct ConnectorItem {
    pub(in super::super) slug: String,
    pub(in super::super) name: String,
    pub(in super::super) kind: ConnectorKind,
    pub(in super::super) kind_place: Place,
    pub(in super::super) base_url: Option<String>,
    pub(in super::super) command: Vec<String>,
    pub(in super::super) url: Option<String>,
    pub(in super::super) allow_private: bool,
    pub(in super::super) health_path: Option<String>,
    pub(in super::super) credential: Option<CredentialItem>,
    pub(in super::super) tools: Vec<Marked<ToolItem>>,
}

#[derive(Clone, Debug)]
pub(in super::super) struct CredentialItem {
    pub(in super::super) env: String,
    pub(in super::super) placement: CredentialPlacement,
    pub(in super::super) name: Option<String>,
}

#[derive(Clone, Debug)]
pub(in super::super) struct ToolItem {
    pub(in super::super) name: String,
    pub(in super::super) description: Option<String>,
    pub(in super::super) method: Option<String>,
    pub(in super::super) path: Option<String>,
    pub(in super::super) effect: Option<Effect>,
    pub(in super::super) input_schema: Value,
}

pub(super) fn connector(node: &Node, path: &str, notes: &Notes) -> Option<ConnectorItem> {
    const KEYS: Keys<'_> = Keys {
        now: &[
            "slug",
            "kind",
            "name",
            "base_url",
            "command",
            "url",
            "allow_private",
            "health_path",
            "credential",
            "tools",
        ],
        later: &[],
    };
    let fields = Fields::of(node, path, &KEYS, notes)?;
    let slug = fields.required("slug");
    if slug.as_deref().is_some_and(|slug| !is_slug(slug)) {
        fields.wrong("slug", "must have 1 to 32 small letters, digits or `-`");
    }
    let name = fields.text("name");
    check_name(&fields, "name", name.as_deref());
    // Of an unknown kind whatever does not depend on it is told all the same.
    let kind =
        fields.must("kind").and_then(|_| fields.word("kind", &["mcp", "http", "external"], ConnectorKind::from_word));
    if let Some(kind) = kind {
        check_settings(&fields, kind);
    }
    let place = match kind {
        Some(ConnectorKind::Mcp) if fields.node("url").is_none() => Some(CredentialPlace::Environment),
        Some(ConnectorKind::Mcp | ConnectorKind::Http) => Some(CredentialPlace::Request),
        Some(ConnectorKind::External) | None => None,
    };
    let credential =
        fields.node("credential").and_then(|node| credential(node, &format!("{path}.credential"), place, notes));
    fields.names("tools", "name", str::to_owned);
    let tools = fields.items("tools", |node, path| tool(node, path, (kind, slug.as_deref()), notes));
    let slug = slug?;
    Some(ConnectorItem {
        name: name.unwrap_or_else(|| slug.clone()),
        kind: kind?,
        kind_place: fields.place_of("kind"),
        base_url: fields.text("base_url"),
        command: fields.texts("command").unwrap_or_default(),
        url: fields.text("url"),
        allow_private: fields.truth("allow_private").unwrap_or(false),
        health_path: fields.text("health_path"),
        credential,
        tools,
        slug,
    })
}

/// The keys that belong to a kind must be there, the others not.
fn check_settings(fields: &Fields<'_>, kind: ConnectorKind) {
    let belongs: &[&str] = match kind {
        ConnectorKind::Http => &["base_url", "allow_private", "health_path", "credential"],
        ConnectorKind::Mcp if fields.node("url").is_some() => &["command", "url", "allow_private", "credential"],
        ConnectorKind::Mcp => &["command", "credential"],
        ConnectorKind::External => &[],
    };
    for key in ["base_url", "command", "url", "allow_private", "health_path", "credential"] {
        if fields.node(key).is_some() && !belongs.contains(&key) {
            fields.wrong(key, format!("does not go with kind {}", kind.word()));
        }
    }
    if kind == ConnectorKind::Mcp {
        check_way(fields);
    }
    if kind == ConnectorKind::Http
        && let Some(Err(why)) = fields.required("base_url").as_deref().map(check_base_url)
    {
        fields.wrong("base_url", why);
    }
    if let Some(Err(why)) = fields.text("health_path").as_deref().map(check_path) {
        fields.wrong("health_path", why);
    }
}

/// An MCP server is started or connected to.
fn check_way(fields: &Fields<'_>) {
    if fields.node("url").is_none() {
        if fields.texts("command").is_none_or(|command| command.is_empty()) {
            fields.wrong("command", "must name a program and its arguments, as a list; or name a `url`");
        }
        return;
    }
    if fields.node("command").is_some() {
        fields.wrong("url", "does not go with a command: a server is started or connected to");
    }
    if let Some(Err(why)) = fields.text("url").as_deref().map(check_base_url) {
        fields.wrong("url", why);
    }
}

/// Where a kind of connector puts its credential.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CredentialPlace {
    /// Into each request, as it says.
    Request,
    /// Into the environment of the program that is started, whatever it says.
    Environment,
}

fn credential(node: &Node, path: &str, place: Option<CredentialPlace>, notes: &Notes) -> Option<CredentialItem> {
    const KEYS: Keys<'_> = Keys { now: &["env", "as", "name"], later: &[] };
    let fields = Fields::of(node, path, &KEYS, notes)?;
    let env = fields.required("env");
    if let Some(name) = env.clone() {
        notes.variable(Variable { name, place: fields.place_of("env"), holds: Holds::Credential });
    }
    let words = ["bearer", "header", "query", "basic"];
    let placement = fields.must("as").and_then(|_| fields.word("as", &words, CredentialPlacement::from_word));
    let name = fields.text("name");
    let placement = placement?;
    if placement.needs_name() && fields.node("name").is_none() && place == Some(CredentialPlace::Request) {
        fields.wrong("name", format!("is missing: {} needs one", placement.word()));
    }
    let env = env?;
    let name = if place == Some(CredentialPlace::Environment) { name.or_else(|| Some(env.clone())) } else { name };
    Some(CredentialItem { env, placement, name })
}

fn tool(
    node: &Node,
    path: &str,
    (kind, slug): (Option<ConnectorKind>, Option<&str>),
    notes: &Notes,
) -> Option<ToolItem> {
    const KEYS: Keys<'_> =
        Keys { now: &["name", "description", "method", "path", "effect", "input_schema"], later: &[] };
    let fields = Fields::of(node, path, &KEYS, notes)?;
    let name = fields.required("name");
    if name.as_deref().is_some_and(|name| !is_tool_name(name)) {
        fields.wrong("name", "must have 1 to 128 letters, digits, `_`, `-`, `.` or `/`");
    } else if name.as_deref().zip(slug).is_some_and(|(name, slug)| !fits_qualified(slug, name)) {
        let most =
            format!("is too long: with the connector's slug and `_` it may have {QUALIFIED_NAME_LIMIT} characters");
        fields.wrong("name", most);
    }
    let effect = fields.word("effect", &["read", "write", "destructive"], Effect::from_word);
    let (method, template) = kind.map_or((None, None), |kind| route(&fields, kind));
    if kind == Some(ConnectorKind::Mcp) && fields.node("input_schema").is_some() {
        fields.wrong("input_schema", "comes from the MCP server; leave it out");
    }
    let input_schema = fields.node("input_schema").map_or_else(|| json!({"type": "object"}), json);
    if let Err(why) = schema_validator(&input_schema) {
        fields.wrong("input_schema", format!("is no JSON Schema: {why}"));
    }
    let description = fields.text("description");
    Some(ToolItem { name: name?, description, method, path: template, effect, input_schema })
}

fn route(fields: &Fields<'_>, kind: ConnectorKind) -> (Option<String>, Option<String>) {
    if kind != ConnectorKind::Http {
        for key in ["method", "path"] {
            if fields.node(key).is_some() {
                fields.wrong(key, format!("does not go with kind {}", kind.word()));
            }
        }
        return (None, None);
    }
    let (method, path) = (fields.required("method"), fields.required("path"));
    if method.as_deref().is_some_and(|method| !METHODS.contains(&method)) {
        fields.wrong("method", format!("must be one of {}", METHODS.join(", ")));
    }
    if let Some(Err(error)) = path.as_deref().map(PathTemplate::read) {
        fields.wrong("path", error.to_string());
    }
    (method, path)
}
