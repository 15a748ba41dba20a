//! Stories of desk files.

mod exported;
mod mistakes;
mod switched;

use super::*;
use crate::audit::Actor;
use crate::clock::{SharedClock, SystemClock};
use crate::config::DataFolder;
use crate::desk::house::ensure_desk;
use crate::store::{self, Store};
use crate::vault::{MasterKeySource, Vault};
use secrecy::SecretString;
use std::sync::Arc;
use tempfile::TempDir;

const SHOP: &str = r#"
users:
  - {email: dana@acme.test, name: Dana Kim, role: admin, groups: [Finance]}
agents:
  - {name: invoice-bot, owner: dana@acme.test, connectors: [shop]}
connectors:
  - slug: shop
    kind: http
    base_url: https://shop.test/v1
    credential: {env: SHOP_TOKEN, as: bearer}
    tools:
      - {name: refunds_create, method: POST, path: "/charges/{charge}/refunds", effect: destructive}
policies:
  - {name: Refunds, action: request_approval, tools: ["refunds_*"], when: "call.arguments.amount > 20"}
"#;

struct Given {
    store: Store,
    vault: Vault,
    clock: SharedClock,
    _folder: TempDir,
}

async fn given_desk() -> Given {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::prepare(folder.path()).unwrap();
    let store = Store::open(&data).await.unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    ensure_desk(&store, &clock).await.unwrap();
    let vault = Vault::open(&MasterKeySource::DataFolder(folder.path().to_owned())).unwrap();
    Given { store, vault, clock, _folder: folder }
}

impl Given {
    async fn apply_with(&self, text: &str, secret: &str, options: Options) -> Result<Report, ApplyError> {
        let secret = secret.to_owned();
        let environment =
            Arc::new(move |name: &str| (name == "SHOP_TOKEN").then(|| SecretString::from(secret.clone())));
        let file = DeskFile::read(text);
        let actor = Actor::Cli("test".into());
        apply(&self.store, &self.vault, &self.clock, file, environment, actor, options).await
    }

    async fn apply(&self, text: &str) -> Result<Report, ApplyError> {
        self.apply_with(text, "first", Options::default()).await
    }

    async fn credential_ids(&self) -> Vec<String> {
        let mut connection = self.store.read().await.unwrap();
        let credentials = store::connectors::all_credentials(&mut connection).await.unwrap();
        credentials.iter().map(|credential| credential.id.to_string()).collect()
    }

    async fn version(&self) -> i64 {
        store::desk::config_version(&mut self.store.read().await.unwrap()).await.unwrap()
    }
}

fn lines(report: &Report) -> Vec<String> {
    report.changes.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_file_makes_the_desk_and_the_second_time_changes_nothing() {
    let desk = given_desk().await;
    let made = desk.apply(SHOP).await.unwrap();
    assert_eq!(lines(&made), ["+ user dana@acme.test", "+ connector shop", "+ agent invoice-bot", "+ policy Refunds"]);
    assert_eq!(made.keys.len(), 1, "the new agent's key is told once");
    let version = desk.version().await;
    let again = desk.apply(SHOP).await.unwrap();
    assert_eq!(lines(&again), Vec::<String>::new());
    assert_eq!(desk.version().await, version, "a running server has nothing to pick up");
}

#[tokio::test]
async fn an_unchanged_secret_keeps_its_id_and_another_is_another_credential() {
    let desk = given_desk().await;
    desk.apply(SHOP).await.unwrap();
    let first = desk.credential_ids().await;
    desk.apply(SHOP).await.unwrap();
    assert_eq!(desk.credential_ids().await, first);
    let changed = desk.apply_with(SHOP, "second", Options::default()).await.unwrap();
    assert_eq!(lines(&changed), ["~ connector shop"]);
    assert_ne!(desk.credential_ids().await, first);
    assert_eq!(desk.credential_ids().await.len(), 1, "the old one may not be used any more");
}

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing() {
    let desk = given_desk().await;
    let version = desk.version().await;
    let told = desk.apply_with(SHOP, "first", Options { dry_run: true, prune: false }).await.unwrap();
    assert_eq!(told.changes.len(), 4);
    assert_eq!(desk.version().await, version);
    assert!(store::users::all(&mut desk.store.read().await.unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn pruning_disables_what_the_file_no_longer_names_and_naming_it_brings_it_back() {
    let desk = given_desk().await;
    desk.apply(SHOP).await.unwrap();
    let without = SHOP.split("policies:").next().unwrap();
    assert_eq!(lines(&desk.apply(without).await.unwrap()), Vec::<String>::new(), "nothing goes by itself");
    let prune = Options { dry_run: false, prune: true };
    assert_eq!(lines(&desk.apply_with(without, "first", prune).await.unwrap()), ["- policy Refunds"]);
    assert_eq!(lines(&desk.apply(SHOP).await.unwrap()), ["~ policy Refunds"]);
}

#[tokio::test]
async fn the_record_says_what_it_says_of_an_admin_at_the_desk_by_id_and_with_the_name() {
    let desk = given_desk().await;
    desk.apply(SHOP).await.unwrap();
    desk.apply(&SHOP.replace("Dana Kim", "Dana K.").replace("shop.test/v1", "shop.test/v2")).await.unwrap();
    let mut connection = desk.store.read().await.unwrap();
    let rows: Vec<_> =
        store::audit::after(&mut connection, 0, 100).await.unwrap().into_iter().map(|(row, _)| row).collect();
    let connector = store::connectors::all(&mut connection).await.unwrap().remove(0);
    let of_connector: Vec<_> = rows.iter().filter(|row| row.subject == connector.id.to_string()).collect();
    assert_eq!(
        of_connector.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(),
        ["connector.created", "connector.changed"]
    );
    assert!(of_connector.iter().all(|row| row.metadata["slug"] == "shop"), "{of_connector:?}");
    let user = store::users::all(&mut connection).await.unwrap().remove(0);
    let changed = rows.iter().find(|row| row.action == "user.changed").unwrap();
    assert_eq!((changed.subject.clone(), &changed.metadata["email"]), (user.id.to_string(), &"dana@acme.test".into()));
}
