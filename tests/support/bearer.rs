//! Something between a client that can show no key and a desk that wants one: it adds the agent's.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A door to one desk, for one agent; it closes with the story.
pub struct Bearer {
    /// `http://localhost:<port>`.
    pub origin: String,
    serving: JoinHandle<()>,
}

#[derive(Clone)]
struct Door {
    here: String,
    there: String,
    key: String,
    client: Client,
}

impl Bearer {
    /// Opens a door to the server at this origin, for the agent with this key.
    pub async fn to(origin: &str, key: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = format!("localhost:{}", listener.local_addr().unwrap().port());
        let there = origin.trim_start_matches("http://").to_owned();
        let door = Door { here: here.clone(), there, key: key.to_owned(), client: Client::new() };
        let app = Router::new().fallback(forward).with_state(door);
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { origin: format!("http://{here}"), serving }
    }
}

impl Drop for Bearer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn forward(State(door): State<Door>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let url = format!("http://{}{}", door.there, head.uri);
    let body = reqwest::Body::wrap_stream(body.into_data_stream());
    let sent = door.client.request(head.method, url).headers(door.as_the_desk_knows_it(head.headers)).body(body);
    let answer = sent.bearer_auth(&door.key).send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    *response.headers_mut().unwrap() = answer.headers().clone();
    response.headers_mut().unwrap().remove(header::TRANSFER_ENCODING);
    response.body(Body::from_stream(answer.bytes_stream())).unwrap()
}

impl Door {
    /// The desk answers to its own name: where the client named this door, it is told the desk's. Any other name stays,
    /// for the desk to refuse.
    fn as_the_desk_knows_it(&self, mut headers: HeaderMap) -> HeaderMap {
        for name in [header::HOST, header::ORIGIN] {
            if let Some(value) = headers.get_mut(name) {
                let said = value.to_str().unwrap().replace(&self.here, &self.there);
                *value = HeaderValue::from_str(&said).unwrap();
            }
        }
        // The body goes on in pieces as it comes.
        headers.remove(header::CONTENT_LENGTH);
        headers
    }
}
