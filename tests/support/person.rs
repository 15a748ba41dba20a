//! Somebody with a browser and a passkey, both in software: the real ceremonies, without a screen.

use crate::{Answer, Desk, Events, call_at};
use reqwest::{Client, Method};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;
use webauthn_authenticator_rs::AuthenticatorBackend as _;
use webauthn_authenticator_rs::softpasskey::SoftPasskey;
use webauthn_rs_proto::{PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions};

/// Somebody who is signed in.
pub struct Person {
    origin: String,
    cookie: String,
    client: Client,
    passkey: Mutex<SoftPasskey>,
}

impl Person {
    pub(crate) async fn set_up(desk: &Desk, name: &str, email: &str, allow_self_approval: bool) -> Self {
        let start = json!({
            "token": desk.setup_token(), "desk_name": "Acme", "name": name, "email": email,
            "allow_self_approval": allow_self_approval,
        });
        Self::enrol(&desk.origin, "/api/setup/start", "/api/setup/finish", start).await
    }

    /// Opens a server's setup link, names the desk and becomes its admin.
    pub async fn set_up_at(origin: &str, token: &str, name: &str, email: &str) -> Self {
        let start = json!({
            "token": token, "desk_name": "Acme", "name": name, "email": email, "allow_self_approval": false,
        });
        Self::enrol(origin, "/api/setup/start", "/api/setup/finish", start).await
    }

    /// Takes an invitation.
    pub async fn join(desk: &Desk, invitation: &Value, name: &str) -> Self {
        let token = invitation["url"].as_str().unwrap().split('#').nth(1).unwrap();
        let start = json!({"token": token, "name": name});
        Self::enrol(&desk.origin, "/api/invitations/accept/start", "/api/invitations/accept/finish", start).await
    }

    /// What a new passkey answers to a ceremony that enrols one.
    #[must_use]
    pub fn credential_for(desk: &Desk, begun: &Value) -> Value {
        create(&mut SoftPasskey::new(true), &desk.origin, begun)
    }

    async fn enrol(origin: &str, start: &str, finish: &str, body: Value) -> Self {
        let mut passkey = SoftPasskey::new(true);
        let begun = call_at(origin, Method::POST, start, Some(&body)).await.expect(200);
        let credential = create(&mut passkey, origin, &begun);
        let body = json!({"ceremony": begun["ceremony"], "credential": credential});
        let entered = call_at(origin, Method::POST, finish, Some(&body)).await;
        Self::entered(origin, &entered, passkey)
    }

    /// Follows a sign-in link; they may have a passkey somewhere else, and have none here.
    pub async fn by_link(origin: &str, token: &str) -> Self {
        let request = Client::new().post(format!("{origin}/api/session/link")).header("origin", origin);
        let entered = Answer::read(request.json(&json!({"token": token})).send().await.unwrap()).await;
        Self::entered(origin, &entered, SoftPasskey::new(true))
    }

    fn entered(origin: &str, entered: &Answer, passkey: SoftPasskey) -> Self {
        assert_eq!(entered.status, 200, "{}", entered.text);
        let cookie = entered.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { origin: origin.to_owned(), cookie, client: Client::new(), passkey: Mutex::new(passkey) }
    }

    /// The same person at a desk that was started again at another port.
    #[must_use]
    pub fn at(self, desk: &Desk) -> Self {
        Self { origin: desk.origin.clone(), ..self }
    }

    /// Signs in anew with the passkey: another session of the same person.
    pub async fn sign_in_again(self, email: &str) -> Self {
        let begun = self.post("/api/session/passkey/start", json!({"email": email})).await.expect(200);
        let signed = self.answer(&begun).await;
        let entered = self.post("/api/session/passkey/finish", signed).await;
        Self::entered(&self.origin, &entered, self.passkey.into_inner())
    }

    /// Adds the passkey of this device.
    pub async fn add_passkey(&self, name: &str) -> Answer {
        let begun = self.post("/api/passkeys/start", json!({"name": name})).await.expect(200);
        let credential = create(&mut *self.passkey.lock().await, &self.origin, &begun);
        self.post("/api/passkeys/finish", json!({"ceremony": begun["ceremony"], "credential": credential})).await
    }

    /// Touches the passkey, so that something may be widened.
    pub async fn reauthenticate(&self) -> Answer {
        let begun = self.post("/api/session/reauth/start", json!({})).await.expect(200);
        let signed = self.answer(&begun).await;
        self.post("/api/session/reauth/finish", signed).await
    }

