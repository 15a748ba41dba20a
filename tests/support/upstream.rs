//! An HTTP upstream that counts what reaches it, byte for byte, and answers with whatever it was told.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// An upstream that records.
pub struct Upstream {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
}

impl Upstream {
    /// Answers every request with this body and 200.
    pub async fn answering(body: &str) -> Self {
        Self::raw(&format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    }

    /// Answers every request with these bytes and closes; with none, it closes without a word.
    pub async fn raw(answer: &str) -> Self {
        Self::saying(answer, true).await
    }

    /// Answers each request with the next of these, and those after the last as that one.
    pub async fn in_turn(answers: &[&str]) -> Self {
        Self::serving(answers, true, None).await
    }

    /// Answers every request with these bytes and then hangs: it neither says more nor closes.
    pub async fn hanging(answer: &str) -> Self {
        Self::saying(answer, false).await
    }

    /// Reads every request and answers it when the gate opens.
    pub async fn behind(gate: watch::Receiver<bool>, answer: &str) -> Self {
        Self::serving(&[answer], true, Some(gate)).await
    }

    async fn saying(answer: &str, closes: bool) -> Self {
        Self::serving(&[answer], closes, None).await
    }

    async fn serving(answers: &[&str], closes: bool, gate: Option<watch::Receiver<bool>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (counter, count) = watch::channel(0);
        let recorder = Arc::clone(&requests);
        let answers: Arc<[String]> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answers, recorder, counter) = (Arc::clone(&answers), Arc::clone(&recorder), counter.clone());
                let gate = gate.clone();
                tokio::spawn(async move {
                    if let Some(request) = read(&mut stream).await {
                        let answer = {
                            let mut requests = recorder.lock().unwrap();
                            requests.push(request);
                            answers[requests.len().min(answers.len()) - 1].clone()
                        };
                        counter.send_modify(|count| *count += 1);
                        if let Some(mut gate) = gate {
                            gate.wait_for(|open| *open).await.unwrap();
                        }
                        let _ = stream.write_all(answer.as_bytes()).await;
                        if !closes {
                            std::future::pending::<()>().await;
                        }
                    }
                });
            }
        });
        Self { url, requests, count }
    }

    /// What has come so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until this many requests have come.
    pub async fn received(&self, many: usize) {
        self.count.clone().wait_for(|count| *count >= many).await.unwrap();
    }
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned());
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").and_then(|length| length.trim().parse::<usize>().ok())
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(text.into_owned());
        }
    }
}
