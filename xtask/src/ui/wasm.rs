//! The UI's program: compiled for the browser, and bound to JavaScript by wasm-bindgen as a library, so that its
//! version is the locked one and there is nothing to install.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::shell;

/// What wasm-bindgen makes of the compiled program.
#[derive(Default)]
pub(crate) struct Bound {
    pub(crate) loader: String,
    pub(crate) wasm: Vec<u8>,
    /// JavaScript that crates bring along, by its path below `snippets/`.
    pub(crate) snippets: BTreeMap<String, String>,
}

/// Compiles the UI; answers where the wasm is.
///
/// # Errors
/// When it doesn't compile.
pub(crate) fn compile() -> Result<PathBuf> {
    shell::build_binary(
        "countersign-ui",
        &["-p", "countersign-ui", "--bin", "countersign-ui", "--target", "wasm32-unknown-unknown", "--profile", "wasm"],
    )
}

/// Makes the loader and the wasm that goes with it. Only here are names stripped: wasm-bindgen needs them before.
///
/// # Errors
/// When wasm-bindgen refuses the program, most often because its version differs from the UI's.
pub(crate) fn bind(wasm: &Path) -> Result<Bound> {
    let mut output = Bindgen::new()
        .web(true)
        .and_then(|bindgen| {
            bindgen
                .input_path(wasm)
                .typescript(false)
                .remove_name_section(true)
                .remove_producers_section(true)
                .generate_output()
        })
        .with_context(|| format!("wasm-bindgen can't bind {}", wasm.display()))?;
    let mut snippets: BTreeMap<String, String> =
        output.local_modules().iter().map(|(path, text)| (path.clone(), text.clone())).collect();
    for (package, texts) in output.snippets() {
        snippets.extend(texts.iter().enumerate().map(|(i, text)| (format!("{package}/inline{i}.js"), text.clone())));
    }
    Ok(Bound { loader: output.js().to_owned(), wasm: output.wasm_mut().emit_wasm(), snippets })
}