    /// Opens the live queue, going on after an event where one is given.
    pub async fn watch(&self, after: Option<i64>) -> Events {
        let request = self.client.get(format!("{}/api/events", self.origin)).header("cookie", &self.cookie);
        Events::open(request, after).await.begun().await
    }

    /// A request as it is shown to this person.
    pub async fn card(&self, id: &str) -> Value {
        self.get(&format!("/api/requests/{id}")).await.expect(200)
    }

    /// A request as it is shown to this person, once this is true of it.
    pub async fn card_when(&self, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let card = self.card(id).await;
            if holds(&card) {
                return card;
            }
            crate::pause().await;
        }
    }

    /// A request's card once the request has ended.
    pub async fn end_of(&self, id: &str) -> Value {
        loop {
            let card = self.get(&format!("/api/requests/{id}")).await.expect(200);
            if !["pending", "approved", "executing"].contains(&card["state"].as_str().unwrap()) {
                return card;
            }
        }
    }

    /// The same person, with their session and passkey, at the same desk's other address.
    #[must_use]
    pub fn moved_to(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }

    /// The same session in another window, at the address that the desk has by now.
    #[must_use]
    pub fn in_another_window(&self, origin: &str) -> Self {
        let (origin, cookie) = (origin.to_owned(), self.cookie.clone());
        Self { origin, cookie, client: Client::new(), passkey: Mutex::new(SoftPasskey::new(true)) }
    }

    /// Decides by the session alone; whether the desk said that it is decided. The answer may never come.
    pub async fn try_decide(&self, id: &str, decision: &str) -> bool {
        let url = format!("{}/api/requests/{id}/decisions", self.origin);
        let request = self.client.post(url).header("origin", &self.origin).header("cookie", &self.cookie);
        let answer = request.json(&json!({"decision": decision})).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// The session's cookie, as `Cookie` carries it.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// A call as the interface makes it.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.origin));
        request = request.header("origin", &self.origin).header("cookie", &self.cookie);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    /// `GET` a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// `POST` to a path.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Begins a decision; the ceremony and the signed credential, ready to finish.
    pub async fn sign(&self, id: &str, body: Value) -> Value {
        let begun = self.post(&format!("/api/requests/{id}/decisions/start"), body).await.expect(200);
        self.answer(&begun).await
    }

    /// Answers a ceremony with the passkey.
    pub async fn answer(&self, begun: &Value) -> Value {
        let credential = get(&mut *self.passkey.lock().await, &self.origin, begun);
        json!({"ceremony": begun["ceremony"], "credential": credential})
    }

    /// Finishes a decision.
    pub async fn finish(&self, id: &str, signed: Value) -> Answer {
        self.post(&format!("/api/requests/{id}/decisions/finish"), signed).await
    }

    /// Approves with the passkey.
    pub async fn approve(&self, id: &str) -> Answer {
        self.decide(id, json!({"decision": "approve"})).await
    }

    /// Decides with the passkey, as the body says.
    pub async fn decide(&self, id: &str, body: Value) -> Answer {
        let signed = self.sign(id, body).await;
        self.finish(id, signed).await
    }

    /// Denies.
    pub async fn deny(&self, id: &str, comment: &str) -> Answer {
        self.post(&format!("/api/requests/{id}/decisions"), json!({"decision": "deny", "comment": comment})).await
    }

    /// Invites somebody; the invitation.
    pub async fn invite(&self, email: &str, role: &str) -> Value {
        self.try_invite(email, role).await.expect(201)
    }

    /// Invites somebody, which may be refused.
    pub async fn try_invite(&self, email: &str, role: &str) -> Answer {
        self.post("/api/invitations", json!({"email": email, "role": role})).await
    }
}

/// `navigator.credentials.create`. The device keeps no resident keys, so it is asked for less than a browser would be.
fn create(passkey: &mut SoftPasskey, origin: &str, begun: &Value) -> Value {
    let mut options = PublicKeyCredentialCreationOptions::deserialize(&begun["publicKey"]).unwrap();
    options.authenticator_selection.as_mut().unwrap().require_resident_key = false;
    serde_json::to_value(passkey.perform_register(Url::parse(origin).unwrap(), options, 1_000).unwrap()).unwrap()
}

/// `navigator.credentials.get`.
fn get(passkey: &mut SoftPasskey, origin: &str, begun: &Value) -> Value {
    let options = PublicKeyCredentialRequestOptions::deserialize(&begun["publicKey"]).unwrap();
    serde_json::to_value(passkey.perform_auth(Url::parse(origin).unwrap(), options, 1_000).unwrap()).unwrap()
}
