//! Which characters are never drawn as they are, and what they are called.
//!
//! Names follow the Unicode Character Database, or its aliases, in small letters.

use super::Why;
use std::borrow::Cow;
use unicode_security::mixed_script::AugmentedScriptSet;

/// How many combining marks may stand on one letter; more would grow into the lines above and below.
const MAX_MARKS: usize = 4;
const JOINER: char = '\u{200D}';
const EMOJI_SELECTOR: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';

const CONTROLS: [&str; 32] = [
    "null",
    "start of heading",
    "start of text",
    "end of text",
    "end of transmission",
    "enquiry",
    "acknowledge",
    "bell",
    "backspace",
    "tab",
    "line feed",
    "vertical tab",
    "form feed",
    "carriage return",
    "shift out",
    "shift in",
    "data link escape",
    "device control one",
    "device control two",
    "device control three",
    "device control four",
    "negative acknowledge",
    "synchronous idle",
    "end of transmission block",
    "cancel",
    "end of medium",
    "substitute",
    "escape",
    "file separator",
    "group separator",
    "record separator",
    "unit separator",
];

/// Whether a text holds a character that would not be drawn as it is: no name of anybody may.
#[must_use]
pub fn hides_something(text: &str) -> bool {
    text.chars().any(|c| hidden(c).is_some())
}

/// Why a character is not drawn as it is, and its name; none for a character that may be drawn.
pub(super) fn hidden(c: char) -> Option<(Why, Cow<'static, str>)> {
    if matches!(c, ' '..='~') {
        return None;
    }
    let code = u32::from(c);
    let known = |why, name: &'static str| Some((why, Cow::Borrowed(name)));
    match code {
        0x00..=0x1F => known(Why::Control, CONTROLS.get(code as usize).copied().unwrap_or("control character")),
        0x7F => known(Why::Control, "delete"),
        0x85 => known(Why::Control, "next line"),
        0x80..=0x9F => known(Why::Control, "control character"),
        0x061C => known(Why::Bidi, "Arabic letter mark"),
        0x200E => known(Why::Bidi, "left-to-right mark"),
        0x200F => known(Why::Bidi, "right-to-left mark"),
        0x202A => known(Why::Bidi, "left-to-right embedding"),
        0x202B => known(Why::Bidi, "right-to-left embedding"),
        0x202C => known(Why::Bidi, "pop directional formatting"),
        0x202D => known(Why::Bidi, "left-to-right override"),
        0x202E => known(Why::Bidi, "right-to-left override"),
        0x2066 => known(Why::Bidi, "left-to-right isolate"),
        0x2067 => known(Why::Bidi, "right-to-left isolate"),
        0x2068 => known(Why::Bidi, "first strong isolate"),
        0x2069 => known(Why::Bidi, "pop directional isolate"),
        0x00A0 => known(Why::Space, "no-break space"),
        0x1680 => known(Why::Space, "ogham space mark"),
        0x2000..=0x200A => known(Why::Space, SPACES.get((code - 0x2000) as usize).copied().unwrap_or("space")),
        0x202F => known(Why::Space, "narrow no-break space"),
        0x205F => known(Why::Space, "medium mathematical space"),
        0x2800 => known(Why::Space, "braille pattern blank"),
        0x3000 => known(Why::Space, "ideographic space"),
        0x2028 => known(Why::Control, "line separator"),
        0x2029 => known(Why::Control, "paragraph separator"),
        0xFE00..=0xFE0F => Some((Why::Invisible, Cow::Owned(format!("variation selector-{}", code - 0xFE00 + 1)))),
        0xE0100..=0xE01EF => Some((Why::Invisible, Cow::Owned(format!("variation selector-{}", code - 0xE0100 + 17)))),
        0xE0020..=0xE007E => {
            let letter = char::from_u32(code - 0xE0000).unwrap_or(' ');
            Some((Why::Invisible, Cow::Owned(format!("tag character {letter}"))))
        }
        0xE000..=0xF8FF | 0xF0000..=0xFFFFD | 0x10_0000..=0x10_FFFD => known(Why::PrivateUse, "private use character"),
        _ if code & 0xFFFE == 0xFFFE || matches!(code, 0xFDD0..=0xFDEF) => known(Why::Noncharacter, "noncharacter"),
        _ => invisible(code).map(|name| (Why::Invisible, Cow::Borrowed(name))).or_else(|| unassigned(c)),
    }
}

const SPACES: [&str; 11] = [
    "en quad",
    "em quad",
    "en space",
    "em space",
    "three-per-em space",
    "four-per-em space",
    "six-per-em space",
    "figure space",
    "punctuation space",
    "thin space",
    "hair space",
];

