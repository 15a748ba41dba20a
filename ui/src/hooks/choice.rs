//! How far somebody's approval is to go: the grant, and of an ask for access the tools that stay ticked. Kept for the
//! card that is open and nowhere else.

use countersign_domain::access::is_ticked_at_first;
use countersign_domain::grant::Grant;
use countersign_wire::requests::Card;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) grant: Grant,
    /// Bare names.
    pub(crate) tools: Vec<String>,
    /// It is made in the browser, where the passkey is; here nothing is chosen.
    pub(crate) elsewhere: bool,
}

impl Choice {
    /// What is chosen before anybody chose: this call; of an ask for access what changes nothing, and was left ticked by
    /// those who approved before.
    pub(crate) fn at_first(card: &Card) -> Self {
        let tools = card.access.iter().flat_map(|access| &access.tools);
        let ticked = tools.filter(|tool| tool.ticked && is_ticked_at_first(tool.effect));
        Self { tools: ticked.map(|tool| tool.name.clone()).collect(), ..Self::default() }
    }

    pub(crate) fn has(&self, tool: &str) -> bool {
        self.tools.iter().any(|name| name == tool)
    }

    /// With a tool ticked, or not.
    pub(crate) fn ticking(&self, tool: &str, on: bool) -> Self {
        let others = self.tools.iter().filter(|name| *name != tool).cloned();
        Self { tools: others.chain(on.then(|| tool.to_owned())).collect(), ..self.clone() }
    }

    pub(crate) fn with(&self, grant: Grant) -> Self {
        Self { grant, ..self.clone() }
    }
}

/// What "Approve" says: what is granted. `phone`: in few words.
pub(crate) fn verb(card: &Card, choice: &Choice, phone: bool) -> String {
    match (&card.access, choice.grant) {
        (Some(_), _) if choice.elsewhere => "Grant in browser".to_owned(),
        (Some(_), _) => match choice.tools.len() {
            1 => "Grant 1 tool".to_owned(),
            count => format!("Grant {count} tools"),
        },
        (None, Grant::Once) => if phone { "Approve" } else { "Approve for user" }.to_owned(),
        (None, Grant::ToolHour) => "Approve for 1 h".to_owned(),
        (None, Grant::ToolSession) => "Approve session".to_owned(),
    }
}

/// Minutes as people say them.
pub(crate) fn span(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, 1) => "1 minute".to_owned(),
        (0, minutes) => format!("{minutes} minutes"),
        (1, 0) => "1 hour".to_owned(),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_comes_and_goes_and_leaves_the_others() {
        let reads = Choice { tools: vec!["list".into()], ..Choice::default() };
        let both = reads.ticking("create", true);
        assert!(both.has("list") && both.has("create"));
        assert_eq!(both.ticking("create", true), both, "twice is once");
        assert_eq!(both.ticking("create", false), reads);
    }

    #[test]
    fn minutes_are_said_as_people_say_them() {
        let said = [1, 45, 60, 90, 480].map(span);
        assert_eq!(said, ["1 minute", "45 minutes", "1 hour", "1 h 30 min", "8 hours"]);
    }
}
