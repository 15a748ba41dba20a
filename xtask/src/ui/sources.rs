//! What `ui/dist` is made of, as one hash: when it is the same as last time, there is nothing to do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::page::hex;

/// Everything that can change the result: the crates that go into the wasm, the locked versions, and this builder.
const SOURCES: &[&str] = &["ui", "wire", "domain", "xtask/src/ui", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];

/// SHA-256 over the names and contents of all sources.
///
/// # Errors
/// When one can't be read.
pub(crate) fn fingerprint(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&root.join(source), &mut files)?;
    }
    files.sort();
    let mut sum = Sha256::new();
    for file in &files {
        let content = fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy();
        // Lengths, so that moving a byte from one file to the next is a change.
        sum.update((name.len() as u64).to_be_bytes());
        sum.update(name.as_bytes());
        sum.update((content.len() as u64).to_be_bytes());
        sum.update(&content);
    }
    Ok(hex(&sum.finalize()))
}

/// Whether `ui/dist` is whole and made of exactly this.
pub(crate) fn is_current(root: &Path, fingerprint: &str) -> bool {
    let dist = root.join("ui/dist");
    dist.join("index.html").is_file()
        && fs::read_to_string(dist.join(".fingerprint")).is_ok_and(|built| built == fingerprint)
}

/// Adds every file below `path`. Our own results (`dist`, `dist.*`) and hidden files (editors' swap files) don't count.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    if !path.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("{} can't be read", path.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name == "dist" || name.starts_with("dist.") || name.starts_with('.') {
            continue;
        }
        collect(&entry.path(), files)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_sources() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("ui/src")).unwrap();
        fs::write(root.path().join("ui/src/main.rs"), "fn main() {}").unwrap();
        fs::write(root.path().join("Cargo.lock"), "one").unwrap();
        root
    }

    #[test]
    fn a_changed_source_or_lock_file_changes_the_fingerprint() {
        let root = given_sources();
        let first = fingerprint(root.path()).unwrap();
        fs::write(root.path().join("Cargo.lock"), "two").unwrap();
        let second = fingerprint(root.path()).unwrap();
        fs::rename(root.path().join("ui/src/main.rs"), root.path().join("ui/src/lib.rs")).unwrap();
        let third = fingerprint(root.path()).unwrap();
        assert_ne!(first, second);
        assert_ne!(second, third);
    }

    #[test]
    fn what_the_build_writes_and_hidden_files_do_not() {
        let root = given_sources();
        let before = fingerprint(root.path()).unwrap();
        fs::create_dir_all(root.path().join("ui/dist")).unwrap();
        fs::write(root.path().join("ui/dist/index.html"), "x").unwrap();
        fs::write(root.path().join("ui/dist.lock"), "").unwrap();
        fs::write(root.path().join("ui/src/.main.rs.swp"), "x").unwrap();
        assert_eq!(fingerprint(root.path()).unwrap(), before);
    }

    #[test]
    fn a_result_is_current_only_when_it_is_whole_and_of_these_sources() {
        let root = given_sources();
        let dist = root.path().join("ui/dist");
        fs::create_dir_all(&dist).unwrap();
        fs::write(dist.join(".fingerprint"), "abc").unwrap();
        assert!(!is_current(root.path(), "abc"));
        fs::write(dist.join("index.html"), "x").unwrap();
        assert!(is_current(root.path(), "abc"));
        assert!(!is_current(root.path(), "def"));
    }
}
