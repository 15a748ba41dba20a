//! Words that are not what they look like (UTS 39): letters of two scripts in one word, or letters of another script,
//! or styled ones, that together look like a plain ASCII word.
//!
//! A flag is a notice beside a word that is still shown. Names and sums in ordinary German, Japanese, Arabic and the
//! like must not raise it, or nobody would read it.

use super::escape::is_mark;
use unicode_security::mixed_script::{AugmentedScriptSet, MixedScript};
use unicode_security::skeleton;

/// Scripts whose letters, side by side, pass for Latin ones. Others have a lookalike or two (the Arabic digit five
/// looks like an "o") but no word that passes.
const LATIN_LIKE: [&str; 9] =
    ["Latin", "Common", "Cyrillic", "Greek", "Armenian", "Cherokee", "Coptic", "Lisu", "Deseret"];

/// Words up to this length are let pass where the text is clearly written in their script: half of the short Russian
/// words look like something.
const SHORT: usize = 2;

/// What the whole text tells about how its words are meant.
#[derive(Default)]
pub(super) struct Setting {
    /// Chinese, Japanese or Korean: wide forms of Latin letters are ordinary there.
    east_asian: bool,
    /// Scripts of which a word stands in the text that looks like no ASCII word.
    written_in: Vec<&'static str>,
}

impl Setting {
    pub(super) fn of(text: &str) -> Self {
        let mut setting = Self::default();
        if text.is_ascii() {
            return setting;
        }
        for word in words(text).filter_map(|(word, is_word)| (is_word && !word.is_ascii()).then_some(word)) {
            setting.east_asian |= word.chars().any(is_east_asian);
            if reading(word).is_none() {
                setting.written_in.extend(scripts(word));
            }
        }
        setting
    }
}

/// Cuts a text into words and what is between them, in order.
pub(super) fn words(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_word = first.is_alphanumeric();
        let end =
            rest.find(|c: char| (c.is_alphanumeric() || (is_word && is_mark(c))) != is_word).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        rest = tail;
        Some((part, is_word))
    })
}

/// Why a word is not what it looks like, as a sentence without its capital; none for an honest word.
pub(super) fn suspicion(word: &str, setting: &Setting) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    match reading(word) {
        Some(reading) => {
            let foreign = deceptive_scripts(word, setting)?;
            Some(format!("looks like \"{reading}\", but uses {foreign} letters"))
        }
        None if mixes(word) => Some(format!("mixes {} letters", listed(&scripts(word)))),
        None => None,
    }
}

/// The ASCII word that a reader would take it for, by the prototypes of UTS 39, section 4; none if there is none.
fn reading(word: &str) -> Option<String> {
    let mut reading = String::with_capacity(word.len());
    for c in word.chars() {
        if c.is_ascii_alphanumeric() {
            reading.push(c);
            continue;
        }
        // Letters in their own right, though the tables have them look like two.
        if matches!(c, 'æ' | 'Æ' | 'œ' | 'Œ') {
            return None;
        }
        let prototype: String = skeleton(c.encode_utf8(&mut [0; 4])).collect();
        match prototype.as_str() {
            // The tables' prototypes of `m` and `I`, which no reader would see.
            "rn" => reading.push('m'),
            "l" if c.is_uppercase() => reading.push('I'),
            plain if !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                reading.push_str(plain);
            }
            _ => return None,
        }
    }
    Some(reading)
}

/// The scripts that deceive in a word with an ASCII reading; none where that reading is chance.
fn deceptive_scripts(word: &str, setting: &Setting) -> Option<String> {
    let disguised: String = word.chars().filter(|c| !c.is_ascii()).collect();
    if setting.east_asian && disguised.chars().all(|c| matches!(c, '\u{FF00}'..='\u{FFEF}')) {
        return None;
    }
    let scripts = scripts(&disguised);
    if !word.chars().any(|c| c.is_ascii_alphanumeric()) {
        if !scripts.iter().all(|script| LATIN_LIKE.contains(script)) {
            return None;
        }
        if word.chars().count() <= SHORT && scripts.iter().any(|script| setting.written_in.contains(script)) {
            return None;
        }
    }
    let named: Vec<_> = scripts
        .into_iter()
        .map(|script| match script {
            "Latin" => "special Latin",
            "Common" => "styled",
            other => other,
        })
        .collect();
    Some(listed(&named))
}

