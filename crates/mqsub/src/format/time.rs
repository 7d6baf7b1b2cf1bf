//! The time at which a message is printed, in the local zone.

use std::cell::OnceCell;
use std::io::{self, Write};
use std::path::Path;

use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// Where time zones are.
const ZONES: &str = "/usr/share/zoneinfo";

/// What glibc takes for summer time when `TZ` names it without a rule.
const SUMMER_TIME: &str = ",M3.2.0,M11.1.0";

/// The local time zone. Where `TZ` means none it is UTC, as in C, and its value is given.
pub(crate) fn local_zone() -> (TimeZone, Option<String>) {
    let system = TimeZone::try_system().ok();
    if let Some(zone) = system.filter(|zone| !zone.is_unknown()) {
        return (zone, None);
    }
    let value = std::env::var_os("TZ").unwrap_or_default();
    let value = value.to_string_lossy();
    if value.is_empty() {
        return (TimeZone::UTC, None);
    }
    let name = value.strip_prefix(':').unwrap_or(&value);
    // The trees "posix" and "right" are beside the zones that jiff looks through.
    let file = Path::new(ZONES).join(name);
    let zone = file
        .is_file()
        .then(|| std::fs::read(file).ok())
        .flatten()
        .and_then(|data| TimeZone::tzif(name, &data).ok())
        .or_else(|| TimeZone::posix(&format!("{name}{SUMMER_TIME}")).ok());
    match zone {
        Some(zone) => (zone, None),
        None => (TimeZone::UTC, Some(value.into_owned())),
    }
}

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
