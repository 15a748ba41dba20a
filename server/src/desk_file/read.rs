//! What a desk file may say, and reading it.

use super::fields::{Fields, json};
use super::problem::{FileProblem, Marked, Place, Problems};
use super::tree::{self, Node};
use crate::auth::agent_jwt::AgentPublicKey;
use crate::connectors::check_base_url;
use crate::desk::snapshot::schema_validator;
use countersign_domain::Effect;
use countersign_domain::agent::{MayActFor, is_agent_name};
use countersign_domain::connector::http_call::{METHODS, PathTemplate, check_path};
use countersign_domain::connector::{ConnectorKind, CredentialPlacement, is_slug, is_tool_name};
use countersign_domain::flow::FlowBody;
use countersign_domain::ids::PolicyId;
use countersign_domain::policy::{Action, CompiledPolicy, Policy, PolicyBody, Scope};
use countersign_domain::user::{Role, is_email, normal_email};
use serde_json::{Value, json};
use std::collections::HashSet;

/// A desk file, read and checked as far as it can be without the desk that it is for.
#[derive(Debug, Default)]
pub struct DeskFile {
    pub(super) users: Vec<Marked<UserItem>>,
    pub(super) agents: Vec<Marked<AgentItem>>,
    pub(super) connectors: Vec<Marked<ConnectorItem>>,
    pub(super) flows: Vec<Marked<FlowBody>>,
    pub(super) policies: Vec<Marked<PolicyBody>>,
    pub(super) default_flow: Option<Marked<String>>,
    pub(super) max_pending_per_agent: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct UserItem {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) groups: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct AgentItem {
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) key_env: Option<String>,
    pub(super) public_key: Option<String>,
    pub(super) connectors: Option<Vec<String>>,
    pub(super) may_act_for: MayActFor,
}

#[derive(Clone, Debug)]
pub(super) struct ConnectorItem {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) kind: ConnectorKind,
    pub(super) base_url: Option<String>,
    pub(super) command: Vec<String>,
    pub(super) allow_private: bool,
    pub(super) health_path: Option<String>,
    pub(super) credential: Option<CredentialItem>,
    pub(super) tools: Vec<Marked<ToolItem>>,
}

#[derive(Clone, Debug)]
pub(super) struct CredentialItem {
    pub(super) env: String,
    pub(super) env_place: Place,
    pub(super) placement: CredentialPlacement,
    pub(super) name: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct ToolItem {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) effect: Option<Effect>,
    pub(super) input_schema: Value,
}

impl DeskFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the file's order.
    pub fn read(text: &str) -> Result<Self, Vec<FileProblem>> {
        let problems = Problems::default();
        let file = tree::read(text, &problems).map(|root| whole(&root, &problems)).unwrap_or_default();
        let problems = problems.into_sorted();
        if problems.is_empty() { Ok(file) } else { Err(problems) }
    }
}

fn whole(root: &Node, problems: &Problems) -> DeskFile {
    const KEYS: [&str; 6] = ["users", "agents", "connectors", "flows", "policies", "settings"];
    let Some(fields) = Fields::of(root, "", &KEYS, problems) else { return DeskFile::default() };
    let mut file = DeskFile {
        users: fields.items("users", |node, path| user(node, path, problems)),
        agents: fields.items("agents", |node, path| agent(node, path, problems)),
        connectors: fields.items("connectors", |node, path| connector(node, path, problems)),
        flows: fields.items("flows", |node, path| flow(node, path, problems)),
        policies: fields.items("policies", |node, path| policy(node, path, problems)),
        default_flow: None,
        max_pending_per_agent: None,
    };
    if let Some(node) = fields.node("settings") {
        settings(node, &mut file, problems);
    }
    once(&file.users, "email", |user| &user.email, problems);
    once(&file.agents, "name", |agent| &agent.name, problems);
    once(&file.connectors, "slug", |connector| &connector.slug, problems);
    once(&file.flows, "name", |flow| &flow.name, problems);
    once(&file.policies, "name", |policy| &policy.name, problems);
    file
}

/// Names must be told apart.
fn once<T>(items: &[Marked<T>], key: &str, name: impl Fn(&T) -> &String, problems: &Problems) {
    let mut seen = HashSet::new();
    for item in items {
        if !seen.insert(name(&item.value)) {
            let path = format!("{}.{key}", item.place.path);
            problems.add(item.place.mark, path, format!("{:?} is named twice", name(&item.value)));
        }
    }
}

