//! `/docs`: the OpenAPI document as a page to read. Drawn here without a script, so the strict policy of our pages holds.

use super::App;
use super::openapi::{AGENT_CODES, READING_ORDER, document_json};
use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::LazyLock;

pub fn routes() -> Router<App> {
    Router::new().route("/docs", get(get_docs)).route("/docs/style.css", get(get_style))
}

async fn get_docs() -> Html<&'static str> {
    static PAGE: LazyLock<String> = LazyLock::new(|| page(document_json()));
    Html(PAGE.as_str())
}

async fn get_style() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (headers, include_str!("docs.css"))
}

fn page(document: &Value) -> String {
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>For agents · Countersign</title>\
         <link rel=\"stylesheet\" href=\"/docs/style.css\"></head><body><main>",
    );
    // Writing to a string can't fail.
    let _ = write!(html, "<h1>{}</h1>", escaped(text(&document["info"]["title"])));
    for paragraph in text(&document["info"]["description"]).split("\n\n") {
        let _ = write!(html, "<p>{}</p>", inline(paragraph));
    }
    html.push_str(
        "<p>The same for programs: <a href=\"/v1/openapi.json\">/v1/openapi.json</a> (OpenAPI 3.1).</p><nav><ul>",
    );
    for (method, path) in READING_ORDER {
        let _ = write!(
            html,
            "<li><a href=\"#{}\"><b>{}</b> <code>{path}</code></a></li>",
            anchor(method, path),
            upper(method)
        );
    }
    html.push_str("</ul></nav>");
    for (method, path) in READING_ORDER {
        call(&mut html, method, path, &document["paths"][path][method]);
    }
    codes(&mut html);
    html.push_str("</main></body></html>");
    html
}

fn call(html: &mut String, method: &str, path: &str, call: &Value) {
    let _ =
        write!(html, "<section id=\"{}\"><h2><b>{}</b> <code>{path}</code></h2>", anchor(method, path), upper(method));
    let _ = write!(html, "<p class=\"lead\">{}</p>", inline(text(&call["summary"])));
    for paragraph in text(&call["description"]).split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        let _ = write!(html, "<p>{}</p>", inline(paragraph));
    }
    parameters(html, &call["parameters"]);
    let content = &call["requestBody"]["content"]["application/json"];
    example(html, "Body", content);
    answers(html, &call["responses"]);
    html.push_str("</section>");
}

fn parameters(html: &mut String, parameters: &Value) {
    let Some(parameters) = parameters.as_array().filter(|parameters| !parameters.is_empty()) else { return };
    html.push_str("<h3>Parameters</h3><dl>");
    for parameter in parameters {
        let (name, place) = (escaped(text(&parameter["name"])), escaped(text(&parameter["in"])));
        let about = inline(text(&parameter["description"]));
        let _ = write!(html, "<dt><code>{name}</code> <small>{place}</small></dt><dd>{about}</dd>");
    }
    html.push_str("</dl>");
}

fn answers(html: &mut String, responses: &Value) {
    let Some(responses) = responses.as_object() else { return };
    html.push_str("<h3>Answers</h3><dl>");
    for (status, response) in responses {
        let about = inline(text(&response["description"]));
        let _ = write!(html, "<dt><code>{}</code></dt><dd>{about}</dd>", escaped(status));
    }
    html.push_str("</dl>");
    for (status, response) in responses {
        example(html, &format!("Example of {status}"), &response["content"]["application/json"]);
    }
}

fn example(html: &mut String, title: &str, content: &Value) {
    let named =
        content["examples"].as_object().into_iter().flatten().map(|(name, one)| (Some(name.as_str()), &one["value"]));
    let single = content.get("example").map(|one| (None, one));
    for (name, value) in named.chain(single).filter(|(_, value)| !value.is_null()) {
        let title = name.map_or_else(|| title.to_owned(), |name| format!("{title}: {name}"));
        let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
        let _ = write!(html, "<h3>{}</h3><pre>{}</pre>", escaped(&title), escaped(&pretty));
    }
}

fn codes(html: &mut String) {
    html.push_str("<section id=\"errors\"><h2>Errors</h2><p>Every error carries one of these codes.</p><dl>");
    for (code, meaning) in AGENT_CODES {
        let (word, status) = (code.word(), code.status());
        let _ = write!(html, "<dt><code>{word}</code> <small>{status}</small></dt><dd>{}</dd>", inline(meaning));
    }
    html.push_str("</dl></section>");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn upper(method: &str) -> String {
    method.to_ascii_uppercase()
}

fn anchor(method: &str, path: &str) -> String {
    let plain = path.trim_start_matches('/').replace(['/', '{', '}'], "-");
    format!("{method}-{}", plain.trim_end_matches('-'))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Escaped, with what stands between backquotes as code.
fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(index, part)| if index % 2 == 1 { format!("<code>{}</code>", escaped(part)) } else { escaped(part) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_and_every_code_can_be_read_and_nothing_is_loaded_from_elsewhere() {
        let html = page(document_json());
        for (method, path) in READING_ORDER {
            assert!(html.contains(&format!("id=\"{}\"", anchor(method, path))), "{method} {path}");
        }
        assert!(html.contains("idempotency_mismatch"));
        assert!(!html.contains("<script") && !html.contains("https://") && !html.contains("style="));
    }
}
