//! The log: a file of the app's own, since nobody sees what an app prints. The one before it is kept beside it: the last
//! start's, or the beginning of this one's where it ran long.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

/// What is logged unless `COUNTERSIGN_LOG_FILTER` says otherwise. What the libraries say is ours to say at the boundary.
const FILTER: &str = "info,rmcp=warn,zbus=warn,tao=warn,wry=warn,rustls_platform_verifier=off";

/// The most bytes of a log before the next one is begun.
const LIMIT: u64 = 5 * 1024 * 1024;

/// The file in the folder.
fn file(folder: &Path) -> PathBuf {
    folder.join("countersign.log")
}

/// The one before it.
fn before(folder: &Path) -> PathBuf {
    folder.join("countersign.last.log")
}

/// Starts it. An app that can't write its log works all the same.
pub fn start(folder: &Path) {
    let filter = EnvFilter::try_from_env("COUNTERSIGN_LOG_FILTER").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).log_internal_errors(false);
    // Refused only when a log was started already, and then that one serves.
    let _ = match Log::begin(folder, LIMIT) {
        Ok(file) => log.with_writer(Mutex::new(file)).try_init(),
        Err(_) => log.with_writer(io::stderr).try_init(),
    };
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        tracing::error!(%info, "something broke");
        before(info);
    }));
}

/// The end of it and of the one before it, each of at most so many bytes; empty where none can be read.
#[must_use]
pub fn end(folder: &Path, most: u64) -> String {
    let end = |file: &Path| read_end(file, most).unwrap_or_default();
    end(&before(folder)) + &end(&file(folder))
}

fn read_end(path: &Path, most: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut end = Vec::new();
    file.take(most).read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

/// A file that is begun anew where it would grow over its limit.
struct Log {
    folder: PathBuf,
    file: File,
    left: u64,
    limit: u64,
}

impl Log {
    fn begin(folder: &Path, limit: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = file(folder);
        // Where that can't be, this one goes on.
        let _ = std::fs::rename(&path, before(folder));
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self { folder: folder.to_owned(), file, left: limit, limit })
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len() as u64;
        if length > self.left
            && self.left < self.limit
            && let Ok(next) = Self::begin(&self.folder, self.limit)
        {
            *self = next;
        }
        self.file.write_all(bytes)?;
        self.left = self.left.saturating_sub(length);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &Path) -> String {
        std::fs::read_to_string(file).unwrap()
    }

    #[test]
    fn each_start_begins_a_log_and_keeps_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        for start in ["one", "two", "three"] {
            Log::begin(folder.path(), LIMIT).unwrap().write_all(start.as_bytes()).unwrap();
        }
        assert_eq!((read(&before(folder.path())), read(&file(folder.path()))), ("two".to_owned(), "three".to_owned()));
        assert_eq!(end(folder.path(), 4), "twohree", "what came before a crash goes along");
    }

    #[test]
    fn a_log_that_runs_long_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::begin(folder.path(), 10).unwrap();
        for line in ["12345", "678", "9abcd", "a line that is longer than all", "end"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(read(&file(folder.path())), "end");
        assert_eq!(read(&before(folder.path())), "a line that is longer than all");
    }

    #[test]
    fn a_log_that_can_not_be_begun_anew_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(before(folder.path()).join("in the way")).unwrap();
        let mut log = Log::begin(folder.path(), 5).unwrap();
        for line in ["12345", "678"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(read(&file(folder.path())), "12345678");
    }
}
