//! What an agent asks with: found in either form of an ask, and checked against the tool's schema.

use super::error::{DeskError, Refusal, refuse};
use super::snapshot::{ConnectorEntry, ToolEntry};
use countersign_domain::canonical::Canonical;
use countersign_domain::connector::http_call::check_path;
use countersign_domain::ids::CredentialId;
use countersign_wire::problem::{Code, FieldError};
use serde_json::{Map, Value};

/// The arguments in either form.
#[derive(Clone, Debug)]
pub enum AskedArguments {
    /// As they are.
    Given(Value),
    /// AgentValet's form: they are found in the endpoint and the data.
    AgentValet {
        /// The path, which must be the tool's.
        endpoint: String,
        /// The method, which must be the tool's.
        method: String,
        /// The rest.
        data: Option<Value>,
        /// A credential of the connector.
        connection_id: Option<String>,
    },
}

pub(super) fn arguments(entry: &ConnectorEntry, tool: &ToolEntry, asked: &AskedArguments) -> Result<Value, DeskError> {
    match asked {
        AskedArguments::Given(value) => Ok(value.clone()),
        AskedArguments::AgentValet { endpoint, method, data, connection_id } => {
            check_connection(entry, connection_id.as_deref())?;
            agent_valet_arguments(tool, endpoint, method, data.as_ref())
        }
    }
}

fn check_connection(entry: &ConnectorEntry, connection: Option<&str>) -> Result<(), DeskError> {
    let Some(text) = connection else { return Ok(()) };
    let known = text
        .parse::<CredentialId>()
        .ok()
        .is_some_and(|id| entry.credential.as_ref().is_some_and(|credential| credential.id == id));
    match known {
        true => Ok(()),
        false => Err(refuse(Code::EndpointNotInScope, "connection_id is no credential of this connector.")),
    }
}

fn agent_valet_arguments(
    tool: &ToolEntry,
    endpoint: &str,
    method: &str,
    data: Option<&Value>,
) -> Result<Value, DeskError> {
    let outside = |why: &str| refuse(Code::EndpointNotInScope, format!("The endpoint {why}."));
    check_path(endpoint).map_err(outside)?;
    let template = tool.template.as_ref().ok_or_else(|| outside("belongs to no HTTP tool"))?;
    if tool.tool.method.as_deref() != Some(method.to_ascii_uppercase().as_str()) {
        return Err(outside("needs another method than the one given"));
    }
    let mut arguments: Map<String, Value> =
        template.matches(endpoint).ok_or_else(|| outside("is not the one that this scope names"))?;
    match data {
        None | Some(Value::Null) => {}
        Some(Value::Object(entries)) => {
            for (key, value) in entries {
                if arguments.insert(key.clone(), value.clone()).is_some() {
                    return Err(outside("and `data` both name the same argument"));
                }
            }
        }
        Some(_) => {
            return Err(refuse(Code::InvalidArguments, "`data` must be a JSON object."));
        }
    }
    Ok(Value::Object(arguments))
}

/// The most schema errors that are told at once.
const TOLD: usize = 10;
/// Of longer arguments, in bytes, only the first error is told: to find all of them costs memory for each.
const TOLD_ALL_OF: usize = 64 * 1024;

pub(super) fn check_arguments(tool: &ToolEntry, arguments: &Value, canonical: &Canonical) -> Result<(), DeskError> {
    if !arguments.is_object() {
        return Err(refuse(Code::InvalidArguments, "`arguments` must be a JSON object."));
    }
    let validator = tool.validator.as_ref().ok_or_else(|| {
        refuse(Code::InvalidArguments, "This tool's schema can't be read, so no arguments can be checked against it.")
    })?;
    let Err(first) = validator.validate(arguments) else { return Ok(()) };
    let first = field_error(&first);
    let detail = format!("The arguments don't fit the tool's schema: {}: {}", first.field, first.message);
    let errors = match canonical.bytes().len() <= TOLD_ALL_OF {
        true => validator.iter_errors(arguments).take(TOLD).map(|error| field_error(&error)).collect(),
        false => vec![first],
    };
    Err(Refusal::new(Code::InvalidArguments, detail).with_errors(errors).into())
}

fn field_error(error: &jsonschema::ValidationError<'_>) -> FieldError {
    FieldError { field: format!("arguments{}", error.instance_path()), message: error.masked().to_string() }
}
