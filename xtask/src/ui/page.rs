//! The files of the page: content-hashed names below `/assets`, the template `ui/index.html` filled with them, and
//! whatever lies in `ui/static` as it is. No code stands in the page itself: its CSP allows none.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::wasm::Bound;

/// One file of `ui/dist`.
pub(crate) struct Asset {
    /// Below `ui/dist`, with `/`.
    pub(crate) path: String,
    pub(crate) content: Vec<u8>,
    /// Every visitor fetches it before the page can be used, so it counts towards the budget.
    pub(crate) first_load: bool,
}

/// Puts the page together.
///
/// # Errors
/// When the template or the styles are missing, or the template asks for something that there isn't.
pub(crate) fn assemble(ui: &Path, bound: Bound) -> Result<Vec<Asset>> {
    let mut files = copied(&ui.join("static"))?;
    let snippets = snippets_folder(&bound);
    for (path, text) in &bound.snippets {
        files.push(Asset {
            path: format!("assets/{snippets}/{path}"),
            content: text.clone().into_bytes(),
            first_load: true,
        });
    }
    let loader = bound.loader.replace("./snippets/", &format!("./{snippets}/"));
    let script = add(&mut files, "countersign", "js", loader.into_bytes());
    let wasm = add(&mut files, "countersign", "wasm", bound.wasm);
    let styles = add(&mut files, "countersign", "css", styles(&ui.join("styles"))?.into_bytes());
    let boot = add(&mut files, "boot", "js", boot(&script, &wasm).into_bytes());
    let template =
        fs::read_to_string(ui.join("index.html")).context("ui/index.html, the page's template, can't be read")?;
    let page = fill(&template, &[("script", &script), ("wasm", &wasm), ("styles", &styles), ("boot", &boot)])?;
    files.push(Asset { path: "index.html".to_owned(), content: page.into_bytes(), first_load: true });
    Ok(files)
}

/// Adds a file under its hashed name and answers its URL.
fn add(files: &mut Vec<Asset>, stem: &str, ending: &str, content: Vec<u8>) -> String {
    let path = format!("assets/{stem}-{}.{ending}", content_hash(&content));
    let url = format!("/{path}");
    files.push(Asset { path, content, first_load: true });
    url
}

/// The script that starts the page. If the browser can't, `data-boot="failed"` on `<html>` lets the styles say so.
fn boot(script: &str, wasm: &str) -> String {
    format!(
        "import start from \"{script}\";\n\
         start({{ module_or_path: \"{wasm}\" }}).catch((error) => {{\n  \
           document.documentElement.dataset.boot = \"failed\";\n  \
           throw error;\n\
         }});\n"
    )
}

/// `snippets-<hash>`: the loader imports them by relative path, so the hash goes on the folder that they share.
fn snippets_folder(bound: &Bound) -> String {
    let all: String = bound.snippets.iter().map(|(path, text)| format!("{path}\n{text}\n")).collect();
    format!("snippets-{}", content_hash(all.as_bytes()))
}

/// `ui/styles/*.css`, one after the other in the order of their names.
fn styles(folder: &Path) -> Result<String> {
    let entries = fs::read_dir(folder).context("ui/styles, the page's style sheets, can't be read")?;
    let mut sheets = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    sheets.retain(|path| path.extension().is_some_and(|ending| ending == "css"));
    sheets.sort();
    let mut all = String::new();
    for sheet in sheets {
        let text = fs::read_to_string(&sheet).with_context(|| format!("{} can't be read", sheet.display()))?;
        all.push_str(text.trim_end());
        all.push('\n');
    }
    Ok(all)
}

/// Everything below `ui/static`, under its own name. There may be none.
fn copied(folder: &Path) -> Result<Vec<Asset>> {
    let mut files = Vec::new();
    if folder.is_dir() {
        copy_into(&mut files, folder, "")?;
    }
    Ok(files)
}

fn copy_into(files: &mut Vec<Asset>, folder: &Path, below: &str) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))? {
        let entry = entry?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            copy_into(files, &entry.path(), &format!("{path}/"))?;
        } else {
            let content =
                fs::read(entry.path()).with_context(|| format!("{} can't be read", entry.path().display()))?;
            files.push(Asset { path, content, first_load: false });
        }
    }
    Ok(())
}

