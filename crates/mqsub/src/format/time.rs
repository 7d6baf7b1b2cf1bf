//! The time at which a message is printed, in the local zone.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use jiff::tz::TimeZone;

/// The machine's own time zone.
const LOCAL: &str = "/etc/localtime";

/// Where time zones are.
const ZONES: &str = "/usr/share/zoneinfo";

/// What glibc takes for summer time when `TZ` names it without a rule.
const SUMMER_TIME: &str = ",M3.2.0,M11.1.0";

/// The local time zone. Where `TZ` means none it is UTC, as in C, and its value is given.
pub(crate) fn local_zone() -> (TimeZone, Option<String>) {
    // jiff would look for its name among all the zones that there are, which takes longer than
    // everything else at start.
    if std::env::var_os("TZ").is_none()
        && let Some(zone) = read_zone(LOCAL, Path::new(LOCAL))
    {
        return (zone, None);
    }
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
        .then(|| read_zone(name, &file))
        .flatten()
        .or_else(|| TimeZone::posix(&format!("{name}{SUMMER_TIME}")).ok());
    match zone {
        Some(zone) => (zone, None),
        None => (TimeZone::UTC, Some(value.into_owned())),
    }
}

fn read_zone(name: &str, file: &Path) -> Option<TimeZone> {
    let data = std::fs::read(file).ok()?;
    TimeZone::tzif(name, &data).ok()
}

/// Tells the time in one zone. What stays the same for a second is worked out once a second.
#[derive(Debug)]
pub(crate) struct Clock {
    zone: TimeZone,
    known: RefCell<Vec<Known>>,
    stamp: RefCell<Stamp>,
}

/// What a format says in this second.
#[derive(Debug)]
struct Known {
    format: String,
    second: i64,
    text: String,
}

/// What was written last with microseconds in it.
#[derive(Debug, Default)]
struct Stamp {
    formats: [&'static str; 2],
    second: i64,
    text: Vec<u8>,
    /// Where the microseconds are.
    place: usize,
}

impl Clock {
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            known: RefCell::default(),
            stamp: RefCell::default(),
        }
    }

    pub(crate) fn now(&self) -> Moment<'_> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        if let Ok(time) = since_1970
            && let Ok(second) = time.as_secs().try_into()
        {
            return Moment {
                clock: self,
                second,
                nanosecond: time.subsec_nanos(),
            };
        }
        self.at(Timestamp::now())
    }

    /// No moment in particular, for what tells no time: to look at a clock would take longer than most of
    /// the rest.
    pub(crate) fn never(&self) -> Moment<'_> {
        Moment {
            clock: self,
            second: 0,
            nanosecond: 0,
        }
    }

    fn at(&self, now: Timestamp) -> Moment<'_> {
        let (second, nanosecond) = (now.as_second(), now.subsec_nanosecond());
        // Both have the sign of a time before 1970.
        let borrowed = i64::from(nanosecond < 0);
        let nanosecond = i64::from(nanosecond) + borrowed * 1_000_000_000;
        Moment {
            clock: self,
            second: second - borrowed,
            nanosecond: u32::try_from(nanosecond).unwrap_or_default(),
        }
    }
}

/// One moment for everything that is printed of one message.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    clock: &'a Clock,
    second: i64,
    nanosecond: u32,
}