fn settings(node: &Node, file: &mut DeskFile, problems: &Problems) {
    const KEYS: [&str; 4] = ["default_flow", "max_pending_per_agent", "smtp", "sms"];
    let Some(fields) = Fields::of(node, "settings", &KEYS, problems) else { return };
    for later in ["smtp", "sms"] {
        if fields.node(later).is_some() {
            fields.wrong(later, "is not available in this version");
        }
    }
    file.default_flow =
        fields.text("default_flow").map(|value| Marked { value, place: fields.place_of("default_flow") });
    file.max_pending_per_agent = fields.whole("max_pending_per_agent").and_then(|count| {
        let fits = u32::try_from(count).ok().filter(|count| (1..=10_000).contains(count));
        if fits.is_none() {
            fields.wrong("max_pending_per_agent", "must be 1 to 10000");
        }
        fits
    });
}

fn user(node: &Node, path: &str, problems: &Problems) -> Option<UserItem> {
    let fields = Fields::of(node, path, &["email", "name", "role", "groups"], problems)?;
    let (email, name) = (fields.required("email"), fields.required("name"));
    let role = fields.word("role", &["member", "approver", "admin"], Role::from_word);
    let mut groups = fields.texts("groups").unwrap_or_default();
    groups.sort();
    groups.dedup();
    if email.as_deref().is_some_and(|email| !is_email(email)) {
        fields.wrong("email", "is no email address");
    }
    check_name(&fields, "name", name.as_deref());
    Some(UserItem {
        email: normal_email(&email?),
        name: name?.trim().to_owned(),
        role: role.unwrap_or_default(),
        groups,
    })
}

fn check_name(fields: &Fields<'_>, key: &str, name: Option<&str>) {
    let fits = |name: &str| (1..=80).contains(&name.trim().chars().count()) && !name.chars().any(char::is_control);
    if name.is_some_and(|name| !fits(name)) {
        fields.wrong(key, "must have 1 to 80 characters, no control characters");
    }
}

fn agent(node: &Node, path: &str, problems: &Problems) -> Option<AgentItem> {
    let keys = ["name", "owner", "key_env", "public_key", "connectors", "may_act_for"];
    let fields = Fields::of(node, path, &keys, problems)?;
    let (name, owner) = (fields.required("name"), fields.required("owner"));
    if name.as_deref().is_some_and(|name| !is_agent_name(name)) {
        fields.wrong("name", "must have 1 to 64 letters, digits, `-`, `_` or `.`");
    }
    let (key_env, public_key) = (fields.text("key_env"), fields.text("public_key"));
    if key_env.is_some() && public_key.is_some() {
        fields.wrong("public_key", "does not go with key_env: an agent has either");
    }
    if let Some(Err(error)) = public_key.as_deref().map(AgentPublicKey::read) {
        fields.wrong("public_key", error.to_string());
    }
    let may = fields.node("may_act_for").and_then(|node| {
        let fields = Fields::of(node, &format!("{path}.may_act_for"), &["users", "groups"], problems)?;
        let users = fields.texts("users").unwrap_or_default().iter().map(|email| normal_email(email)).collect();
        Some(MayActFor { users, groups: fields.texts("groups").unwrap_or_default() })
    });
    Some(AgentItem {
        name: name?,
        owner: normal_email(&owner?),
        key_env,
        public_key,
        connectors: fields.texts("connectors"),
        may_act_for: may.unwrap_or_default(),
    })
}

