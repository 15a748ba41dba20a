//! What will happen when, if nobody answers: computed by the flow's own rules, drawn, and said in a sentence.

use super::Writing;
use crate::backend::now;
use crate::components::chips::chip;
use crate::display::approvers;
use crate::hooks::choice::span;
use crate::zones::Zones;
use countersign_domain::flow::timeline::{Happening, Moment};
use countersign_domain::flow::{Channels, FlowBody, Offsets, QuietHours};
use countersign_domain::{Effect, Timestamp};
use std::time::Duration;
use yew::prelude::*;

pub(super) fn timeline(of: &Writing<'_>) -> Html {
    if !of.sound {
        return html! {
            <p class="hint" data-testid="no-timeline">{ "What will happen when is drawn here once the fields fit together." }</p>
        };
    }
    let body = &of.spoken();
    let at_night = **of.at_night;
    let night = body.quiet().filter(|_| at_night).and_then(|quiet| next_beginning(quiet, now(), &Zones));
    let moments = body.timeline(night.unwrap_or_else(now), effect_of(body), &Zones);
    html! {
        <section class="timeline" aria-label="What will happen when" data-testid="timeline">
            <h3>{ "If nobody answers" }</h3>
            if let Some(quiet) = body.quiet() {
                { asked_when(of, quiet, at_night) }
            }
            { bar(&moments) }
            <ol>
                { for moments.iter().map(|moment| html! {
                    <li class={tone(&moment.what)}>
                        <time>{ clock(moment.after) }</time><span class="wrap">{ words(body, &moment.what) }</span>
                    </li>
                }) }
            </ol>
            <p class="unseen" data-testid="timeline-words">{ sentence(body, &moments) }</p>
            { later_steps(body) }
        </section>
    }
}

/// For which tools it is drawn: for those that approve themselves, where any do.
fn effect_of(body: &FlowBody) -> Effect {
    if body.approves_by_itself(Effect::Destructive) { Effect::Destructive } else { Effect::Write }
}

/// Quiet hours move what falls into them, so it depends on when somebody asks.
fn asked_when(of: &Writing<'_>, quiet: &QuietHours, at_night: bool) -> Html {
    let at = of.at_night.setter();
    let onchange = Callback::from(move |_: Event| at.set(!at_night));
    let words = format!("Asked at {}, as quiet hours begin, rather than now", quiet.from);
    html! { <div class="chips">{ chip("asked-at-night".into(), &words, "", at_night, onchange) }</div> }
}

/// The next moment at which quiet hours begin.
fn next_beginning(quiet: &QuietHours, now: Timestamp, offsets: &dyn Offsets) -> Option<Timestamp> {
    let day = 24 * 60 * 60_000;
    let offset = i64::from(offsets.minutes(&quiet.time_zone, now)?) * 60_000;
    let since_midnight = (now.millis() + offset).rem_euclid(day);
    let wait = (i64::from(quiet.from.minutes()) * 60_000 - since_midnight).rem_euclid(day);
    Some(Timestamp::from_millis(now.millis() + wait))
}

/// The moments to scale. Places are attributes of SVG, since the page's policy allows no styles.
fn bar(moments: &[Moment]) -> Html {
    let whole = moments.last().map_or(0, |last| last.after.as_secs()).max(1);
    html! {
        <svg class="timeline-bar" aria-hidden="true">
            <line x1="2%" x2="98%" y1="10" y2="10" />
            { for moments.iter().map(|moment| {
                let place = 2 + moment.after.as_secs() * 96 / whole;
                html! { <circle class={tone(&moment.what)} cx={format!("{place}%")} cy="10" r="6" /> }
            }) }
        </svg>
    }
}

const fn tone(what: &Happening) -> &'static str {
    match what {
        Happening::Asked(_) | Happening::Escalated => "asks",
        Happening::Reminded { .. } | Happening::Warned => "reminds",
        Happening::AutoApproved => "approves",
        Happening::Expired => "ends",
    }
}

fn words(body: &FlowBody, what: &Happening) -> String {
    let first = body.steps.first();
    match what {
        Happening::Asked(by) => {
            format!("{} to {}", channels(*by), first.map(|step| approvers(&step.approvers)).unwrap_or_default())
        }
        Happening::Reminded { times: 1, .. } => "reminder".to_owned(),
        Happening::Reminded { every, times } => {
            let minutes = u32::try_from(every.as_secs() / 60).unwrap_or(u32::MAX);
            format!("reminder, then every {} ({times} in all)", span(minutes))
        }
        Happening::Escalated => {
            let more = first.and_then(|step| step.escalate_to.as_ref());
            format!("to {}", more.map(approvers).unwrap_or_default())
        }
        Happening::Warned => "warning that time runs out".to_owned(),
        Happening::AutoApproved => "approves itself".to_owned(),
        Happening::Expired => "expires".to_owned(),
    }
}

