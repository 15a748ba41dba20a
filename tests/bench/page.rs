//! What a browser loads, and how soon somebody can use it.

use crate::figures::{Line, Sample, kib};
use crate::upstream;
use crate::world::World;
use std::path::Path;
use std::time::Duration;
use support::Browser;

const VISITS: usize = 7;
const SIZE: u64 = 300 * 1_024;

pub(crate) async fn measure() -> Vec<Line> {
    let world = World::start(&upstream::start().await).await;
    let mut times = Vec::new();
    for _ in 0..VISITS {
        // A browser of its own each time: its cache is cold.
        let browser = Browser::start().await;
        browser.open(&format!("{}/sign-in", world.origin)).await;
        times.push(browser.usable_after("not set up yet").await);
        browser.quit().await;
    }
    let times = Sample::of(times);
    let size = brotli(Path::new("ui/dist"));
    vec![
        Line::budgeted("the interface on the wire, brotli", kib(size), "<= 300 KiB", size <= SIZE),
        Line::at_most("usable in Chromium, cold cache, loopback, median", times.quantile(0.5), Duration::from_secs(1)),
    ]
}

/// The size of all that is sent compressed.
fn brotli(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| match path.is_dir() {
            true => brotli(&path),
            false if path.extension().is_some_and(|extension| extension == "br") => path.metadata().unwrap().len(),
            false => 0,
        })
        .sum()
}
