//! The time at which a message is printed, in the local zone.

use std::cell::OnceCell;
use std::io::{self, Write};

use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// One moment for everything that is printed of one message.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    now: Timestamp,
    zone: &'a TimeZone,
    local: OnceCell<Zoned>,
}

impl<'a> Moment<'a> {
    pub(crate) fn now(zone: &'a TimeZone) -> Self {
        Self {
            now: Timestamp::now(),
            zone,
            local: OnceCell::new(),
        }
    }

    /// Seconds since 1970 with nine decimals.
    pub(crate) fn unix(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{}.", self.now.as_second())?;
        self.nanoseconds(out)
    }

    /// The nanoseconds of the second, nine digits.
    pub(crate) fn nanoseconds(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{:09}", self.now.subsec_nanosecond())
    }

    /// The local time in a format of strftime, as the C locale writes it.
    pub(crate) fn strftime(&self, format: &str, out: &mut impl Write) -> io::Result<()> {
        let local = self
            .local
            .get_or_init(|| self.now.to_zoned(self.zone.clone()));
        let config = Config::new().custom(PosixCustom::new()).lenient(true);
        // Not straight to `out`: jiff's errors have lost the kind of the output's.
        let mut text = String::with_capacity(40);
        BrokenDownTime::from(local)
            .format_with_config(&config, format, &mut text)
            .map_err(io::Error::other)?;
        out.write_all(text.as_bytes())
    }
}
