use super::*;
use crate::card::Why;
use crate::card::escape::{hidden as hidden_character, is_pictograph};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a screen would show, with marks for what isn't plain.
fn shown(segments: &[Segment]) -> String {
    segments
        .iter()
        .map(|segment| match segment {
            Segment::Text { text } => text.clone(),
            Segment::LineBreak => "⏎".to_owned(),
            Segment::Tab => "⇥".to_owned(),
            Segment::Escaped { text, times: 1, .. } => format!("<{text}>"),
            Segment::Escaped { text, times, .. } => format!("<{text} x{times}>"),
            Segment::Flagged { text, .. } => format!("!{text}!"),
            Segment::Redacted { note } => format!("[{note}]"),
        })
        .collect()
}

/// The text behind the segments.
fn meant(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        match segment {
            Segment::Text { text: part } | Segment::Flagged { text: part, .. } => {
                text.push_str(part);
            }
            Segment::LineBreak => text.push('\n'),
            Segment::Tab => text.push('\t'),
            Segment::Escaped { text: code, times, .. } => {
                let c = char::from_u32(u32::from_str_radix(&code[2..], 16).unwrap()).unwrap();
                text.extend(std::iter::repeat_n(c, *times as usize));
            }
            Segment::Redacted { .. } => panic!("nothing was to be redacted"),
        }
    }
    text
}

fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap()
}

/// Rebuilds the JSON that a tree shows.
fn rebuilt(card: &CardValue) -> Value {
    match card {
        CardValue::Object { entries } => {
            Value::Object(entries.iter().map(|entry| (meant(&entry.key), rebuilt(&entry.value))).collect())
        }
        CardValue::List { items } => items.iter().map(rebuilt).collect(),
        CardValue::Text { segments, characters } => {
            let text = meant(segments);
            assert_eq!(text.chars().count(), *characters);
            Value::String(text)
        }
        CardValue::Number { text } => serde_json::from_str(text).unwrap(),
        CardValue::Bool { value } => Value::Bool(*value),
        CardValue::Null => Value::Null,
    }
}

#[test]
fn the_override_of_the_drawing_is_shown_for_what_it_is() {
    assert_eq!(
        segments("ok\u{202E}dnufer"),
        [
            Segment::Text { text: "ok".to_owned() },
            Segment::Escaped {
                text: "U+202E".to_owned(),
                name: "right-to-left override".to_owned(),
                why: Why::Bidi,
                times: 1
            },
            Segment::Text { text: "dnufer".to_owned() },
        ]
    );
}

#[test]
fn lines_break_where_they_may_and_are_escaped_where_not() {
    assert_eq!(shown(&segments("a\r\nb\tc")), "a<U+000D>⏎b⇥c");
    assert_eq!(shown(&line_segments("a\nb\tc")), "a<U+000A>b<U+0009>c");
}

#[test]
fn text_that_imitates_an_escape_stays_text() {
    assert_eq!(segments("U+202E ⏎"), [Segment::Text { text: "U+202E ⏎".to_owned() }]);
}

#[test]
fn what_repeats_is_counted() {
    assert_eq!(shown(&segments(&"\u{200B}".repeat(1_000))), "<U+200B x1000>");
}

#[test]
fn emoji_stay_whole_but_stray_joiners_and_selectors_do_not() {
    let text = "👩‍💻 ❤️ 1️⃣ 🇩🇪 👍🏽 🏳️‍🌈 ©️";
    assert_eq!(segments(text), [Segment::Text { text: text.to_owned() }]);
    assert_eq!(shown(&segments("a\u{200D}b 1\u{FE0F}2 ❤\u{FE0F}\u{FE0F}")), "a<U+200D>b 1<U+FE0F>2 ❤\u{FE0F}<U+FE0F>");
    assert_eq!(shown(&segments("👩\u{200D}")), "👩<U+200D>");
    assert_eq!(shown(&segments("🏴\u{E0067}\u{E0062}")), "🏴<U+E0067><U+E0062>");
}