/// Default_Ignorable_Code_Point of the UCD, and what fonts leave blank.
const fn invisible(code: u32) -> Option<&'static str> {
    Some(match code {
        0x00AD => "soft hyphen",
        0x034F => "combining grapheme joiner",
        0x115F => "Hangul choseong filler",
        0x1160 => "Hangul jungseong filler",
        0x17B4 | 0x17B5 => "Khmer inherent vowel",
        0x180B..=0x180D | 0x180F => "Mongolian free variation selector",
        0x180E => "Mongolian vowel separator",
        0x200B => "zero width space",
        0x200C => "zero width non-joiner",
        0x200D => "zero width joiner",
        0x2060 => "word joiner",
        0x2061 => "function application",
        0x2062 => "invisible times",
        0x2063 => "invisible separator",
        0x2064 => "invisible plus",
        0x2065 | 0xFFF0..=0xFFF8 => "unassigned format character",
        0x206A..=0x206F => "deprecated format character",
        0x3164 => "Hangul filler",
        0xFEFF => "zero width no-break space",
        0xFFA0 => "halfwidth Hangul filler",
        0xFFF9..=0xFFFB => "interlinear annotation mark",
        0xFFFC => "object replacement character",
        0x1_3430..=0x1_345F => "Egyptian hieroglyph format control",
        0x1_BCA0..=0x1_BCA3 => "shorthand format control",
        0x1_D159 => "musical symbol null notehead",
        0x1_D173..=0x1_D17A => "musical format control",
        0xE0000..=0xE0FFF => "tag character",
        _ => return None,
    })
}

/// New emoji come every year, before the tables do; they are let through.
fn unassigned(c: char) -> Option<(Why, Cow<'static, str>)> {
    let assigned = is_pictograph(c) || !AugmentedScriptSet::for_char(c).base.is_empty();
    (!assigned).then_some((Why::Unassigned, Cow::Borrowed("unassigned character")))
}

/// A symbol that an emoji may be made of: Extended_Pictographic of UTS 51 and the modifiers, in whole blocks.
pub(super) const fn is_pictograph(c: char) -> bool {
    matches!(c,
        '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{21AA}'
        | '\u{231A}'..='\u{23FF}' | '\u{24C2}' | '\u{25AA}'..='\u{25FE}' | '\u{2600}'..='\u{27BF}'
        | '\u{2934}' | '\u{2935}' | '\u{2B05}'..='\u{2B55}' | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}'
        | '\u{1F000}'..='\u{1FAFF}')
}

/// Looks at characters one after the other, since an emoji's joiner and an accent depend on what stands before.
#[derive(Default)]
pub(super) struct Eye {
    /// The last character, if it was drawn as it is.
    shown: Option<char>,
    marks: usize,
}

impl Eye {
    /// Why this character is not drawn as it is; `next` is the one after it.
    pub(super) fn hides(&mut self, c: char, next: Option<char>) -> Option<(Why, Cow<'static, str>)> {
        let hidden = if self.within_emoji(c, next) { None } else { hidden(c).or_else(|| self.stray_mark(c)) };
        self.shown = hidden.is_none().then_some(c);
        hidden
    }

    /// Something stood between that is drawn in its own way: a line break, a tab.
    pub(super) fn interrupt(&mut self) {
        *self = Self::default();
    }

    fn within_emoji(&self, c: char, next: Option<char>) -> bool {
        match (c, self.shown) {
            (EMOJI_SELECTOR, Some('0'..='9' | '#' | '*')) => next == Some(KEYCAP),
            (EMOJI_SELECTOR, Some(before)) => is_pictograph(before),
            (JOINER, Some(before)) => {
                (is_pictograph(before) || before == EMOJI_SELECTOR) && next.is_some_and(is_pictograph)
            }
            _ => false,
        }
    }

    fn stray_mark(&mut self, c: char) -> Option<(Why, Cow<'static, str>)> {
        if !is_mark(c) {
            self.marks = 0;
            return None;
        }
        self.marks += 1;
        let stray = self.shown.is_none() || self.marks > MAX_MARKS;
        stray.then_some((Why::Combining, Cow::Borrowed("combining mark")))
    }
}

/// A mark that is drawn over the letter before it, whatever that is: the blocks of combining diacritical marks.
pub(super) const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_danger_is_hidden() {
        let dangers = ('\u{202A}'..='\u{202E}')
            .chain('\u{2066}'..='\u{2069}')
            .chain('\u{200B}'..='\u{200F}')
            .chain('\u{2060}'..='\u{2064}')
            .chain('\u{2000}'..='\u{200A}')
            .chain('\u{FE00}'..='\u{FE0F}')
            .chain('\u{E0000}'..='\u{E007F}')
            .chain('\u{E0100}'..='\u{E01EF}')
            .chain(
                "\u{61C}\u{FEFF}\u{AD}\u{180E}\u{115F}\u{1160}\u{3164}\u{FFA0}\u{A0}\u{3000}\u{E000}\u{FFFF}".chars(),
            )
            .chain("\u{FDD0}\u{10FFFE}\u{10FFFD}\u{378}".chars())
            .chain((0..=char::MAX as u32).filter_map(char::from_u32).filter(|c| c.is_control()));
        for c in dangers {
            assert!(hidden(c).is_some(), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn names_tell_what_it_is() {
        let name = |c| hidden(c).unwrap().1.into_owned();
        assert_eq!(name('\u{202E}'), "right-to-left override");
        assert_eq!(name('\u{1B}'), "escape");
        assert_eq!(name('\u{E0061}'), "tag character a");
        assert_eq!(name('\u{FE0F}'), "variation selector-16");
        assert_eq!(name('\u{378}'), "unassigned character");
    }

    #[test]
    fn letters_of_living_scripts_show() {
        for text in [
            "Größe ẞ",
            "日本語テスト。",
            "السلام عليكم ١٢٣",
            "שלום",
            "ไทยก็",
            "हिन्दी",
            "한국어",
            "Ελληνικά",
            "Русский",
            "🤖🇩🇪🫠",
        ] {
            assert!(text.chars().all(|c| hidden(c).is_none()), "{text}");
        }
    }
}