/// `push and email`; without any channel it is still on open screens.
pub(super) fn channels(by: Channels) -> String {
    let named = [(by.push, "push"), (by.email, "email"), (by.sms, "text message"), (by.webhook, "webhook")];
    let on: Vec<_> = named.into_iter().filter(|one| one.0).map(|one| one.1).collect();
    match on.split_last() {
        None => "on open screens".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// `1:30`; past a day `1 d 2:00`.
fn clock(after: Duration) -> String {
    let minutes = after.as_secs() / 60;
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    if days == 0 { format!("{hours}:{minutes:02}") } else { format!("{days} d {hours}:{minutes:02}") }
}

/// `0:00 push to Finance, 0:30 reminder, 2:00 expires`.
fn sentence(body: &FlowBody, moments: &[Moment]) -> String {
    let one = |moment: &Moment| format!("{} {}", clock(moment.after), words(body, &moment.what));
    moments.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What nobody reaches who does not answer.
fn later_steps(body: &FlowBody) -> Html {
    html! {
        { for body.steps.iter().skip(1).map(|step| html! {
            <p class="soft" data-testid="timeline-later">
                { format!("Once step {} is approved, step {}: {} to {}. Its reminders count from then; the deadline stays.",
                    step.order - 1, step.order, channels(body.channels), approvers(&step.approvers)) }
            </p>
        }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_domain::flow::{Approvers, Step};

    struct Utc;

    impl Offsets for Utc {
        fn minutes(&self, _zone: &str, _at: Timestamp) -> Option<i32> {
            Some(0)
        }
    }

    fn of(names: &[&str]) -> Approvers {
        Approvers { groups: names.iter().map(|name| (*name).to_owned()).collect(), ..Approvers::default() }
    }

    fn said(body: &FlowBody, at: i64) -> String {
        sentence(body, &body.timeline(Timestamp::from_millis(at), effect_of(body), &Utc))
    }

    #[test]
    fn a_flow_is_told_from_its_beginning_to_its_end() {
        let step = Step {
            escalate_after_minutes: Some(60),
            escalate_to: Some(of(&["Head of Finance"])),
            ..Step::of(1, of(&["Finance"]))
        };
        let body = FlowBody {
            channels: Channels { push: true, ..Channels::default() },
            reminder_interval_minutes: Some(30),
            timeout_minutes: 120,
            ..FlowBody::of_steps("Finance", vec![step])
        };
        assert_eq!(
            said(&body, 0),
            "0:00 push to Finance, 0:30 reminder, then every 30 minutes (3 in all), 1:00 to Head of Finance, \
             1:36 warning that time runs out, 2:00 expires"
        );
    }

    #[test]
    fn a_flow_that_approves_itself_says_so_and_ends_there() {
        let body = FlowBody {
            auto_approve_minutes: Some(30),
            timeout_minutes: 2_000,
            ..FlowBody::of_steps("Ours", vec![Step::of(1, of(&["Finance"]))])
        };
        assert_eq!(said(&body, 0), "0:00 on open screens to Finance, 0:30 approves itself");
        let waits = FlowBody { auto_approve_minutes: None, ..body };
        assert!(said(&waits, 0).ends_with("1 d 9:20 expires"), "{}", said(&waits, 0));
    }

    #[test]
    fn at_night_the_end_waits_for_the_morning() {
        let quiet =
            QuietHours { from: "22:00".parse().unwrap(), to: "07:00".parse().unwrap(), time_zone: "UTC".into() };
        let noon = Timestamp::from_millis(12 * 60 * 60_000);
        let night = next_beginning(&quiet, noon, &Utc).unwrap();
        assert_eq!(night, Timestamp::from_millis(22 * 60 * 60_000));
        let body = FlowBody { quiet_hours: Some(quiet), ..FlowBody::of_steps("Ours", vec![Step::of(1, of(&["Ops"]))]) };
        assert!(said(&body, night.millis()).ends_with("9:00 expires"), "{}", said(&body, night.millis()));
    }

    #[test]
    fn channels_are_named_in_a_row() {
        let by = Channels { push: true, email: true, sms: true, webhook: false };
        assert_eq!(channels(by), "push, email and text message");
        assert_eq!(channels(Channels { push: true, email: true, ..Channels::default() }), "push and email");
    }
}
