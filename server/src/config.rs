//! Raw configuration in, validated configuration out, once, at start. Flag > environment > file > default.

use crate::connectors::DEFAULT_TIMEOUT;
use crate::notify::LONGEST_TRY;
use countersign_domain::user::is_email;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The port when nothing else is said.
pub const DEFAULT_PORT: u16 = 8787;

/// What is wrong with the configuration, as a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value can't be read.
    #[error("the configuration can't be read: {0}")]
    Unreadable(Box<figment::Error>),
    /// The address is none that passkeys work with.
    #[error("public_url {0}")]
    PublicUrl(String),
    /// Somewhere to listen can't be read.
    #[error("listen: {0:?} is no address; write it as localhost:8787, or as 127.0.0.1:8787")]
    Listen(String),
    /// The data folder is none.
    #[error("{0}")]
    DataFolder(String),
    /// A later version brings it.
    #[error("{0} is not available in this version; leave it out to use SQLite in the data folder")]
    NotAvailable(&'static str),
}

/// What flags, environment and file may say. Everything is optional; what is left out has a default.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// Where to listen, as ADDRESS:PORT; both loopbacks on port 8787 when left out
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// The address that people and agents use, such as `https://desk.example.com`; fixes the passkeys' domain
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The folder with the database and the master key
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// A PostgreSQL address (comes in a later version)
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    /// A desk file to apply at start
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply: Option<PathBuf>,
    /// A file that holds the master key, instead of the one in the data folder
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key_file: Option<PathBuf>,
    /// How to write the log: pretty or json
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogFormat>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object per line.
    Json,
}

impl RawConfig {
    /// Flags over environment (`COUNTERSIGN_...`) over the file over nothing.
    ///
    /// # Errors
    /// When the file or a variable can't be read; a file that was asked for must be there.
    pub fn gather(flags: &Self, file: Option<&Path>) -> Result<Self, ConfigError> {
        let toml = match file {
            Some(path) => Toml::file_exact(path),
            None => Toml::file("countersign.toml"),
        };
        const KEYS: [&str; 7] = ["listen", "public_url", "data_dir", "database_url", "apply", "master_key_file", "log"];
        Figment::new()
            .merge(toml)
            .merge(Env::prefixed("COUNTERSIGN_").only(&KEYS))
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(|error| ConfigError::Unreadable(Box::new(error)))
    }
}

/// The folder that a desk lives in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// A folder that exists and can be written to; made when missing, readable by its owner only.
    ///
    /// # Errors
    /// Says what stands in the way.
    pub fn prepare(path: &Path) -> Result<Self, ConfigError> {
        let wrong = |error: std::io::Error| {
            ConfigError::DataFolder(format!("the data folder {} can't be used: {error}", path.display()))
        };
        if !path.exists() {
            std::fs::create_dir_all(path).map_err(wrong)?;
            restrict(path).map_err(wrong)?;
        }
        if !path.is_dir() {
            return Err(ConfigError::DataFolder(format!("{} is not a folder", path.display())));
        }
        Ok(Self(path.to_owned()))
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database in it.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join("countersign.sqlite")
    }

    /// The database as sqlx wants it named.
    #[must_use]
    pub fn database_url(&self) -> String {
        let path = self.database().to_string_lossy().into_owned();
        let encoded = percent_encoding::utf8_percent_encode(&path, URL_PATH);
        format!("sqlite://{encoded}?mode=rwc")
    }
}

/// What would end or bend the path part of a database URL.
const URL_PATH: &percent_encoding::AsciiSet =
    &percent_encoding::CONTROLS.add(b' ').add(b'?').add(b'#').add(b'%').add(b'"').add(b'<').add(b'>');

#[cfg(unix)]
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn restrict(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The address that people and agents use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// Checks an address: https, or http on localhost; a name rather than a number, since passkeys belong to names.
    ///
    /// # Errors
    /// Says what is wrong and what to write instead.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        let wrong = |why: &str| ConfigError::PublicUrl(format!("{text:?} {why}"));
        let url = Url::parse(text).map_err(|_| wrong("is no URL; write it as https://desk.example.com"))?;
        let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !plain {
            return Err(wrong("must be just scheme, name and port"));
        }
        match (url.scheme(), url.domain()) {
            (_, None) => Err(wrong("must have a name, not a number: passkeys belong to names; use http://localhost")),
            ("https", Some(_)) | ("http", Some("localhost")) => Ok(Self(url)),
            ("http", Some(_)) => Err(wrong("must be https: browsers give passkeys to http on localhost only")),
            _ => Err(wrong("must begin with https://, or http://localhost")),
        }
    }

    /// The address on this machine.
    ///
    /// # Errors
    /// Never in practice; the text is well formed.
    pub fn localhost(port: u16) -> Result<Self, ConfigError> {
        Self::read(&format!("http://localhost:{port}"))
    }

    /// Scheme, host and port, as browsers write `Origin`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Host and port as browsers write `Host`.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The passkeys' relying party.
    #[must_use]
    pub fn rp_id(&self) -> &str {
        self.0.domain().unwrap_or_default()
    }

    /// Whether it is on this machine, where confirmation without a passkey may be allowed.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.rp_id() == "localhost"
    }

    /// Whether browsers reach it by https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address with a path that begins with `/`.
    #[must_use]
    pub fn with_path(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// The URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

/// What a server runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address that people and agents use.
    pub public_url: PublicUrl,
    /// Where the desk lives.
    pub data: DataFolder,
    /// A master key file outside of the data folder.
    pub master_key_file: Option<PathBuf>,
    /// Whether this is the throw-away demo.
    pub demo: bool,
    /// How long an upstream may take to answer a call.
    pub call_timeout: Duration,
    /// How long a try to tell somebody may take.
    pub message_timeout: Duration,
    /// Where secrets are that settings name.
    pub environment: Environment,
}