fn connector(node: &Node, path: &str, problems: &Problems) -> Option<ConnectorItem> {
    let keys =
        ["slug", "kind", "name", "base_url", "command", "url", "allow_private", "health_path", "credential", "tools"];
    let fields = Fields::of(node, path, &keys, problems)?;
    let slug = fields.required("slug");
    if slug.as_deref().is_some_and(|slug| !is_slug(slug)) {
        fields.wrong("slug", "must have 1 to 32 small letters, digits or `-`");
    }
    fields.required("kind")?;
    let kind = fields.word("kind", &["mcp", "http", "external"], ConnectorKind::from_word)?;
    check_settings(&fields, kind);
    let credential =
        fields.node("credential").and_then(|node| credential(node, &format!("{path}.credential"), kind, problems));
    let tools = fields.items("tools", |node, path| tool(node, path, kind, problems));
    once(&tools, "name", |tool| &tool.name, problems);
    let slug = slug?;
    Some(ConnectorItem {
        name: fields.text("name").unwrap_or_else(|| slug.clone()),
        kind,
        base_url: fields.text("base_url"),
        command: fields.texts("command").unwrap_or_default(),
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
        ConnectorKind::Mcp => &["command", "url", "credential"],
        ConnectorKind::External => &[],
    };
    for key in ["base_url", "command", "url", "allow_private", "health_path", "credential"] {
        if fields.node(key).is_some() && !belongs.contains(&key) {
            fields.wrong(key, format!("does not go with kind {}", kind.word()));
        }
    }
    if fields.node("url").is_some() && kind == ConnectorKind::Mcp {
        fields.wrong("url", "is not available in this version; name a command");
    } else if kind == ConnectorKind::Mcp && fields.texts("command").is_none_or(|command| command.is_empty()) {
        fields.wrong("command", "must name a program and its arguments, as a list");
    }
    if kind == ConnectorKind::Http
        && let Some(Err(why)) = fields.required("base_url").as_deref().map(check_base_url)
    {
        fields.wrong("base_url", why);
    }
    if let Some(Err(why)) = fields.text("health_path").as_deref().map(check_path) {
        fields.wrong("health_path", why);
    }
    if let Some(name) = fields.text("name") {
        check_name(fields, "name", Some(&name));
    }
}

fn credential(node: &Node, path: &str, kind: ConnectorKind, problems: &Problems) -> Option<CredentialItem> {
    let fields = Fields::of(node, path, &["env", "as", "name"], problems)?;
    let env = fields.required("env");
    fields.required("as")?;
    let placement = fields.word("as", &["bearer", "header", "query", "basic"], CredentialPlacement::from_word)?;
    let name = fields.text("name");
    if placement.needs_name() && name.is_none() && kind == ConnectorKind::Http {
        fields.wrong("name", format!("is missing: {} needs one", placement.word()));
    }
    let env = env?;
    // An MCP server is given its credential in its environment, whatever `as` says.
    let name = if kind == ConnectorKind::Mcp { name.or_else(|| Some(env.clone())) } else { name };
    Some(CredentialItem { env, env_place: fields.place_of("env"), placement, name })
}

fn tool(node: &Node, path: &str, kind: ConnectorKind, problems: &Problems) -> Option<ToolItem> {
    let fields =
        Fields::of(node, path, &["name", "description", "method", "path", "effect", "input_schema"], problems)?;
    let name = fields.required("name");
    if name.as_deref().is_some_and(|name| !is_tool_name(name)) {
        fields.wrong("name", "must have 1 to 128 letters, digits, `_`, `-`, `.` or `/`");
    }
    let effect = fields.word("effect", &["read", "write", "destructive"], Effect::from_word);
    let (method, template) = route(&fields, kind);
    if kind == ConnectorKind::Mcp && fields.node("input_schema").is_some() {
        fields.wrong("input_schema", "comes from the MCP server; leave it out");
    }
    let input_schema = fields.node("input_schema").map_or_else(|| json!({"type": "object"}), json);
    if let Err(why) = schema_validator(&input_schema) {
        fields.wrong("input_schema", format!("is no JSON Schema: {why}"));
    }
    Some(ToolItem {
        name: name?,
        description: fields.text("description"),
        method,
        path: template,
        effect,
        input_schema,
    })
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

fn flow(node: &Node, path: &str, problems: &Problems) -> Option<FlowBody> {
    let body: FlowBody = match serde_json::from_value(json(node)) {
        Ok(body) => body,
        Err(error) => {
            problems.add(node.mark, path, error.to_string());
            return None;
        }
    };
    for problem in body.check() {
        let mark = node.nearest(&problem.field).mark;
        problems.add(mark, format!("{path}.{}", problem.field), problem.message);
    }
    Some(body)
}

fn policy(node: &Node, path: &str, problems: &Problems) -> Option<PolicyBody> {
    let keys = ["name", "action", "connectors", "tools", "agents", "users", "groups", "when", "priority", "flow"];
    let fields = Fields::of(node, path, &keys, problems)?;
    let name = fields.required("name");
    let action = fields
        .required("action")
        .and_then(|_| fields.word("action", &["allow", "request_approval", "deny"], Action::from_word));
    let priority = fields.whole("priority").unwrap_or(0);
    let body = PolicyBody {
        name: name?,
        action: action?,
        scope: Scope {
            connectors: fields.texts("connectors"),
            tools: fields.texts("tools"),
            agents: fields.texts("agents"),
            users: fields.texts("users"),
            groups: fields.texts("groups"),
        },
        when: fields.text("when"),
        priority: i32::try_from(priority).unwrap_or_else(|_| {
            fields.wrong("priority", "is out of range");
            0
        }),
        flow: fields.text("flow"),
    };
    let trial = Policy { id: PolicyId(uuid::Uuid::nil()), version: 1, body: body.clone() };
    for problem in CompiledPolicy::compile(trial).err().into_iter().flatten() {
        fields.wrong(problem.field, problem.message);
    }
    Some(body)
}