/// Replaces each `{{name}}`. `boot` must be among them, or the page would never start.
fn fill(template: &str, values: &[(&str, &str)]) -> Result<String> {
    let mut page = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").context("ui/index.html has a `{{` without its `}}`")?;
        let Some((_, value)) = values.iter().find(|(known, _)| *known == name.trim()) else {
            let known: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
            bail!("ui/index.html asks for {{{{{name}}}}}, which there isn't: there are {}", known.join(", "));
        };
        page.push_str(before);
        page.push_str(value);
        rest = after;
    }
    page.push_str(rest);
    let boot = values.iter().find(|(name, _)| *name == "boot");
    if boot.is_some_and(|(_, url)| !page.contains(url)) {
        bail!("ui/index.html has no {{{{boot}}}}, so the page would never start");
    }
    Ok(page)
}

/// The first 16 hex digits of SHA-256: a name that changes with the content, so that browsers may keep the file forever.
pub(crate) fn content_hash(content: &[u8]) -> String {
    hex(&Sha256::digest(content)[..8])
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_ui(template: &str) -> tempfile::TempDir {
        let ui = tempfile::tempdir().unwrap();
        fs::create_dir_all(ui.path().join("styles")).unwrap();
        fs::write(ui.path().join("styles/20-table.css"), "td{}\n\n").unwrap();
        fs::write(ui.path().join("styles/10-tokens.css"), ":root{}").unwrap();
        fs::write(ui.path().join("styles/notes.md"), "not a sheet").unwrap();
        fs::create_dir_all(ui.path().join("static/icons")).unwrap();
        fs::write(ui.path().join("static/icons/seal.svg"), "<svg/>").unwrap();
        fs::write(ui.path().join("index.html"), template).unwrap();
        ui
    }

    fn text_of<'f>(files: &'f [Asset], start: &str) -> &'f str {
        let file = files.iter().find(|file| file.path.starts_with(start)).unwrap();
        std::str::from_utf8(&file.content).unwrap()
    }

    #[test]
    fn a_hash_is_sixteen_hex_digits_of_sha256() {
        assert_eq!(content_hash(b""), "e3b0c44298fc1c14");
        assert_eq!(content_hash(b"abc"), "ba7816bf8f01cfea");
    }

    #[test]
    fn the_template_gets_its_urls_and_the_rest_stays() {
        let page = fill("<a {{ boot }}>{ {{wasm}}</a>", &[("boot", "/b.js"), ("wasm", "/w")]).unwrap();
        assert_eq!(page, "<a /b.js>{ /w</a>");
    }

    #[test]
    fn a_template_that_can_not_work_is_refused_in_words() {
        let values = [("boot", "/b.js")];
        let unknown = fill("{{boot}}{{logo}}", &values).unwrap_err().to_string();
        assert_eq!(unknown, "ui/index.html asks for {{logo}}, which there isn't: there are boot");
        assert!(fill("{{boot}} {{", &values).unwrap_err().to_string().contains("without its"));
        assert!(fill("<html>", &values).unwrap_err().to_string().contains("never start"));
    }

    #[test]
    fn the_page_is_assembled_with_hashed_names() {
        let ui = given_ui("{{script}} {{wasm}} {{styles}} {{boot}}");
        let files =
            assemble(ui.path(), Bound { loader: "load()".to_owned(), wasm: b"abc".to_vec(), ..Bound::default() })
                .unwrap();
        assert_eq!(text_of(&files, "assets/countersign-ba7816bf8f01cfea.wasm"), "abc");
        assert_eq!(text_of(&files, "icons/seal.svg"), "<svg/>");
        assert!(files.iter().any(|file| file.path.ends_with(".css") && file.content == b":root{}\ntd{}\n"));
        let boot = text_of(&files, "assets/boot-");
        assert!(boot.contains("module_or_path: \"/assets/countersign-ba7816bf8f01cfea.wasm\""));
        let page = text_of(&files, "index.html");
        assert!(page.contains(&format!("/assets/boot-{}.js", content_hash(boot.as_bytes()))));
    }

    #[test]
    fn snippets_keep_their_paths_below_a_hashed_folder() {
        let ui = given_ui("{{boot}}");
        let snippets = [("crate-1/inline0.js".to_owned(), "export {}".to_owned())].into();
        let loader = "import { x } from './snippets/crate-1/inline0.js';".to_owned();
        let files = assemble(ui.path(), Bound { loader, wasm: Vec::new(), snippets }).unwrap();
        let folder = files.iter().find_map(|file| file.path.strip_suffix("/crate-1/inline0.js")).unwrap();
        let name = folder.strip_prefix("assets/").unwrap();
        assert!(
            files
                .iter()
                .any(|file| file.content == format!("import {{ x }} from './{name}/crate-1/inline0.js';").into_bytes())
        );
    }
}
