//! Webhooks: a flow's, in the shape that its receiver reads, and an agent's callback, which says only which request
//! moved to where.

use super::post::{self, Post, Reply};
use super::signature::{SigningKey, seconds};
use super::{Courier, Destination, Failure, Message, chat};
use crate::connectors::check_literal;
use countersign_domain::flow::WebhookTemplate;
use futures::future::BoxFuture;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

/// Calls webhooks.
#[derive(Default)]
pub(super) struct Webhook {
    post: Post,
}

impl Webhook {
    async fn to_flow(
        &self,
        message: &Message,
        url: &str,
        secret: Option<&SecretString>,
        template: WebhookTemplate,
    ) -> Result<(), Failure> {
        let url = address(url, "The webhook")?;
        let (url, body) = match template {
            WebhookTemplate::Json => (url, chat::json(message)),
            WebhookTemplate::Slack => (url, chat::slack(message)),
            WebhookTemplate::Discord => (url, chat::discord(message)),
            WebhookTemplate::Mattermost => (url, chat::mattermost(message)),
            WebhookTemplate::Ntfy => {
                let (url, topic) = topic(url)?;
                (url, chat::ntfy(message, &topic))
            }
        };
        call(self.post.anywhere()?, message, url, secret, &body, "The webhook").await
    }

    /// An agent gives its own address, so it leads outside only.
    async fn to_agent(&self, message: &Message, url: &str, secret: Option<&SecretString>) -> Result<(), Failure> {
        let url = address(url, "The callback")?;
        if let Some(host) = url.host()
            && check_literal(&host, false).is_err()
        {
            let why = "The callback has a private or reserved address; only public ones are called.";
            return Err(Failure::Never(why.to_owned()));
        }
        let body = callback(message)?;
        call(self.post.public()?, message, url, secret, &body, "The callback").await
    }
}

impl Courier for Webhook {
    fn deliver<'a>(&'a self, message: &'a Message, to: &'a Destination) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            match to {
                Destination::Webhook { url, secret, template } => {
                    self.to_flow(message, url, secret.as_ref(), *template).await
                }
                Destination::Callback { url, secret } => self.to_agent(message, url, secret.as_ref()).await,
                _ => Err(Failure::Never("A webhook goes to an address on the web.".to_owned())),
            }
        })
    }
}

fn address(url: &str, whom: &str) -> Result<Url, Failure> {
    Url::parse(url).map_err(|_| Failure::Never(format!("{whom} has an address that can't be called.")))
}

/// An ntfy address without its topic, which stands last in its path, and the topic.
fn topic(mut url: Url) -> Result<(Url, String), Failure> {
    let none = || Failure::Never("The webhook's address names no ntfy topic, as in https://ntfy.sh/topic.".to_owned());
    let topic = url.path_segments().and_then(|mut parts| parts.next_back().map(str::to_owned)).unwrap_or_default();
    if topic.is_empty() {
        return Err(none());
    }
    url.path_segments_mut().map_err(|()| none())?.pop();
    Ok((url, topic))
}

/// Only which request and its state: whoever hears it asks for the rest with the agent's own key.
fn callback(message: &Message) -> Result<Value, Failure> {
    let about =
        message.about.as_deref().ok_or_else(|| Failure::Never("There is nothing to call back of.".to_owned()))?;
    Ok(json!({
        "type": format!("request.{}", about.state.word()),
        "timestamp": message.created_at,
        "data": {"id": about.id, "state": about.state},
    }))
}

async fn call(
    client: &Client,
    message: &Message,
    url: Url,
    secret: Option<&SecretString>,
    body: &Value,
    whom: &str,
) -> Result<(), Failure> {
    let id = message.id.to_string();
    let bytes = body.to_string().into_bytes();
    let mut request = client.post(url).header(CONTENT_TYPE, "application/json").header("webhook-id", &id);
    request = request.header("webhook-timestamp", seconds(message.sent_at));
    if let Some(secret) = secret {
        let key = SigningKey::read(secret).map_err(|error| Failure::Never(format!("{whom}'s secret {error}.")))?;
        request = request.header("webhook-signature", key.sign(&id, message.sent_at, &bytes));
    }
    let reply: Reply = post::send(request.body(bytes), whom).await?;
    match reply.status {
        200..=299 => Ok(()),
        410 => Err(Failure::Gone(format!("{whom} answered that it is gone (410)."))),
        _ => Err(post::refused(&reply, whom)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[test]
    fn an_ntfy_topic_stands_at_the_end_of_its_address() {
        let split = |url: &str| topic(url.parse().unwrap()).map(|(url, topic)| (url.to_string(), topic));
        assert_eq!(split("https://ntfy.sh/desk?auth=x").unwrap(), ("https://ntfy.sh/?auth=x".into(), "desk".into()));
        assert!(split("https://ntfy.sh/").is_err());
        assert!(split("https://ntfy.sh").is_err());
    }

    #[tokio::test]
    async fn a_callback_says_which_request_and_its_state_signed_and_nothing_more() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"}}") {
                stream.read_buf(&mut bytes).await.unwrap();
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            String::from_utf8(bytes).unwrap()
        });
        let (webhook, message) = (Webhook::default(), super::super::tests::asking_about("a headline", "a note"));
        let secret = SigningKey::fresh().unwrap();
        let body = callback(&message).unwrap();
        // The public client would refuse an address on this machine.
        call(webhook.post.anywhere().unwrap(), &message, url, Some(&secret), &body, "The callback").await.unwrap();
        let heard = heard.await.unwrap();
        let (head, body) = heard.split_once("\r\n\r\n").unwrap();
        let id = message.id.to_string();
        let at = message.sent_at.millis() / 1000;
        let theirs = standardwebhooks::Webhook::new(secret.expose_secret()).unwrap();
        let signature = theirs.sign(&id, at, body.as_bytes()).unwrap();
        for line in
            [format!("webhook-id: {id}"), format!("webhook-timestamp: {at}"), format!("webhook-signature: {signature}")]
        {
            assert!(head.lines().any(|one| one == line), "{line}\n{head}");
        }
        let said: Value = serde_json::from_str(body).unwrap();
        let request = "00000000-0000-0000-0000-000000000001";
        let data = json!({"id": request, "state": "pending"});
        assert_eq!(said, json!({"type": "request.pending", "timestamp": message.created_at, "data": data}));
    }

    #[tokio::test]
    async fn a_callback_leads_outside_only() {
        let webhook = Webhook::default();
        let message = super::super::tests::asking("x");
        for inside in ["https://127.0.0.1/", "https://10.0.0.1/x", "https://[::1]/", "https://169.254.169.254/"] {
            let refused = webhook.to_agent(&message, inside, None).await.unwrap_err();
            assert!(matches!(&refused, Failure::Never(why) if why.contains("private")), "{inside}: {refused}");
        }
        let named = webhook.to_agent(&message, "https://localhost:1/", None).await.unwrap_err();
        assert!(matches!(&named, Failure::Never(why) if why.contains("private")), "{named}");
    }
}
