//! The door that the browser hands the code over at: a port on this machine, open for one sign-in (RFC 8252, section
//! 7.3).

use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

/// The longest head of a request that is read.
const HEAD_LIMIT: usize = 8 * 1024;
/// How long a caller may take to say what they want.
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module.
pub struct Door {
    listener: TcpListener,
    redirect_uri: String,
}

impl Door {
    /// Opens one.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let redirect_uri = format!("http://127.0.0.1:{}/", listener.local_addr()?.port());
        Ok(Self { listener, redirect_uri })
    }

    /// Where it is.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The code, once somebody brings it along with this state. Callers are heard side by side: a browser opens
    /// connections that it then says nothing on.
    pub async fn code(self, state: &str) -> String {
        let mut callers = JoinSet::new();
        loop {
            tokio::select! {
                taken = self.listener.accept() => match taken {
                    Ok((caller, _)) => {
                        callers.spawn(answer_one(caller, state.to_owned()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "nobody can be taken in; trying again");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(Ok(Some(code))) = callers.join_next() => return code,
            }
        }
    }
}

/// Answers one caller; the code, where they brought it.
async fn answer_one(mut caller: TcpStream, state: String) -> Option<String> {
    let head = tokio::time::timeout(PATIENCE, head(&mut caller)).await.ok().flatten().unwrap_or_default();
    let code = code_in(&head, &state);
    let answer = if code.is_some() { answer("200 OK", DONE) } else { answer("404 Not Found", NOTHING) };
    // Whoever brought it may be gone; the code is here all the same.
    let _ = caller.write_all(answer.as_bytes()).await;
    let _ = caller.shutdown().await;
    code
}

async fn head(caller: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 1_024];
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = caller.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        if bytes.len() > HEAD_LIMIT {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The code in a request's first line, where the state is the one that was sent along.
fn code_in(head: &str, state: &str) -> Option<String> {
    let target = head.strip_prefix("GET /")?.split(' ').next()?;
    let url = Url::parse("http://127.0.0.1/").ok()?.join(target).ok().filter(|url| url.path() == "/")?;
    let asked = |name: &str| {
        let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        found.next().filter(|_| found.next().is_none())
    };
    let code = asked("code").filter(|code| !code.is_empty())?;
    (asked("state")? == state).then_some(code)
}

const DONE: &str = "<h1>You are signed in</h1><p>Close this tab and go back to the Countersign app.</p>";
const NOTHING: &str = "<h1>There is nothing here</h1><p>Go back to the Countersign app and sign in once more.</p>";

fn answer(status: &str, words: &str) -> String {
    let style = "body{font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:18vh auto;padding:0 1em;color-scheme:light dark}";
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Countersign</title><style>{style}</style>{words}</html>"
    );
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nReferrer-Policy: no-referrer\r\n\
         Connection: close\r\n\r\n{page}",
        page.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_counts_with_the_state_that_was_sent_along_and_no_other() {
        let code = |line: &str| code_in(&format!("{line}\r\nHost: 127.0.0.1\r\n\r\n"), "s 1");
        assert_eq!(code("GET /?code=abc&state=s%201 HTTP/1.1").as_deref(), Some("abc"));
        for other in [
            "GET /?code=abc&state=other HTTP/1.1",
            "GET /?code=abc HTTP/1.1",
            "GET /?code=&state=s%201 HTTP/1.1",
            "GET /?code=a&code=b&state=s%201 HTTP/1.1",
            "GET /favicon.ico?code=abc&state=s%201 HTTP/1.1",
            "GET //evil.test/?code=abc&state=s%201 HTTP/1.1",
            "POST /?code=abc&state=s%201 HTTP/1.1",
            "",
        ] {
            assert_eq!(code(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn the_door_stays_open_until_the_right_one_comes() {
        let door = Door::open().await.unwrap();
        let address = door.redirect_uri().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let waiting = tokio::spawn(door.code("right"));
        let _silent = TcpStream::connect(&address).await.unwrap();
        for (state, status) in [("wrong", "404"), ("right", "200")] {
            let mut caller = TcpStream::connect(&address).await.unwrap();
            let line = format!("GET /?code=abc&state={state} HTTP/1.1\r\n\r\n");
            caller.write_all(line.as_bytes()).await.unwrap();
            let mut said = String::new();
            caller.read_to_string(&mut said).await.unwrap();
            assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said}");
        }
        assert_eq!(waiting.await.unwrap(), "abc");
    }
}
