//! What changes in a text, without a copy of all that stays: most edits of a file of any size
//! touch one line.

use std::ops::Range;

/// Replacements in a text, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    changes: Vec<(Range<usize>, Vec<u8>)>,
}

impl Patch {
    /// Replaces all of a text of `length` bytes.
    #[must_use]
    pub fn whole(length: usize, new: impl Into<Vec<u8>>) -> Self {
        let mut patch = Self::default();
        patch.replace(0..length, new);
        patch
    }

    /// Puts `new` in the place of these bytes, which come after those of every replacement
    /// before; an empty range is a place between two bytes.
    pub fn replace(&mut self, range: Range<usize>, new: impl Into<Vec<u8>>) {
        self.changes.push((range, new.into()));
    }

    /// The new text, in pieces that stay as they were and pieces that are new.
    pub fn pieces<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut kept = 0;
        let last = self.changes.last().map_or(0, |(range, _)| range.end);
        self.changes
            .iter()
            .flat_map(move |(range, new)| {
                let before = text.get(kept..range.start).unwrap_or_default();
                kept = range.end;
                [before, new.as_slice()]
            })
            .chain([text.get(last..).unwrap_or_default()])
            .filter(|piece| !piece.is_empty())
    }

    /// The new text.
    #[must_use]
    pub fn apply(&self, text: &[u8]) -> Vec<u8> {
        let new: usize = self.changes.iter().map(|(_, new)| new.len()).sum();
        let mut all = Vec::with_capacity(text.len() + new);
        for piece in self.pieces(text) {
            all.extend_from_slice(piece);
        }
        all
    }

    /// Whether the new text is another one.
    #[must_use]
    pub fn changes(&self, text: &[u8]) -> bool {
        self.changes
            .iter()
            .any(|(range, new)| text.get(range.clone()) != Some(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_are_replaced_inserted_and_removed() {
        let mut patch = Patch::default();
        patch.replace(0..0, *b"<");
        patch.replace(1..3, *b"");
        patch.replace(3..4, *b"DDD");
        patch.replace(5..5, *b">");
        assert_eq!(patch.apply(b"abcde"), b"<aDDDe>");
        assert!(patch.changes(b"abcde"));
    }

    #[test]
    fn nothing_changes_where_the_new_bytes_are_the_old_ones() {
        assert!(!Patch::default().changes(b"abc"));
        assert!(!Patch::whole(3, *b"abc").changes(b"abc"));
        assert!(Patch::whole(3, *b"ab").changes(b"abc"));
        assert_eq!(Patch::default().apply(b"abc"), b"abc");
    }

    proptest! {
        #[test]
        fn what_is_not_replaced_stays(
            text in proptest::collection::vec(any::<u8>(), 0..40),
            cuts in proptest::collection::vec((0..40_usize, 0..9_usize, "[a-z]{0,5}"), 0..6),
        ) {
            let mut patch = Patch::default();
            let mut expected = Vec::new();
            let mut at = 0;
            for (skip, length, new) in cuts {
                let start = (at + skip).min(text.len());
                let end = (start + length).min(text.len());
                expected.extend_from_slice(&text[at..start]);
                expected.extend_from_slice(new.as_bytes());
                patch.replace(start..end, new);
                at = end;
            }
            expected.extend_from_slice(&text[at..]);
            prop_assert_eq!(patch.apply(&text), expected.clone());
            // A replacement may be empty, or put back what it takes away.
            prop_assert!(patch.changes(&text) || expected == text);
        }
    }
}
