//! `countersign demo-upstream`: a real MCP server over standard input and output, with a folder of notes.
//!
//! The demo's connector starts it. It is no place for notes that matter: plain files, one caller.

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ContentBlock, ErrorData, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{RequestContext, ServerInitializeError};
use rmcp::{RoleServer, ServerHandler, ServiceExt as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tokio::fs;
use tokio::io::AsyncWriteExt as _;

/// The longest note that is taken, in characters.
const LONGEST_NOTE: usize = 64 * 1024;
/// The longest name.
const LONGEST_NAME: usize = 64;
/// What a name must be, for those who read the schema: it neither begins nor ends with a dot or a space.
const NAME_PATTERN: &str = "^[A-Za-z0-9_-]([A-Za-z0-9 _.-]{0,62}[A-Za-z0-9_-])?$";

/// What `countersign demo-upstream` is told.
#[derive(Debug, clap::Args)]
pub struct DemoUpstreamArgs {
    /// The folder with the notes; made when missing
    #[arg(long)]
    folder: PathBuf,
}

/// Why it stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoUpstreamError {
    /// The folder can't be used.
    #[error("the folder {} can't be used: {error}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The other side does not speak MCP.
    #[error("the conversation did not begin: {0}")]
    Greeting(Box<ServerInitializeError>),
    /// The server's task broke.
    #[error("the server broke: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

/// Serves until standard input ends.
///
/// # Errors
/// When the folder can't be used, or the other side does not speak MCP.
pub async fn run(args: DemoUpstreamArgs) -> Result<(), DemoUpstreamError> {
    let notes = Notes::open(&args.folder).await?;
    let (input, output) = rmcp::transport::io::stdio_pipes();
    match notes.serve((input, output)).await {
        Ok(running) => running.waiting().await.map(|_| ()).map_err(DemoUpstreamError::Broken),
        // Somebody started it and went away again.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(DemoUpstreamError::Greeting(Box::new(error))),
    }
}

/// A folder of notes, one file each.
#[derive(Clone, Debug)]
struct Notes {
    folder: PathBuf,
}

/// What to tell the caller: a tool's words, good or bad.
type Said = Result<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    text: String,
}

impl Notes {
    async fn open(folder: &Path) -> Result<Self, DemoUpstreamError> {
        let wrong = |error| DemoUpstreamError::Folder { path: folder.to_owned(), error };
        fs::create_dir_all(folder).await.map_err(wrong)?;
        Ok(Self { folder: fs::canonicalize(folder).await.map_err(wrong)? })
    }

    /// Where a note is, for a name that stays inside the folder.
    fn path(&self, name: &str) -> Result<PathBuf, String> {
        match is_name(name) {
            true => Ok(self.folder.join(name)),
            false => Err(format!(
                "{name:?} is no name for a note. Use up to {LONGEST_NAME} letters, digits, spaces, `_`, `.` and `-`, \
                 without a dot or a space at either end."
            )),
        }
    }

    async fn list(&self) -> Said {
        let failed = |error: std::io::Error| format!("The folder can't be read: {}.", error.kind());
        let mut entries = fs::read_dir(&self.folder).await.map_err(failed)?;
        let mut names = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            let is_file = entry.file_type().await.is_ok_and(|kind| kind.is_file());
            let name = entry.file_name().into_string().ok().filter(|name| is_file && is_name(name));
            names.extend(name);
        }
        names.sort();
        match names.len() {
            0 => Ok("There are no notes.".to_owned()),
            _ => Ok(names.join("\n")),
        }
    }

    async fn read(&self, name: &str) -> Said {
        let path = self.existing(name).await?;
        fs::read_to_string(path).await.map_err(|error| failure(name, &error))
    }

    /// Only ever adds: what is there already is not replaced, as the annotations promise.
    async fn write(&self, name: &str, text: &str) -> Said {
        if text.chars().count() > LONGEST_NOTE {
            return Err(format!("A note has at most {LONGEST_NOTE} characters."));
        }
        let path = self.path(name)?;
        let opened = fs::OpenOptions::new().write(true).create_new(true).open(path).await;
        let mut file = opened.map_err(|error| failure(name, &error))?;
        let written = async {
            file.write_all(text.as_bytes()).await?;
            file.sync_all().await
        };
        written.await.map_err(|error| failure(name, &error))?;
        Ok(format!("Wrote the note {name:?}, {} characters.", text.chars().count()))
    }

    async fn delete(&self, name: &str) -> Said {
        let path = self.existing(name).await?;
        fs::remove_file(path).await.map_err(|error| failure(name, &error))?;
        Ok(format!("Deleted the note {name:?}."))
    }

    /// A note that is there as a file of its own. A link could lead out of the folder.
    async fn existing(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.path(name)?;
        match fs::symlink_metadata(&path).await {
            Ok(metadata) if metadata.is_file() => Ok(path),
            Ok(_) => Err(missing(name)),
            Err(error) => Err(failure(name, &error)),
        }
    }

    async fn call(&self, tool: &str, arguments: JsonObject) -> Option<Said> {
        Some(match tool {
            "list" => match arguments_of::<Nothing>(arguments) {
                Ok(Nothing {}) => self.list().await,
                Err(wrong) => Err(wrong),
            },
            "read" => match arguments_of::<Named>(arguments) {
                Ok(Named { name }) => self.read(&name).await,
                Err(wrong) => Err(wrong),
            },
            "write" => match arguments_of::<Written>(arguments) {
                Ok(Written { name, text }) => self.write(&name, &text).await,
                Err(wrong) => Err(wrong),
            },
            "delete" => match arguments_of::<Named>(arguments) {
                Ok(Named { name }) => self.delete(&name).await,
                Err(wrong) => Err(wrong),
            },
            _ => return None,
        })
    }
}