/// Whether letters of several scripts stand together that nobody writes together. Latin goes with Chinese, Japanese
/// and Korean, and with scripts that look like nothing Latin ("Moderately Restrictive", UTS 39, section 5.2).
fn mixes(word: &str) -> bool {
    let letters: String = word.chars().filter(|c| !is_mark(*c)).collect();
    if letters.as_str().is_single_script() {
        return false;
    }
    let mut others = AugmentedScriptSet::default();
    for set in letters.chars().map(AugmentedScriptSet::for_char).filter(|set| !is_latin(*set)) {
        others.intersect_with(set);
    }
    if others.is_empty() {
        return true;
    }
    let apart_from_latin = others
        .base
        .iter()
        .next()
        .is_some_and(|script| script.is_recommended() && !LATIN_LIKE.contains(&script.full_name()));
    !(others.hanb || others.jpan || others.kore || apart_from_latin)
}

fn is_latin(set: AugmentedScriptSet) -> bool {
    !set.is_all() && set.base.iter().any(|script| script.full_name() == "Latin")
}

fn is_east_asian(c: char) -> bool {
    let set = AugmentedScriptSet::for_char(c);
    !set.is_all() && (set.hanb || set.jpan || set.kore)
}

/// The scripts of a word's characters, each once, in order of appearance.
fn scripts(word: &str) -> Vec<&'static str> {
    let mut scripts = Vec::new();
    for set in word.chars().filter(|c| !is_mark(*c)).map(AugmentedScriptSet::for_char) {
        let script =
            if set.is_all() { "Common" } else { set.base.iter().next().map_or("Common", |script| script.full_name()) };
        if !scripts.contains(&script) {
            scripts.push(script);
        }
    }
    if scripts.len() > 1 {
        scripts.retain(|script| *script != "Common");
    }
    scripts
}

fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| name.replace('_', " ")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> Vec<String> {
        let setting = Setting::of(text);
        words(text)
            .filter_map(|(word, is_word)| {
                let why = is_word.then(|| suspicion(word, &setting)).flatten()?;
                Some(format!("{word}: {why}"))
            })
            .collect()
    }

    #[test]
    fn a_word_in_disguise_is_told() {
        assert_eq!(flags("to раураl.com"), ["раураl: looks like \"paypal\", but uses Cyrillic letters"]);
        assert_eq!(flags("асе"), ["асе: looks like \"ace\", but uses Cyrillic letters"]);
        assert_eq!(flags("gооgle_pay"), ["gооgle: looks like \"google\", but uses Cyrillic letters"]);
        assert_eq!(flags("𝐩𝐚𝐲"), ["𝐩𝐚𝐲: looks like \"pay\", but uses styled letters"]);
        assert_eq!(flags("ﬁle"), ["ﬁle: looks like \"file\", but uses special Latin letters"]);
        assert_eq!(flags("ＩＢＭ"), ["ＩＢＭ: looks like \"IBM\", but uses special Latin letters"]);
        assert_eq!(flags("micr०soft"), ["micr०soft: looks like \"microsoft\", but uses Devanagari letters"]);
    }

    #[test]
    fn a_word_of_two_scripts_is_told() {
        assert_eq!(flags("приветhello"), ["приветhello: mixes Cyrillic and Latin letters"]);
        assert_eq!(flags("λж"), ["λж: mixes Greek and Cyrillic letters"]);
    }

    #[test]
    fn ordinary_text_is_not_flagged() {
        for text in [
            "Überweisung über 20 € für Größe, Maß und ß; Café à la carte, æon, cœur, m², 1ª, µs",
            "東京のITエンジニアが3ヶ月でTシャツを二〇枚。１２３ ＡＢＣ ノート 工場 カタカナ ー",
            "السلام عليكم، الحساب رقم ١٥١ بمبلغ ٥٠ اه",
            "שלום ס ו ן, סס",
            "한국어 텍스트 ABC회사",
            "Привет, это а не о; с утра 5кг и у реки",
            "Καλημέρα, ο λογαριασμός",
            "हिन्दी में १०० रुपये",
            "ไทย 100 บาท",
            "Tiếng Việt, čeština, łódź, Ærø",
            "🤖 ok 👩‍💻 ❤️ 1️⃣ 🇩🇪",
            "refund ch_3PqL8812b to mina@acme.test",
        ] {
            assert_eq!(flags(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn words_and_gaps_make_up_the_text() {
        let parts: Vec<_> = words("a, b\u{301}c—d").collect();
        assert_eq!(parts, [("a", true), (", ", false), ("b\u{301}c", true), ("—", false), ("d", true)]);
    }
}
