//! The address of an MCP server that is connected to, as a line.

use super::draw::{Drawing, Lines};
use super::{Redactions, Segment};

/// `mcp` and the whole URL; a path that looks like it holds a key is hidden, the host never.
#[must_use]
pub fn endpoint_segments(url: &str, redact: Redactions) -> Vec<Segment> {
    let mut drawing = Drawing::default();
    drawing.text("mcp ", Lines::One);
    let after_host = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at);
    let (host, path) = url.split_at(after_host);
    drawing.text(host, Lines::One);
    match path.split('/').any(|segment| !redact.parts(segment).is_empty()) {
        true => drawing.redacted(path),
        false => drawing.text(path, Lines::One),
    }
    drawing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(url: &str) -> String {
        let segments = endpoint_segments(url, Redactions::secrets()).into_iter();
        let words = segments.map(|segment| match segment {
            Segment::Text { text } => text,
            Segment::Redacted { note } => format!("<{note}>"),
            other => format!("{other:?}"),
        });
        words.collect()
    }

    #[test]
    fn the_host_is_always_shown_and_a_key_in_the_path_never() {
        assert_eq!(drawn("https://mcp.acme.test/mcp"), "mcp https://mcp.acme.test/mcp");
        let with_key = drawn("https://mcp.acme.test/s/sk_live_4eC39HqLyjWDarjtT1zdp7dc/mcp");
        assert_eq!(with_key, "mcp https://mcp.acme.test<redacted, 39 characters>");
    }
}
