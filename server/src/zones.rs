//! Local clocks, from the time zone database that is built in: a server without one of its own knows them too.

use countersign_domain::Timestamp;
use countersign_domain::flow::Offsets;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::LazyLock;

static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The zones of the IANA database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Zones;

impl Zones {
    fn zone(name: &str) -> Option<TimeZone> {
        BUNDLED.get(name).ok()
    }

    /// A moment as clocks in a zone show it, as in `14:05 CET`; in UTC where the zone is unknown.
    #[must_use]
    pub fn clock_of(zone: Option<&str>, at: Timestamp) -> String {
        let zone = zone.and_then(Self::zone).unwrap_or(TimeZone::UTC);
        let at = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default().to_zoned(zone);
        at.strftime("%H:%M %Z").to_string()
    }
}

impl Offsets for Zones {
    fn minutes(&self, zone: &str, at: Timestamp) -> Option<i32> {
        let at = jiff::Timestamp::from_millisecond(at.millis()).ok()?;
        Some(Self::zone(zone)?.to_offset(at).seconds() / 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go_by_their_zone_and_their_season() {
        let offset = |zone, at: &str| Zones.minutes(zone, at.parse().unwrap());
        assert_eq!(offset("Europe/Zurich", "2026-01-15T12:00:00Z"), Some(60));
        assert_eq!(offset("Europe/Zurich", "2026-07-15T12:00:00Z"), Some(120));
        assert_eq!(offset("Asia/Kolkata", "2026-07-15T12:00:00Z"), Some(330));
        assert_eq!(offset("Mars/Base", "2026-07-15T12:00:00Z"), None);
        assert_eq!(Zones::clock_of(Some("Europe/Zurich"), "2026-01-15T12:05:00Z".parse().unwrap()), "13:05 CET");
    }
}