impl Moment<'_> {
    /// Seconds since 1970 with nine decimals.
    pub(crate) fn unix(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{}.", self.second)?;
        self.nanoseconds(out)
    }

    /// The nanoseconds of the second, nine digits.
    pub(crate) fn nanoseconds(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{:09}", self.nanosecond)
    }

    /// The local time in two formats of strftime and, between them, the microseconds of the second, six
    /// digits. Fast where it is asked for the same formats again.
    pub(crate) fn with_microseconds(
        &self,
        formats: [&'static str; 2],
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut stamp = self.clock.stamp.borrow_mut();
        let [before, after] = formats;
        let [known_before, known_after] = stamp.formats;
        // Which they are, and not what they say: that would take longer than the rest.
        let is_known = std::ptr::eq(before, known_before) && std::ptr::eq(after, known_after);
        if !is_known || stamp.second != self.second {
            let mut text = self.written(before)?.into_bytes();
            let place = text.len();
            text.extend_from_slice(b"000000");
            text.extend_from_slice(self.written(after)?.as_bytes());
            *stamp = Stamp {
                formats,
                second: self.second,
                text,
                place,
            };
        }
        let Stamp { text, place, .. } = &mut *stamp;
        if let Some(digits) = text
            .get_mut(*place..)
            .and_then(<[u8]>::first_chunk_mut::<6>)
        {
            let mut left = self.nanosecond / 1000;
            for digit in digits.iter_mut().rev() {
                *digit = b'0' + (left % 10) as u8;
                left /= 10;
            }
        }
        out.write_all(text)
    }

    /// The local time in a format of strftime, as the C locale writes it. No part of the format
    /// may be shorter than a second.
    pub(crate) fn strftime(&self, format: &str, out: &mut impl Write) -> io::Result<()> {
        let mut known = self.clock.known.borrow_mut();
        let place = known.iter().position(|known| known.format == format);
        if let Some(known) = place.and_then(|place| known.get_mut(place)) {
            if known.second != self.second {
                known.text = self.written(format)?;
                known.second = self.second;
            }
            return out.write_all(known.text.as_bytes());
        }
        let text = self.written(format)?;
        out.write_all(text.as_bytes())?;
        known.push(Known {
            format: format.to_owned(),
            second: self.second,
            text,
        });
        Ok(())
    }

    fn written(&self, format: &str) -> io::Result<String> {
        let nanosecond = i32::try_from(self.nanosecond).map_err(io::Error::other)?;
        let now = Timestamp::new(self.second, nanosecond).map_err(io::Error::other)?;
        let local = now.to_zoned(self.clock.zone.clone());
        let config = Config::new().custom(PosixCustom::new()).lenient(true);
        let mut text = String::new();
        BrokenDownTime::from(&local)
            .format_with_config(&config, format, &mut text)
            .map_err(io::Error::other)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut text = Vec::new();
        write(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_second_begins_before_its_fraction() {
        let clock = Clock::new(TimeZone::UTC);
        for (nanoseconds, unix, seconds, micros) in [
            (0, "0.000000000", "00:00:00", "000000"),
            (999_999_999, "0.999999999", "00:00:00", "999999"),
            (1_000_000_001, "1.000000001", "00:00:01", "000000"),
            (-1, "-1.999999999", "23:59:59", "999999"),
            (-1_000_000_000, "-1.000000000", "23:59:59", "000000"),
        ] {
            let moment = clock.at(Timestamp::from_nanosecond(nanoseconds).unwrap());
            assert_eq!(text(|out| moment.unix(out)), unix);
            assert_eq!(text(|out| moment.strftime("%H:%M:%S", out)), seconds);
            let formats = ["%H:%M:%S.", "%z"];
            let expected = format!("{seconds}.{micros}+0000");
            assert_eq!(text(|out| moment.with_microseconds(formats, out)), expected);
        }
    }

    proptest! {
        /// What is kept of a second is what would have been worked out, over its end, over a
        /// change of summer time, and with several formats in turn.
        #[test]
        fn what_is_kept_is_right(
            steps in prop::collection::vec((0..3usize, prop_oneof![0..2_000i64, 0..40_000_000_000i64]), 1..40),
        ) {
            let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
            let clock = Clock::new(zone.clone());
            let mut milliseconds = 1_700_000_000_000;
            for (format, step) in steps {
                let format = ["%Y-%m-%dT%H:%M:%S.", "%z", "%j %H"][format];
                milliseconds += step;
                let now = Timestamp::from_millisecond(milliseconds).unwrap();
                let expected = now.to_zoned(zone.clone()).strftime(format).to_string();
                prop_assert_eq!(text(|out| clock.at(now).strftime(format, out)), expected);
                let formats = [["%Y-%m-%d %H:%M:%S.", "%z"], ["%S ", " %j"]][usize::from(format == "%z")];
                let expected = now.to_zoned(zone.clone()).strftime(&formats.join("%6f")).to_string();
                prop_assert_eq!(text(|out| clock.at(now).with_microseconds(formats, out)), expected);
            }
        }
    }
}
