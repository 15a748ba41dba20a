//! Writes `ui/dist`: every file, and beside each that shrinks its brotli and gzip forms, so that the server never
//! compresses. All of it goes to a folder of its own first; the swap comes last.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::page::Asset;

/// Endings of what compresses; pictures and fonts already are.
const COMPRESSIBLE: &[&str] = &["css", "html", "ico", "js", "json", "map", "svg", "txt", "wasm", "webmanifest", "xml"];

/// What became of one file, in bytes. Without compression, `brotli` is the raw size: what goes over the wire.
pub(crate) struct Packed {
    pub(crate) path: String,
    pub(crate) raw: usize,
    pub(crate) brotli: usize,
    pub(crate) first_load: bool,
}

/// Writes everything beside `ui/dist` and swaps it in.
///
/// # Errors
/// When something can't be written; the old `ui/dist` then stays.
pub(crate) fn write(ui: &Path, files: &[Asset], fingerprint: &str) -> Result<Vec<Packed>> {
    let fresh = ui.join("dist.new");
    remove(&fresh)?;
    let packed = files.iter().map(|file| write_one(&fresh, file)).collect::<Result<Vec<_>>>()?;
    fs::write(fresh.join(".fingerprint"), fingerprint).context("the fingerprint can't be written")?;
    swap(ui, &fresh)?;
    Ok(packed)
}

fn write_one(folder: &Path, file: &Asset) -> Result<Packed> {
    let path = folder.join(&file.path);
    let put = |path: &Path, content: &[u8]| {
        fs::write(path, content).with_context(|| format!("{} can't be written", path.display()))
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("{} can't be made", parent.display()))?;
    }
    put(&path, &file.content)?;
    let mut packed = Packed {
        path: file.path.clone(),
        raw: file.content.len(),
        brotli: file.content.len(),
        first_load: file.first_load,
    };
    if is_compressible(&file.path) {
        let (br, gz) = (brotli(&file.content)?, gzip(&file.content)?);
        packed.brotli = br.len();
        put(&folder.join(format!("{}.br", file.path)), &br)?;
        put(&folder.join(format!("{}.gz", file.path)), &gz)?;
    }
    Ok(packed)
}

fn is_compressible(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| COMPRESSIBLE.contains(&ending))
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    // The window covers the whole wasm (22 bits is what every browser takes).
    let how =
        BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: content.len(), ..BrotliEncoderParams::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut packed, &how).context("brotli failed")?;
    Ok(packed)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish().context("gzip failed")
}

/// Puts `fresh` in the place of `ui/dist`; if that fails, the old one goes back.
fn swap(ui: &Path, fresh: &Path) -> Result<()> {
    let (dist, old) = (ui.join("dist"), ui.join("dist.old"));
    remove(&old)?;
    let had_one = dist.exists();
    if had_one {
        fs::rename(&dist, &old).context("ui/dist can't be moved aside")?;
    }
    if let Err(error) = fs::rename(fresh, &dist) {
        if had_one {
            fs::rename(&old, &dist).context("ui/dist.old can't be moved back to ui/dist")?;
        }
        return Err(error).context("ui/dist.new can't be moved to ui/dist");
    }
    remove(&old)
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} can't be removed", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(path: &str, content: &str) -> Asset {
        Asset { path: path.to_owned(), content: content.into(), first_load: true }
    }

    #[test]
    fn text_gets_both_compressed_forms_and_pictures_none() {
        let ui = tempfile::tempdir().unwrap();
        let text = "countersign ".repeat(100);
        let packed = write(ui.path(), &[asset("assets/a.js", &text), asset("icon.png", "png")], "f").unwrap();
        let dist = ui.path().join("dist");
        assert!(packed[0].brotli < packed[0].raw / 4);
        assert_eq!(fs::read(dist.join("assets/a.js.br")).unwrap().len(), packed[0].brotli);
        assert!(dist.join("assets/a.js.gz").is_file());
        assert!(dist.join("icon.png").is_file() && !dist.join("icon.png.br").exists());
        assert_eq!(fs::read_to_string(dist.join(".fingerprint")).unwrap(), "f");
    }

    #[test]
    fn a_new_build_replaces_the_old_one_whole() {
        let ui = tempfile::tempdir().unwrap();
        write(ui.path(), &[asset("old.txt", "1")], "1").unwrap();
        write(ui.path(), &[asset("new.txt", "2")], "2").unwrap();
        let dist = ui.path().join("dist");
        assert!(dist.join("new.txt").is_file() && !dist.join("old.txt").exists());
        assert!(!ui.path().join("dist.new").exists() && !ui.path().join("dist.old").exists());
    }

    #[test]
    fn a_build_that_can_not_be_written_leaves_the_old_one() {
        let ui = tempfile::tempdir().unwrap();
        write(ui.path(), &[asset("index.html", "1")], "1").unwrap();
        let clash = [asset("a", "file"), asset("a/b", "below a file")];
        assert!(write(ui.path(), &clash, "2").is_err());
        assert_eq!(fs::read_to_string(ui.path().join("dist/index.html")).unwrap(), "1");
    }
}
