//! What is counted of messages, and the numbers that their payloads begin with.

#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) sequence: Sequence,
}

/// Of the numbers that payloads begin with.
#[derive(Debug, Clone, Default)]
pub(super) enum Sequence {
    #[default]
    Unknown,
    /// A payload without a number: these are not numbered.
    None,
    Numbers {
        highest: u64,
        missing: u64,
        /// Not above the one before it.
        again: u64,
    },
}

impl Counts {
    pub(super) fn add(&mut self, payload: &[u8]) {
        self.messages += 1;
        self.bytes += payload.len() as u64;
    }
}

impl Sequence {
    pub(super) fn add(&mut self, number: Option<u64>) {
        *self = match (&*self, number) {
            (Self::None, _) | (_, None) => Self::None,
            (Self::Unknown, Some(highest)) => Self::Numbers {
                highest,
                missing: 0,
                again: 0,
            },
            (
                &Self::Numbers {
                    highest,
                    missing,
                    again,
                },
                Some(number),
            ) => Self::Numbers {
                highest: highest.max(number),
                missing: missing + number.saturating_sub(highest).saturating_sub(1),
                again: again + u64::from(number <= highest),
            },
        };
    }
}

/// The whole number at the beginning of a payload, alone or before a blank or a comma: what
/// `{seq}` of mqpub makes.
pub(super) fn number(payload: &[u8]) -> Option<u64> {
    let end = payload.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, rest) = payload.split_at_checked(end.unwrap_or(payload.len()))?;
    if !matches!(
        rest.first(),
        None | Some(b' ' | b'\t' | b'\n' | b',' | b';')
    ) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
