//! A dock that shows the number on an app's icon: Unity's launcher API, as KDE's task bar and Ubuntu's dock read it.

use crate::until;
use futures::StreamExt as _;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use zbus::message::Type;
use zbus::zvariant::OwnedValue;
use zbus::{MatchRule, MessageStream, connection};

/// What says to libunity that there is a dock.
const NAME: &str = "com.canonical.Unity";

/// See the module.
pub struct Badges {
    shown: Arc<Mutex<HashMap<String, i64>>>,
}

impl Badges {
    /// Puts a dock on this bus.
    pub async fn start(bus: &str) -> Self {
        let built = connection::Builder::address(bus).unwrap().name(NAME).unwrap().build().await.unwrap();
        let rule = MatchRule::builder().msg_type(Type::Signal).interface("com.canonical.Unity.LauncherEntry").unwrap();
        let rule = rule.member("Update").unwrap().build();
        let mut updates = MessageStream::for_match_rule(rule, &built, None).await.unwrap();
        let shown = Arc::<Mutex<HashMap<String, i64>>>::default();
        let kept = Arc::clone(&shown);
        tokio::spawn(async move {
            while let Some(Ok(update)) = updates.next().await {
                let (app, told): (String, HashMap<String, OwnedValue>) = update.body().deserialize().unwrap();
                let told = |name: &str| told.get(name).map(|value| value.try_clone().unwrap());
                let count = told("count").and_then(|count| i64::try_from(count).ok()).unwrap_or_default();
                let visible = told("count-visible").and_then(|is| bool::try_from(is).ok()).unwrap_or_default();
                let mut shown = kept.lock().unwrap();
                if visible {
                    shown.insert(app, count)
                } else {
                    shown.remove(&app)
                };
            }
        });
        Self { shown }
    }

    /// Waits until this app's icon shows this number, or none.
    pub async fn shows(&self, app: &str, number: Option<i64>) {
        until(&format!("{number:?} on the icon of {app}"), async || {
            self.shown.lock().unwrap().get(app).copied() == number
        })
        .await;
    }
}
