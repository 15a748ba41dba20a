//! A disk that fails on a word, for the one process that is started on it (`disk.c` says how).

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A disk that can fail. It works until it is told otherwise.
pub struct Disk {
    folder: TempDir,
}

impl Default for Disk {
    fn default() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/support/disk.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let mut compile = Command::new(compiler);
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(folder.path().join("disk.so")).arg(source);
        assert!(compile.status().unwrap().success(), "{source} can't be compiled");
        Self { folder }
    }
}

impl Disk {
    /// From now on nothing reaches the platter: every sync is an error.
    pub fn loses_what_it_takes(&self) {
        fs::write(self.folder.path().join("sync"), "").unwrap();
    }

    /// From now on no file can be written to.
    pub fn turns_read_only(&self) {
        fs::write(self.folder.path().join("read-only"), "").unwrap();
    }

    /// It works again.
    pub fn is_well_again(&self) {
        for word in ["sync", "read-only"] {
            let _ = fs::remove_file(self.folder.path().join(word));
        }
    }

    /// What a process is started with.
    pub(crate) fn variables(&self) -> [(&'static str, PathBuf); 2] {
        [("LD_PRELOAD", self.folder.path().join("disk.so")), ("FAILING_DISK", self.folder.path().to_owned())]
    }
}