#[test]
fn accents_stand_on_letters_and_do_not_pile_up() {
    assert_eq!(shown(&segments("e\u{301}")), "e\u{301}");
    assert_eq!(shown(&segments("\u{338}x")), "<U+0338>x");
    assert_eq!(shown(&segments(&format!("a{}", "\u{301}".repeat(9)))), format!("a{}<U+0301 x5>", "\u{301}".repeat(4)));
}

#[test]
fn a_disguised_word_is_flagged_in_its_sentence() {
    let drawn = segments("pay раураl.com now");
    assert_eq!(shown(&drawn), "pay !раураl!.com now");
    assert!(drawn.contains(&Segment::Flagged {
        text: "раураl".to_owned(),
        why: "looks like \"paypal\", but uses Cyrillic letters".to_owned()
    }));
}

#[test]
fn keys_are_drawn_like_values() {
    let card = card_value(&canonical(&json!({"am\u{200B}ount\n": 1})), &Redactions::secrets()).unwrap();
    let CardValue::Object { entries } = card else { panic!("an object") };
    assert_eq!(shown(&entries[0].key), "am<U+200B>ount<U+000A>");
}

#[test]
fn the_tree_keeps_the_order_and_the_numbers_of_the_bytes() {
    let card = card_value(br#"{"b":1e+21,"a":-0.5,"c":[true,null]}"#, &Redactions::none()).unwrap();
    let CardValue::Object { entries } = card else { panic!("an object") };
    let keys: Vec<_> = entries.iter().map(|entry| shown(&entry.key)).collect();
    assert_eq!(keys, ["b", "a", "c"]);
    assert_eq!(entries[0].value, CardValue::Number { text: "1e+21".to_owned() });
    assert_eq!(entries[2].value, CardValue::List { items: vec![CardValue::Bool { value: true }, CardValue::Null] });
}

#[test]
fn secrets_are_said_but_not_shown_in_the_tree_and_in_the_raw_view() {
    let key = format!("sk_{}_{}", "live", "a".repeat(24));
    let arguments = json!({
        "headers": {"Authorization": "Basic abc"}, "memo": format!("\"use\" {key} now"),
        "secret": {"a": ["x", ""], "pin": 1234, "on": true}, "token": ""
    });
    let bytes = canonical(&arguments);
    let tree = serde_json::to_string(&card_value(&bytes, &Redactions::secrets()).unwrap()).unwrap();
    assert!(!tree.contains(&key) && !tree.contains("abc") && !tree.contains("1234"), "{tree}");
    assert_eq!(
        shown(&raw_segments(&bytes, &Redactions::secrets()).unwrap()),
        r#"{"headers":{"Authorization":"[redacted, 9 characters]"},"memo":"\"use\" [redacted, 32 characters] now","secret":{"a":["[redacted, 1 character]",""],"on":true,"pin":[redacted, 4 characters]},"token":""}"#
    );
    assert!(shown(&raw_segments(&bytes, &Redactions::none()).unwrap()).contains(&key));
}

#[test]
fn a_note_is_cut_at_two_thousand_characters_and_says_so() {
    let (drawn, truncated) = note_segments(&"ä".repeat(2_000));
    assert_eq!((meant(&drawn).chars().count(), truncated), (2_000, false));
    let (drawn, truncated) = note_segments(&"ä".repeat(2_001));
    assert_eq!((meant(&drawn).chars().count(), truncated), (2_000, true));
}

#[test]
fn the_headline_is_one_line_whatever_the_names_hold() {
    assert_eq!(
        headline("invoice-bot", "refunds_create", "Stripe"),
        [Segment::Text { text: "invoice-bot wants to use refunds_create in Stripe".to_owned() }]
    );
    assert_eq!(shown(&headline("bot\n", "t", "\u{202E}x")), "bot<U+000A> wants to use t in <U+202E>x");
}

#[test]
fn bytes_that_the_desk_would_not_store_are_refused() {
    for bad in [
        "",
        "{",
        "{\"a\":}",
        "[1,]",
        "tru",
        "01",
        "1 ",
        "{\"a\": 1}",
        "\"\\",
        "\"\\ud800\"",
        "\"a",
        "[1]]",
        "--1",
        "+1",
    ] {
        assert!(matches!(card_value(bad.as_bytes(), &Redactions::none()), Err(CardError::NotCanonical(_))), "{bad}");
    }
    assert!(card_value(b"\"\xff\"", &Redactions::none()).is_err());
    let deep = "[".repeat(100_000);
    assert_eq!(card_value(deep.as_bytes(), &Redactions::none()), Err(CardError::TooDeep));
}

/// Letters, and far more of what is dangerous than chance would bring.
fn any_text() -> impl Strategy<Value = String> {
    let danger = prop::sample::select(vec![
        '\u{202E}',
        '\u{200B}',
        '\u{200D}',
        '\u{FE0F}',
        '\u{0}',
        '\n',
        '\t',
        '\r',
        '\u{E0041}',
        '\u{301}',
        'а',
        'р',
        'p',
        'a',
        '❤',
        '👩',
        '1',
        '\u{20E3}',
        ' ',
        '\u{A0}',
        '"',
        '\\',
        '\u{FFFF}',
        '١',
        '〇',
        'ア',
    ]);
    prop::collection::vec(prop_oneof![2 => danger, 1 => any::<char>()], 0..24)
        .prop_map(|chars| chars.into_iter().collect())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1_000_000_i64..1_000_000).prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any_text(), inner, 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Nothing in a shown text is hidden, save what holds an emoji together.
fn is_clean(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    characters.iter().enumerate().all(|(at, &c)| {
        let before = at.checked_sub(1).map(|at| characters[at]);
        let after = characters.get(at + 1).copied();
        match c {
            '\u{FE0F}' => {
                before.is_some_and(|before| is_pictograph(before) || (before.is_ascii() && after == Some('\u{20E3}')))
            }
            '\u{200D}' => {
                before.is_some_and(|b| is_pictograph(b) || b == '\u{FE0F}') && after.is_some_and(is_pictograph)
            }
            _ => hidden_character(c).is_none(),
        }
    })
}

fn texts(segments: &[Segment]) -> impl Iterator<Item = &str> {
    segments.iter().flat_map(|segment| match segment {
        Segment::Text { text } => vec![text.as_str()],
        Segment::Escaped { text, name, .. } => vec![text.as_str(), name.as_str()],
        Segment::Flagged { text, why } => vec![text.as_str(), why.as_str()],
        Segment::Redacted { note } => vec![note.as_str()],
        Segment::LineBreak | Segment::Tab => vec![],
    })
}

proptest! {
    #[test]
    fn nothing_is_lost_or_invented(value in any_json()) {
        let bytes = canonical(&value);
        let expected: Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(rebuilt(&card_value(&bytes, &Redactions::none()).unwrap()), expected);
        let raw = raw_segments(&bytes, &Redactions::none()).unwrap();
        prop_assert_eq!(meant(&raw).into_bytes(), bytes);
    }

    #[test]
    fn no_segment_holds_what_does_not_show(text in any_text()) {
        for drawn in [segments(&text), line_segments(&text)] {
            prop_assert_eq!(meant(&drawn), text.as_str());
            // Only a flagged word may end in the middle of an emoji's neighbours; join texts as a screen does.
            let joined = drawn.iter().map(|segment| match segment {
                Segment::Text { text } | Segment::Flagged { text, .. } => text.clone(),
                _ => "\u{1}".to_owned(),
            }).collect::<String>();
            prop_assert!(joined.split('\u{1}').all(is_clean), "{:?}", drawn);
            let empty = drawn.iter().any(|segment| texts(std::slice::from_ref(segment)).any(str::is_empty));
            prop_assert!(!empty);
        }
        prop_assert!(texts(&line_segments(&text)).all(|text| !text.contains(['\n', '\t'])));
    }

    #[test]
    fn segments_read_back_as_they_were_sent(value in any_json()) {
        let card = card_value(&canonical(&value), &Redactions::secrets()).unwrap();
        let sent = serde_json::to_string(&card).unwrap();
        prop_assert_eq!(serde_json::from_str::<CardValue>(&sent).unwrap(), card);
    }
}
