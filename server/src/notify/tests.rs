//! A message that asks, for the couriers' tests.

use super::{About, Content, Message, Reader};
use countersign_domain::card::{Redactions, Segment, card_value, note_segments};
use countersign_domain::delivery::DeliveryKind;
use countersign_domain::ids::{DeliveryId, RequestId};
use countersign_domain::request::RequestState;
use countersign_domain::{Effect, Timestamp};
use uuid::Uuid;

/// The same to somebody outside, with the code of its link.
pub(super) fn asking_outside(headline: &str) -> Message {
    let link = format!("https://desk.acme.test/outside#{}", "t".repeat(43));
    let reader = Reader::Outside { code: Some("048213".into()) };
    Message { reader, short_link: link.clone(), link, ..asking(headline) }
}

/// One whose headline is this text.
pub(super) fn asking(headline: &str) -> Message {
    asking_about(headline, "")
}

/// One whose headline and note are these texts.
pub(super) fn asking_about(headline: &str, note: &str) -> Message {
    let at = Timestamp::from_millis(1_795_430_400_000);
    let about = About {
        id: RequestId(Uuid::from_u128(1)),
        state: RequestState::Pending,
        headline: vec![Segment::Text { text: headline.to_owned() }],
        agent: "invoice-bot".to_owned(),
        requester: "Mina Sato".to_owned(),
        connector: "Shop".to_owned(),
        tool: vec![Segment::Text { text: "shop_refunds_create".to_owned() }],
        effect: Effect::Destructive,
        note: note_segments(note).0,
        arguments: card_value(br#"{"amount":40,"password":"p4ss"}"#, &Redactions::secrets()).unwrap(),
        seal: "K7Q2-9XHM".to_owned(),
        created_at: at,
        expires_at: at,
        time_zone: None,
        step: (1, 1),
        ending: None,
    };
    Message {
        id: DeliveryId(Uuid::from_u128(2)),
        kind: DeliveryKind::Asked,
        desk: "Acme".to_owned(),
        about: Some(Box::new(about)),
        waiting: 0,
        link: "https://desk.acme.test/approve/1".to_owned(),
        short_link: "https://desk.acme.test/a/AZkAAAAAAAAAAAAAAAAAAQ".to_owned(),
        reader: Reader::Inside { settings_link: "https://desk.acme.test/account".to_owned() },
        urgent: false,
        content: Content::Full,
        created_at: at,
        sent_at: at,
    }
}
