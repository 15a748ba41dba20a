//! How the reader wants to be told, as the form holds it. Pure, so that it can be tested without a browser.

use countersign_domain::delivery::{Channel, Preferences, Taken};
use countersign_domain::flow::QuietHours;

/// What stands in the form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToldDraft {
    pub(crate) normal: Taken,
    pub(crate) urgent: Taken,
    pub(crate) phone: String,
    pub(crate) quiet: bool,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) zone: String,
    pub(crate) digest: bool,
}

/// A phone without the blanks and strokes between its digits that people write, as on a card.
pub(crate) fn plain_phone(text: &str) -> String {
    text.chars().filter(|letter| !" ()-./\u{a0}\r".contains(*letter)).collect()
}

impl ToldDraft {
    /// What is stored; where there are no quiet hours yet, a night in the browser's own zone is suggested.
    pub(crate) fn of(stored: &Preferences, here: &str) -> Self {
        let quiet = stored.quiet_hours.as_ref();
        let or = |known: Option<String>, suggested: &str| known.unwrap_or_else(|| suggested.to_owned());
        Self {
            normal: stored.normal,
            urgent: stored.urgent,
            phone: stored.phone.clone().unwrap_or_default(),
            quiet: quiet.is_some(),
            from: or(quiet.map(|quiet| quiet.from.to_string()), "22:00"),
            to: or(quiet.map(|quiet| quiet.to.to_string()), "07:00"),
            zone: or(quiet.map(|quiet| quiet.time_zone.clone()), here),
            digest: stored.digest,
        }
    }

    /// What is to be stored. Of times that are none the browser has told already; they count as no quiet hours.
    pub(crate) fn preferences(&self) -> Preferences {
        let quiet_hours = || {
            let (from, to) = (self.from.parse().ok()?, self.to.parse().ok()?);
            Some(QuietHours { from, to, time_zone: self.zone.trim().to_owned() })
        };
        let phone = plain_phone(&self.phone);
        Preferences {
            phone: Some(phone).filter(|phone| !phone.is_empty()),
            normal: self.normal,
            urgent: self.urgent,
            quiet_hours: self.quiet.then(quiet_hours).flatten(),
            digest: self.digest,
        }
    }

    /// Whether a channel is taken from flows that are urgent, or that are not.
    pub(crate) fn takes(&self, channel: Channel, urgent: bool) -> bool {
        let taken = if urgent { self.urgent } else { self.normal };
        match channel {
            Channel::Push => taken.push,
            Channel::Email => taken.email,
            Channel::Sms => taken.sms,
            Channel::Webhook => false,
        }
    }

    /// The same, taking a channel or not.
    pub(crate) fn taking(&self, channel: Channel, urgent: bool, on: bool) -> Self {
        let mut changed = self.clone();
        let taken = if urgent { &mut changed.urgent } else { &mut changed.normal };
        match channel {
            Channel::Push => taken.push = on,
            Channel::Email => taken.email = on,
            Channel::Sms => taken.sms = on,
            Channel::Webhook => {}
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_shown_and_stored_again_as_it_was() {
        let stored = Preferences {
            phone: Some("+41791234567".to_owned()),
            normal: Taken { sms: false, ..Taken::default() },
            quiet_hours: Some(QuietHours {
                from: "22:30".parse().unwrap(),
                to: "06:00".parse().unwrap(),
                time_zone: "Europe/Zurich".to_owned(),
            }),
            digest: false,
            ..Preferences::default()
        };
        assert_eq!(ToldDraft::of(&stored, "UTC").preferences(), stored);
    }

    #[test]
    fn quiet_hours_are_suggested_and_not_assumed() {
        let draft = ToldDraft::of(&Preferences::default(), "Asia/Tokyo");
        assert_eq!((draft.from.as_str(), draft.zone.as_str()), ("22:00", "Asia/Tokyo"));
        assert_eq!(draft.preferences(), Preferences::default());
        let quiet = ToldDraft { quiet: true, ..draft }.preferences().quiet_hours.unwrap();
        assert_eq!((quiet.to.to_string(), quiet.time_zone), ("07:00".to_owned(), "Asia/Tokyo".to_owned()));
    }

    #[test]
    fn a_phone_is_written_as_people_write_it() {
        let draft = ToldDraft { phone: " +41 79 123-45-67 ".to_owned(), ..ToldDraft::of(&Preferences::default(), "") };
        assert_eq!(draft.preferences().phone.unwrap(), "+41791234567");
    }

    #[test]
    fn one_box_changes_one_thing() {
        let draft = ToldDraft::of(&Preferences::default(), "").taking(Channel::Email, false, false);
        assert!(!draft.takes(Channel::Email, false) && draft.takes(Channel::Email, true));
        assert!(draft.takes(Channel::Push, false));
    }
}
