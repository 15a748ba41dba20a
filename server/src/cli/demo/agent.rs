//! The demo's agent: it asks over HTTP with its own key, like any other.

use super::super::say;
use crate::config::PublicUrl;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the agent rests between two asks.
const PAUSE: Duration = Duration::from_secs(8);
/// How long it rests after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Asks on and on: something to write and something to delete always wait.
pub(super) async fn ask_on(desk: PublicUrl, key: SecretString) {
    let agent = Agent { client: reqwest::Client::new(), desk, key };
    agent.list().await;
    tokio::join!(agent.write_on(), agent.delete_on());
}

struct Agent {
    client: reqwest::Client,
    desk: PublicUrl,
    key: SecretString,
}

impl Agent {
    async fn list(&self) {
        let body = json!({"connector": "notes", "tool": "list"});
        // The desk starts its upstream at this moment; the agent is as patient as a real one would be.
        for _ in 0..20 {
            if let Ok(answer) = self.call(&body).await
                && answer["state"] == "succeeded"
            {
                say("notes-agent listed the notes: reading is allowed by policy.");
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn write_on(&self) {
        for number in 1_u32.. {
            let name = format!("Call with Acme {number}");
            self.ask(&json!({
                "connector": "notes",
                "tool": "write",
                "arguments": {"name": name, "text": "Mina spoke with Acme today. They renew for a year at the same price.\n"},
                "reason": "Mina asked me to keep notes of her customer calls.",
            }))
            .await;
        }
    }

    async fn delete_on(&self) {
        loop {
            self.ask(&json!({
                "connector": "notes",
                "tool": "delete",
                "arguments": {"name": "Old price list"},
                "reason": "The old price list is superseded; I am tidying up.",
            }))
            .await;
        }
    }

    /// Asks, waits for the end, says what it was, and rests.
    async fn ask(&self, body: &Value) {
        let tool = body["tool"].as_str().unwrap_or_default();
        match self.ask_and_wait(body).await {
            Ok(ended) => {
                let state = ended["state"].as_str().unwrap_or("gone").replace('_', " ");
                say(format_args!("notes-agent asked for {tool}: {state}."));
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                tracing::debug!(%error, "the demo's agent could not ask");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }

    async fn ask_and_wait(&self, body: &Value) -> Result<Value, reqwest::Error> {
        let mut answer = self.call(body).await?;
        while answer["status"] == "pending" || answer["state"] == "executing" || answer["state"] == "approved" {
            let id = answer["approval_id"].as_str().unwrap_or_default();
            let url = self.desk.with_path(&format!("/v1/approvals/{id}?wait=50"));
            answer = self.client.get(url).bearer_auth(self.key.expose_secret()).send().await?.json().await?;
        }
        Ok(answer)
    }

    async fn call(&self, body: &Value) -> Result<Value, reqwest::Error> {
        let url = self.desk.with_path("/v1/actions");
        self.client.post(url).bearer_auth(self.key.expose_secret()).json(body).send().await?.json().await
    }
}