fn arguments_of<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, String> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| format!("The arguments don't fit: {error}."))
}

/// [`NAME_PATTERN`] by hand.
fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b" _.-".contains(&byte);
    let outer = |byte: Option<&u8>| byte.is_some_and(|byte| inner(*byte) && !b" .".contains(byte));
    let bytes = name.as_bytes();
    bytes.len() <= LONGEST_NAME && bytes.iter().copied().all(inner) && outer(bytes.first()) && outer(bytes.last())
}

fn missing(name: &str) -> String {
    format!("There is no note called {name:?}. `list` names those that are there.")
}

fn failure(name: &str, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => missing(name),
        ErrorKind::AlreadyExists => format!("There is a note called {name:?} already. Choose another name."),
        ErrorKind::InvalidData => format!("The note {name:?} is no text."),
        kind => format!("The note {name:?} can't be used: {kind}."),
    }
}

fn tools() -> Vec<Tool> {
    let name = json!({
        "type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": NAME_PATTERN,
        "description": "The note's name, such as \"Standup Tuesday\"",
    });
    let text = json!({"type": "string", "maxLength": LONGEST_NOTE, "description": "What the note says"});
    let hints = || ToolAnnotations::new().open_world(false);
    let reads = || hints().read_only(true).destructive(false).idempotent(true);
    vec![
        tool("list", "List notes", "Names all notes in the folder.", &json!({})).with_annotations(reads()),
        tool("read", "Read a note", "Gives the text of one note.", &json!({"name": name})).with_annotations(reads()),
        tool(
            "write",
            "Write a note",
            "Writes a new note. A note that is there already stays as it is, and the call fails.",
            &json!({"name": name, "text": text}),
        )
        .with_annotations(hints().read_only(false).destructive(false).idempotent(false)),
        tool("delete", "Delete a note", "Deletes one note for good.", &json!({"name": name}))
            .with_annotations(hints().read_only(false).destructive(true).idempotent(true)),
    ]
}

fn tool(name: &'static str, title: &str, description: &'static str, properties: &Value) -> Tool {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
    let mut schema = JsonObject::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), properties.clone());
    schema.insert("required".to_owned(), json!(required));
    schema.insert("additionalProperties".to_owned(), json!(false));
    Tool::new(name, description, schema).with_title(title)
}

