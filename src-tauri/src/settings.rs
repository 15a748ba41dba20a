//! What the app remembers between starts: which desk, and a few wishes. Nothing secret.

use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use url::Url;

/// Which desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "desk", rename_all = "snake_case")]
pub enum Chosen {
    /// The one in the box.
    Here,
    /// A team's.
    At {
        /// Where.
        address: Url,
    },
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// None before the first start's question is answered.
    pub chosen: Option<Chosen>,
    /// The port of the desk in the box, which agents know: kept once it was found.
    pub port: Option<u16>,
    /// Whether no notifications are shown.
    pub do_not_disturb: bool,
}

impl Settings {
    /// What a file says; the defaults where there is none, or none that can be read.
    #[must_use]
    pub fn load(path: &Path) -> Self {
        let read = std::fs::read(path).map_err(io::Error::other);
        let read = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other));
        read.unwrap_or_else(|error| {
            if path.exists() {
                tracing::warn!(%error, "the settings can't be read; starting with none");
            }
            Self::default()
        })
    }

    /// Writes them, all or nothing.
    ///
    /// # Errors
    /// When the folder can't be written to.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        write_privately(path, &text)
    }
}

/// Writes a file that only its owner reads, all of it or nothing.
///
/// # Errors
/// When the folder can't be made or written to.
pub fn write_privately(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    std::fs::create_dir_all(&folder)?;
    let fresh: PathBuf = folder.join(format!(".{}.new", path.file_name().unwrap_or_default().to_string_lossy()));
    // One that a crash left behind may have another mode.
    let _ = std::fs::remove_file(&fresh);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/settings.json");
        assert_eq!(Settings::load(&path), Settings::default());
        let address = Url::parse("https://desk.example.com").unwrap();
        let settings = Settings { chosen: Some(Chosen::At { address }), do_not_disturb: true, ..Settings::default() };
        settings.save(&path).unwrap();
        assert_eq!(Settings::load(&path), settings);
    }

    #[test]
    fn settings_that_are_broken_ask_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, "{").unwrap();
        assert_eq!(Settings::load(&path), Settings::default());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_written_privately_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session");
        write_privately(&path, b"one").unwrap();
        write_privately(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
