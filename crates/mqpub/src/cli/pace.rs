//! Times and rates as they are typed.

use std::time::Duration;

use mqtools_common::args;

/// What `--rate` says: the time from one message to the next, in seconds; above 0, at most a
/// century.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// In seconds.
    pub interval: f64,
}

/// What `--speed` says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast: above 0.
    Times(f64),
    /// `max`
    Max,
}

impl Default for Speed {
    fn default() -> Self {
        Self::Times(1.0)
    }
}

/// Reads `2`, `0.5` or `max`.
pub(super) fn speed(text: &str) -> Result<Speed, String> {
    match args::number::<f64>(text) {
        Some(times) if times > 0.0 && times.is_finite() => Ok(Speed::Times(times)),
        None if text.trim() == "max" => Ok(Speed::Max),
        _ => Err("it is a number above 0, or max".to_owned()),
    }
}

/// Reads `10`, `10/s`, `2.5/m` or `1/h`.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    const SHAPE: &str =
        "it is a number above 0, of messages a second, or with /m or /h a minute or an hour";
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let unit = match unit.trim() {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(SHAPE.to_owned()),
    };
    let count: f64 = args::number(number).ok_or(SHAPE)?;
    let interval = unit / count;
    // Above a billion a second nobody could tell the difference.
    if !(1e-9..=3.2e9).contains(&interval) {
        return Err(SHAPE.to_owned());
    }
    Ok(Rate { interval })
}

/// Reads `500ms`, `10s`, `5m`, `1h`, or seconds without a unit.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(number.len()..).unwrap_or_default() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("its unit is one of ms, s, m and h".to_owned()),
    };
    let count: f64 = args::number(number).ok_or("not a number")?;
    args::seconds(&(count * unit).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_units() {
        for (text, interval) in [
            ("10", 0.1),
            ("10/s", 0.1),
            ("0.5", 2.0),
            ("30/m", 2.0),
            ("1/h", 3600.0),
            (" 4 / s ", 0.25),
            ("1e6", 1e-6),
        ] {
            assert_eq!(rate(text), Ok(Rate { interval }), "{text}");
        }
        for text in [
            "", "0", "-1", "/s", "1/", "1/d", "nan", "inf", "1e-30", "1e30", "fast",
        ] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_speed_is_a_factor() {
        assert_eq!(speed("2"), Ok(Speed::Times(2.0)));
        assert_eq!(speed(" 0.5"), Ok(Speed::Times(0.5)));
        assert_eq!(speed("max"), Ok(Speed::Max));
        for text in ["", "0", "-1", "nan", "inf", "1x", "MAX"] {
            assert!(speed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn intervals_have_units() {
        for (text, ms) in [
            ("1", 1_000),
            ("0.25", 250),
            ("500ms", 500),
            ("1.5s", 1_500),
            ("2m", 120_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(interval(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in [
            "", "0", "0s", "-1s", "1d", "s", "1 min", "nan", "inf", "1e30h", "1S",
        ] {
            assert!(interval(text).is_err(), "{text}");
        }
    }
}
