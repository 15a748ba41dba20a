//! The log: a file of the app's own, since nobody sees what an app prints. The last start's is kept beside it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

/// What is logged unless `COUNTERSIGN_LOG_FILTER` says otherwise. What the libraries say is ours to say at the boundary.
const FILTER: &str = "info,rmcp=warn,zbus=warn,tao=warn,wry=warn";

/// The file in the folder.
#[must_use]
pub fn file(folder: &Path) -> PathBuf {
    folder.join("countersign.log")
}

/// Starts it. An app that can't write its log works all the same.
pub fn start(folder: &Path) {
    let filter = EnvFilter::try_from_env("COUNTERSIGN_LOG_FILTER").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).log_internal_errors(false);
    // Refused only when a log was started already, and then that one serves.
    let _ = match begin(folder) {
        Ok(file) => log.with_writer(Mutex::new(file)).try_init(),
        Err(_) => log.with_writer(io::stderr).try_init(),
    };
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        tracing::error!(%info, "something broke");
        before(info);
    }));
}

fn begin(folder: &Path) -> io::Result<File> {
    std::fs::create_dir_all(folder)?;
    let file = file(folder);
    if file.exists() {
        std::fs::rename(&file, folder.join("countersign.last.log"))?;
    }
    File::options().create(true).append(true).open(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn each_start_begins_a_log_and_keeps_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        for start in ["one", "two", "three"] {
            begin(folder.path()).unwrap().write_all(start.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file(folder.path())).unwrap(), "three");
        assert_eq!(std::fs::read_to_string(folder.path().join("countersign.last.log")).unwrap(), "two");
    }
}
