//! Text that came from the chain or from a person, made safe to stand in a line.

/// The text in one line of at most `limit` characters: what would break the line, hide, or turn
/// the reading direction is replaced by `�`, and what is too long is cut in the middle.
///
/// The chain puts no limit on a model id but the size of a block.
pub(crate) fn plain(text: &str, limit: usize) -> String {
    let clean = |c: char| if deceives(c) { '\u{fffd}' } else { c };
    if text.chars().nth(limit).is_none() {
        return text.chars().map(clean).collect();
    }
    // The end of a name tells as much as its start: versions stand there.
    let head = limit.saturating_sub(1).div_ceil(2);
    let tail = limit.saturating_sub(1) - head;
    let end: Vec<char> = text.chars().rev().take(tail).collect();
    text.chars().take(head).chain(['…']).chain(end.into_iter().rev()).map(clean).collect()
}

/// Control characters, line separators, and the invisible ones that join, hide or reorder.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::plain;

    // Fails when a line break or a reversal of the reading direction gets through.
    #[test]
    fn hostile_characters_are_replaced() {
        assert_eq!(
            plain("a\r\nBcc: x\u{202e}y\u{200b}", 100),
            "a\u{fffd}\u{fffd}Bcc: x\u{fffd}y\u{fffd}"
        );
    }

    // Fails when the limit is passed, or the version at the end of a long name is lost.
    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(plain("deepseek-ai/DeepSeek-V4-Flash-0731", 16), "deepseek…sh-0731");
        assert_eq!(plain("ровно", 5), "ровно");
        assert_eq!(plain("слово", 4).chars().count(), 4);
        assert_eq!(plain("ab", 0), "…");
    }
}
