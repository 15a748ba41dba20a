//! `cargo xtask ui`: from the UI's sources to `ui/dist`, which the server embeds. The parts: `sources` (what it is
//! made of, and whether that changed), `page` (the files and their hashed names), `pack` (compressing and writing).

mod pack;
mod page;
mod sources;
mod wasm;

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

pub(crate) use page::content_hash;

use crate::{shell, tools};
use pack::Packed;

/// The UI's budget for the wire, brotli (architecture.md, section 15).
const BUDGET: usize = 300_000;
const POLL: Duration = Duration::from_millis(500);

/// Builds `ui/dist`, or leaves it alone if nothing that it is made of has changed.
///
/// # Errors
/// When the UI doesn't compile, a source is missing, or the folder can't be written. The old `ui/dist` then stays.
pub(crate) fn build() -> Result<()> {
    let root = shell::root();
    let _alone = only_one(&root)?;
    let fingerprint = sources::fingerprint(&root)?;
    if sources::is_current(&root, &fingerprint) {
        eprintln!("      ui/dist is up to date");
        return Ok(());
    }
    tools::wasm_target()?;
    let wasm = wasm::compile()?;
    eprintln!("      packing");
    let files = page::assemble(&root.join("ui"), wasm::bind(&wasm)?)?;
    let packed = pack::write(&root.join("ui"), &files, &fingerprint)?;
    report(&packed);
    Ok(())
}

/// Builds now and after every change, until Ctrl-C. A failed build is shown and the next change is waited for.
///
/// # Errors
/// When the sources can't be read at all.
pub(crate) fn watch() -> Result<()> {
    let root = shell::root();
    loop {
        let tried = sources::fingerprint(&root)?;
        if let Err(error) = build() {
            eprintln!("\nxtask: {error:#}");
        }
        eprintln!("      watching ui, wire and domain; Ctrl-C ends it");
        while sources::fingerprint(&root).is_ok_and(|now| now == tried) {
            thread::sleep(POLL);
        }
    }
}

/// Two tasks in one clone must not write one `ui/dist` at once: the second waits, and then finds it up to date.
fn only_one(root: &Path) -> Result<File> {
    let path = root.join("ui/dist.lock");
    fs::create_dir_all(root.join("ui"))?;
    let lock = File::create(&path).with_context(|| format!("{} can't be written", path.display()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("      waiting for another build of the user interface");
            lock.lock()?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).context("ui/dist.lock can't be locked");
        }
    }
    Ok(lock)
}

fn report(packed: &[Packed]) {
    let wire: usize = packed.iter().filter(|file| file.first_load).map(|file| file.brotli).sum();
    for file in packed.iter().filter(|file| file.first_load) {
        eprintln!("      {:<44} {:>9} {:>9} brotli", file.path, kb(file.raw), kb(file.brotli));
    }
    let verdict = if wire > BUDGET { "OVER the budget of" } else { "within the budget of" };
    eprintln!("      on the wire: {} brotli, {verdict} {}", kb(wire), kb(BUDGET));
}

fn kb(bytes: usize) -> String {
    format!("{}.{} KB", bytes / 1_000, bytes % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::kb;

    #[test]
    fn sizes_read_in_kilobytes() {
        assert_eq!(kb(0), "0.0 KB");
        assert_eq!(kb(1_560), "1.5 KB");
        assert_eq!(kb(300_000), "300.0 KB");
    }
}
