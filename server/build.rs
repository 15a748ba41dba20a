//! Tells cargo to embed the interface again when it was built anew.

use std::path::Path;

fn main() {
    // Without a built interface, the parent folder changes when one appears.
    let watched = if Path::new("../ui/dist").exists() { "../ui/dist" } else { "../ui" };
    println!("cargo:rerun-if-changed={watched}");
}