impl ServerHandler for Notes {
    fn get_info(&self) -> ServerConfig {
        let us = Implementation::new("countersign-demo-notes", env!("CARGO_PKG_VERSION")).with_title("Demo notes");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build()).with_server_info(us)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<rmcp::model::CallToolResponse, ErrorData> {
        let said = self.call(&params.name, params.arguments.unwrap_or_default()).await;
        let said =
            said.ok_or_else(|| ErrorData::invalid_params(format!("There is no tool {:?}.", params.name), None))?;
        Ok(match said {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(text) => CallToolResult::error(vec![ContentBlock::text(text)]),
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::RoleClient;
    use rmcp::service::RunningService;

    /// A client that speaks to the notes through a pipe, the folder, and the server's end.
    struct Given {
        folder: tempfile::TempDir,
        client: RunningService<RoleClient, ()>,
    }

    impl Given {
        async fn notes(notes: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in notes {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
            let server = Notes::open(folder.path()).await.unwrap();
            let (here, there) = tokio::io::duplex(64 * 1024);
            tokio::spawn(async move { server.serve(there).await.unwrap().waiting().await });
            Self { folder, client: ().serve(here).await.unwrap() }
        }

        async fn call(&self, tool: &'static str, arguments: Value) -> Said {
            let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
            let result =
                self.client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await.unwrap();
            let text = result.content[0].as_text().unwrap().text.clone();
            if result.is_error == Some(true) { Err(text) } else { Ok(text) }
        }

        fn text(&self, name: &str) -> Option<String> {
            std::fs::read_to_string(self.folder.path().join(name)).ok()
        }
    }

    #[tokio::test]
    async fn the_tools_say_what_they_do_to_the_world_and_take_nothing_unknown() {
        let given = Given::notes(&[]).await;
        let tools = given.client.list_all_tools().await.unwrap();
        let hints: Vec<_> = tools
            .iter()
            .map(|tool| {
                let hints = tool.annotations.clone().unwrap();
                (tool.name.as_ref(), hints.read_only_hint, hints.destructive_hint)
            })
            .collect();
        assert_eq!(
            hints,
            [
                ("list", Some(true), Some(false)),
                ("read", Some(true), Some(false)),
                ("write", Some(false), Some(false)),
                ("delete", Some(false), Some(true)),
            ]
        );
        for tool in tools {
            assert!(tool.title.is_some() && tool.description.is_some());
            assert_eq!(tool.input_schema["additionalProperties"], json!(false), "{}", tool.name);
            let schema = Value::Object((*tool.input_schema).clone());
            assert!(jsonschema::draft202012::new(&schema).is_ok());
        }
    }

    #[tokio::test]
    async fn a_note_is_written_listed_read_and_deleted() {
        let given = Given::notes(&[("Ideas", "One\n")]).await;
        given.call("write", json!({"name": "Standup 12.5", "text": "Ship it."})).await.unwrap();
        assert_eq!(given.text("Standup 12.5").as_deref(), Some("Ship it."));
        assert_eq!(given.call("list", json!({})).await.unwrap(), "Ideas\nStandup 12.5");
        assert_eq!(given.call("read", json!({"name": "Ideas"})).await.unwrap(), "One\n");
        given.call("delete", json!({"name": "Standup 12.5"})).await.unwrap();
        assert_eq!(given.text("Standup 12.5"), None);
    }

    #[tokio::test]
    async fn a_write_never_replaces_what_is_there() {
        let given = Given::notes(&[("Ideas", "One")]).await;
        let said = given.call("write", json!({"name": "Ideas", "text": "Two"})).await.unwrap_err();
        assert!(said.contains("already"), "{said}");
        assert_eq!(given.text("Ideas").as_deref(), Some("One"));
    }

    #[tokio::test]
    async fn a_missing_note_and_a_wrong_call_are_told_in_words() {
        let given = Given::notes(&[]).await;
        for tool in ["read", "delete"] {
            let said = given.call(tool, json!({"name": "Gone"})).await.unwrap_err();
            assert!(said.contains("no note called \"Gone\""), "{said}");
        }
        assert_eq!(given.call("list", json!({})).await.unwrap(), "There are no notes.");
        assert!(given.call("write", json!({"name": "A"})).await.unwrap_err().contains("text"));
        assert!(given.call("list", json!({"all": true})).await.unwrap_err().contains("all"));
        let unknown = CallToolRequestParams::new("notes_burn").with_arguments(JsonObject::new());
        assert!(given.client.call_tool(unknown).await.is_err());
    }

    #[tokio::test]
    async fn no_name_leads_out_of_the_folder() {
        let given = Given::notes(&[]).await;
        let outside = given.folder.path().join("..").join("outside-of-the-demo");
        let long = "x".repeat(65);
        for name in [
            "",
            ".",
            "..",
            "../outside-of-the-demo",
            "/etc/passwd",
            "a/b",
            "a\\b",
            ".hidden",
            "a.",
            " a",
            "a ",
            "a\0",
            "ä",
            &long,
        ] {
            assert!(given.call("write", json!({"name": name, "text": "x"})).await.is_err(), "{name:?}");
            assert!(given.call("read", json!({"name": name})).await.is_err(), "{name:?}");
            assert!(given.call("delete", json!({"name": name})).await.is_err(), "{name:?}");
        }
        assert!(!outside.exists());
        assert_eq!(std::fs::read_dir(given.folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_in_the_folder_is_no_note() {
        let given = Given::notes(&[]).await;
        std::os::unix::fs::symlink("/etc/passwd", given.folder.path().join("passwd")).unwrap();
        assert!(given.call("read", json!({"name": "passwd"})).await.is_err());
        assert!(given.call("delete", json!({"name": "passwd"})).await.is_err());
        assert!(given.call("write", json!({"name": "passwd", "text": "x"})).await.is_err());
        assert_eq!(given.call("list", json!({})).await.unwrap(), "There are no notes.");
    }

    #[test]
    fn the_pattern_in_the_schema_and_the_check_agree() {
        let schema = json!({"type": "string", "pattern": NAME_PATTERN});
        let pattern = jsonschema::draft202012::new(&schema).unwrap();
        for name in [
            "a",
            "A b",
            "a.b",
            "-",
            "_x-",
            "a b ",
            ".a",
            "a.",
            " ",
            "..",
            "a..b",
            "a/b",
            "é",
            &"x".repeat(64),
            &"x".repeat(65),
        ] {
            assert_eq!(is_name(name), pattern.is_valid(&json!(name)), "{name:?}");
        }
    }
}