/// Where secrets are that settings name: this process's environment, or variables that were given instead.
#[derive(Clone, Default)]
pub struct Environment(Option<Arc<BTreeMap<String, SecretString>>>);

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}

impl Environment {
    /// These variables and no others.
    #[must_use]
    pub fn of(variables: impl IntoIterator<Item = (String, SecretString)>) -> Self {
        Self(Some(Arc::new(variables.into_iter().collect())))
    }

    /// A variable that is set to something.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<SecretString> {
        let found = match &self.0 {
            Some(given) => given.get(name).cloned(),
            None => std::env::var(name).ok().map(SecretString::from),
        };
        found.filter(|value| !value.expose_secret().is_empty())
    }
}

/// Where to listen, and everything else.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// The addresses to bind.
    pub listen: Vec<SocketAddr>,
    /// What the server runs with.
    pub config: Config,
    /// A desk file to apply at start.
    pub apply: Option<PathBuf>,
    /// How the log is written.
    pub log: LogFormat,
}

impl ServeConfig {
    /// Validates a raw configuration.
    ///
    /// # Errors
    /// Says what is wrong and what to write instead.
    pub fn check(raw: &RawConfig) -> Result<Self, ConfigError> {
        let listen = listen_addresses(raw.listen.as_deref())?;
        let port = listen.first().map_or(DEFAULT_PORT, SocketAddr::port);
        let public_url = raw.public_url.as_deref().map_or_else(|| PublicUrl::localhost(port), PublicUrl::read)?;
        let data = data_folder(raw)?;
        let config = Config {
            public_url,
            data,
            master_key_file: raw.master_key_file.clone(),
            demo: false,
            call_timeout: DEFAULT_TIMEOUT,
            message_timeout: LONGEST_TRY,
            environment: Environment::default(),
        };
        Ok(Self { listen, config, apply: raw.apply.clone(), log: raw.log.unwrap_or_default() })
    }
}

/// The data folder that a raw configuration names, or the platform's.
///
/// # Errors
/// When it can't be used, or when PostgreSQL is asked for.
pub fn data_folder(raw: &RawConfig) -> Result<DataFolder, ConfigError> {
    if raw.database_url.is_some() {
        return Err(ConfigError::NotAvailable("database_url"));
    }
    DataFolder::prepare(&data_path(raw)?)
}

/// Where that folder is, be it there or not.
///
/// # Errors
/// When none is named and the platform has none.
pub fn data_path(raw: &RawConfig) -> Result<PathBuf, ConfigError> {
    raw.data_dir.clone().map_or_else(default_folder, Ok)
}

fn default_folder() -> Result<PathBuf, ConfigError> {
    directories::ProjectDirs::from("", "", "countersign").map(|dirs| dirs.data_dir().to_owned()).ok_or_else(|| {
        ConfigError::DataFolder("there is no home folder to put the data in; name one with --data-dir".into())
    })
}

fn listen_addresses(text: Option<&str>) -> Result<Vec<SocketAddr>, ConfigError> {
    let Some(text) = text else {
        return Ok(loopbacks(DEFAULT_PORT));
    };
    if let Some(port) = text.strip_prefix("localhost:") {
        return port.parse().map(loopbacks).map_err(|_| ConfigError::Listen(text.to_owned()));
    }
    text.parse().map(|address| vec![address]).map_err(|_| ConfigError::Listen(text.to_owned()))
}

/// Both loopback addresses: browsers try either for `localhost`.
#[must_use]
pub fn loopbacks(port: u16) -> Vec<SocketAddr> {
    vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]
}

/// An email address out of a flag.
///
/// # Errors
/// When it could not be one.
pub fn email_argument(text: &str) -> Result<String, String> {
    if is_email(text) {
        Ok(countersign_domain::user::normal_email(text))
    } else {
        Err(format!("{text:?} is no email address"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_localhost_and_has_a_name() {
        for good in ["http://localhost:8787", "https://desk.example.com", "https://desk.example.com:8443/"] {
            assert!(PublicUrl::read(good).is_ok(), "{good}");
        }
        for bad in [
            "desk",
            "http://desk.example.com",
            "http://127.0.0.1:1",
            "https://[::1]",
            "https://a/b",
            "ftp://localhost",
            "https://u@a.b",
        ] {
            assert!(PublicUrl::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn with_nothing_said_both_loopbacks_are_listened_on() {
        let folder = tempfile::tempdir().unwrap();
        let raw = RawConfig { data_dir: Some(folder.path().to_owned()), ..RawConfig::default() };
        let serve = ServeConfig::check(&raw).unwrap();
        assert_eq!(serve.listen, loopbacks(8787));
        assert_eq!(serve.config.public_url.origin(), "http://localhost:8787");
    }

    #[test]
    fn the_public_address_follows_the_port() {
        let folder = tempfile::tempdir().unwrap();
        let raw = RawConfig {
            data_dir: Some(folder.path().to_owned()),
            listen: Some("127.0.0.1:9000".into()),
            ..RawConfig::default()
        };
        assert_eq!(ServeConfig::check(&raw).unwrap().config.public_url.host(), "localhost:9000");
    }
}
