//! What waits, as the shell knows it: what the tray counts, what is told, and when many become one. Pure.

use countersign_domain::Timestamp;
use countersign_domain::ids::RequestId;
use countersign_wire::requests::RequestRow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

/// More than so many within [`MINUTE`] become one notification.
const MOST: usize = 5;
const MINUTE: Duration = Duration::from_secs(60);
/// How many the tray's menu lists.
pub const NEWEST: usize = 5;

/// What is to be shown or taken away.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// One request.
    Request(Box<RequestRow>),
    /// Many at once: how many wait.
    Many(u64),
    /// A request's notification goes.
    Gone(RequestId),
    /// That of many goes: none of them waits any more.
    NoneLeft,
}

/// How things are when somebody looks.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Nothing is to be told, and nothing later about what came meanwhile.
    pub quiet: bool,
    /// The window is open.
    pub on_screen: bool,
    /// When.
    pub now: Timestamp,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Board {
    rows: Vec<RequestRow>,
    pending: u64,
    known: Option<HashSet<RequestId>>,
    shown: HashSet<RequestId>,
    /// Whether the notification of many may be on the screen.
    many: bool,
    recent: VecDeque<Timestamp>,
}

impl Board {
    /// How many requests wait that this person may see.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.pending
    }

    /// The newest of them.
    #[must_use]
    pub fn newest(&self) -> &[RequestRow] {
        &self.rows[..self.rows.len().min(NEWEST)]
    }

    /// What takes everything off the screen that this board put there.
    #[must_use]
    pub fn all_gone(self) -> Vec<Notice> {
        let many = self.many.then_some(Notice::NoneLeft);
        self.shown.into_iter().map(Notice::Gone).chain(many).collect()
    }

    /// Takes in what waits now, the newest first. What was there at the first look is told as one, and not to somebody
    /// who has it on the screen.
    pub fn take(&mut self, rows: Vec<RequestRow>, pending: u64, look: Look) -> Vec<Notice> {
        self.pending = pending;
        let here: HashSet<RequestId> = rows.iter().map(|row| row.id).collect();
        let mine: HashMap<RequestId, &RequestRow> =
            rows.iter().filter(|row| row.your_turn).map(|row| (row.id, row)).collect();
        let mut notices: Vec<Notice> =
            self.shown.iter().filter(|id| !mine.contains_key(id)).copied().map(Notice::Gone).collect();
        self.shown.retain(|id| mine.contains_key(id));
        match &mut self.known {
            None => {
                self.known = Some(mine.keys().copied().collect());
                if !mine.is_empty() && !look.quiet && !look.on_screen {
                    notices.push(Notice::Many(mine.len() as u64));
                }
            }
            Some(known) => {
                let fresh: Vec<&RequestRow> =
                    rows.iter().rev().filter(|row| row.your_turn && !known.contains(&row.id)).collect();
                known.retain(|id| here.contains(id));
                known.extend(fresh.iter().map(|row| row.id));
                if !look.quiet {
                    let told = Self::tell(&mut self.recent, &fresh, mine.len() as u64, look.now);
                    self.shown.extend(told.iter().filter_map(|notice| match notice {
                        Notice::Request(row) => Some(row.id),
                        Notice::Many(_) | Notice::Gone(_) | Notice::NoneLeft => None,
                    }));
                    notices.extend(told);
                }
            }
        }
        if self.many && mine.is_empty() {
            notices.push(Notice::NoneLeft);
        }
        self.many = (self.many && !mine.is_empty()) || notices.iter().any(|notice| matches!(notice, Notice::Many(_)));
        self.rows = rows;
        notices
    }

    fn tell(recent: &mut VecDeque<Timestamp>, fresh: &[&RequestRow], waiting: u64, now: Timestamp) -> Vec<Notice> {
        // A clock that was set back knows nothing of the last minute.
        recent.retain(|at| *at <= now && *at + MINUTE > now);
        let before = recent.len();
        recent.extend(fresh.iter().map(|_| now));
        // A sum once it was begun is renewed rather than added to: there is one of it.
        match fresh.len() {
            0 => Vec::new(),
            more if before + more > MOST => vec![Notice::Many(waiting)],
            _ => fresh.iter().map(|row| Notice::Request(Box::new((*row).clone()))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(number: u32, your_turn: bool) -> RequestRow {
        let id = format!("00000000-0000-0000-0000-{number:012}");
        serde_json::from_value(json!({
            "id": id, "kind": "call", "state": "pending", "agent": "invoice-bot",
            "requester": {"id": id, "name": "Mina Sato", "email": "mina@acme.test", "groups": []},
            "connector": {"id": id, "slug": "shop", "name": "Shop", "kind": "http", "status": "connected"},
            "tool": [], "more_tools": 0, "effect": "write", "note": [],
            "created_at": "2026-11-23T10:40:00.000Z", "expires_at": "2026-11-23T10:50:00.000Z",
            "ended_at": null, "approvals": 0, "needed": 1, "your_turn": your_turn,
        }))
        .unwrap()
    }

    fn rows(numbers: std::ops::RangeInclusive<u32>) -> Vec<RequestRow> {
        numbers.rev().map(|number| row(number, true)).collect()
    }

    fn look(seconds: i64) -> Look {
        Look { quiet: false, on_screen: true, now: Timestamp::from_millis(1_000_000 + seconds * 1_000) }
    }

    fn quiet(seconds: i64) -> Look {
        Look { quiet: true, ..look(seconds) }
    }

    fn requests(notices: &[Notice]) -> usize {
        notices.iter().filter(|notice| matches!(notice, Notice::Request(_))).count()
    }

    #[test]
    fn what_was_there_at_the_first_look_is_counted_and_not_told() {
        let mut board = Board::default();
        assert_eq!(board.take(rows(1..=7), 7, look(0)), []);
        assert_eq!((board.pending(), board.newest().len()), (7, NEWEST));
        assert_eq!(board.newest()[0].id, row(7, true).id);
    }

    #[test]
    fn what_waits_when_the_app_starts_in_the_background_is_told_as_one() {
        let hidden = Look { on_screen: false, ..look(0) };
        assert_eq!(Board::default().take(rows(1..=3), 9, hidden), [Notice::Many(3)]);
        assert_eq!(Board::default().take(vec![row(1, false)], 1, hidden), []);
        assert_eq!(Board::default().take(rows(1..=3), 3, Look { quiet: true, ..hidden }), []);
    }

    #[test]
    fn a_new_request_is_told_once_and_goes_when_it_ends() {
        let mut board = Board::default();
        board.take(Vec::new(), 0, look(0));
        assert_eq!(requests(&board.take(rows(1..=1), 1, look(1))), 1);
        assert_eq!(board.take(rows(1..=1), 1, look(2)), []);
        assert_eq!(board.take(Vec::new(), 0, look(3)), [Notice::Gone(row(1, true).id)]);
        assert_eq!(board.take(Vec::new(), 0, look(4)), []);
    }

    #[test]
    fn a_request_that_becomes_ones_turn_later_is_told_then_and_goes_with_ones_vote() {
        let mut board = Board::default();
        board.take(Vec::new(), 0, look(0));
        assert_eq!(board.take(vec![row(1, false)], 1, look(1)), []);
        assert_eq!(requests(&board.take(vec![row(1, true)], 1, look(2))), 1);
        assert_eq!(board.take(vec![row(1, false)], 1, look(3)), [Notice::Gone(row(1, true).id)]);
    }

    #[test]
    fn over_five_in_a_minute_become_one() {
        let mut board = Board::default();
        board.take(Vec::new(), 0, look(0));
        assert_eq!(requests(&board.take(rows(1..=5), 5, look(1))), 5);
        assert_eq!(board.take(rows(1..=6), 6, look(2)), [Notice::Many(6)]);
        assert_eq!(board.take(rows(1..=8), 8, look(59)), [Notice::Many(8)]);
        assert_eq!(requests(&board.take(rows(1..=9), 9, look(200))), 1);

        let mut board = Board::default();
        board.take(Vec::new(), 0, look(0));
        assert_eq!(board.take(rows(1..=50), 50, look(1)), [Notice::Many(50)]);
    }

    #[test]
    fn the_notification_of_many_goes_with_the_last_of_them_and_all_go_with_the_desk() {
        let mut board = Board::default();
        board.take(Vec::new(), 0, look(0));
        board.take(rows(1..=6), 6, look(1));
        assert_eq!(board.take(rows(1..=1), 1, look(2)), []);
        assert_eq!(board.take(Vec::new(), 0, look(3)), [Notice::NoneLeft]);
        assert_eq!(board.take(Vec::new(), 0, look(4)), []);
        board.take(rows(7..=7), 1, look(100));
        assert_eq!(board.all_gone(), [Notice::Gone(row(7, true).id)]);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_burst() {
        let mut board = Board::default();
        board.take(Vec::new(), 0, look(5_000));
        assert_eq!(requests(&board.take(rows(1..=5), 5, look(5_001))), 5);
        assert_eq!(requests(&board.take(rows(1..=6), 6, look(10))), 1);
    }

    #[test]
    fn who_is_not_to_be_disturbed_hears_nothing_then_and_nothing_later_of_it() {
        let mut board = Board::default();
        board.take(Vec::new(), 0, look(0));
        assert_eq!(board.take(rows(1..=2), 2, quiet(1)), []);
        assert_eq!(board.take(rows(1..=2), 2, look(2)), []);
        assert_eq!(board.pending(), 2);
        assert_eq!(requests(&board.take(rows(1..=3), 3, look(3))), 1);
    }
}
