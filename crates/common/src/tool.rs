//! The names of the tools: each has its own, and its predecessor's, under which it may be
//! installed.

use std::ffi::OsStr;
use std::path::Path;

/// A tool and the one that it replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// Its own name.
    pub own: &'static str,
    /// The name of its predecessor.
    pub original: &'static str,
    /// What somebody who does not know it may type first, behind its name.
    pub first_words: &'static str,
}

impl Tool {
    /// Publishes.
    pub const MQPUB: Self = Self {
        own: "mqpub",
        original: "mosquitto_pub",
        first_words: "-t test/topic -m hello",
    };

    /// Subscribes.
    pub const MQSUB: Self = Self {
        own: "mqsub",
        original: "mosquitto_sub",
        first_words: "-t 'test/#'",
    };

    /// Manages password files.
    pub const MQPASSWD: Self = Self {
        own: "mqpasswd",
        original: "mosquitto_passwd",
        first_words: "-c passwd alice",
    };

    /// The one that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::MQPUB, Self::MQSUB, Self::MQPASSWD]
            .into_iter()
            .find(|tool| [tool.own, tool.original].contains(&name))
    }

    /// The name to speak of itself by, given the first word of its command line. Who calls it
    /// by its predecessor's name knows it by that.
    #[must_use]
    pub fn called_as(self, arg0: Option<impl AsRef<OsStr>>) -> &'static str {
        let is_original = arg0.is_some_and(|path| {
            Path::new(path.as_ref()).file_name() == Some(OsStr::new(self.original))
        });
        if is_original { self.original } else { self.own }
    }

    /// Puts the name that is in use into a text written with the tool's own.
    #[must_use]
    pub fn speak(self, name: &str, text: &'static str) -> String {
        if name == self.own {
            text.to_owned()
        } else {
            text.replace(self.own, name)
        }
    }

    /// The names of the default options file, the first one that is there counts. As its
    /// predecessor it reads its predecessor's only.
    #[must_use]
    pub fn options_files(self, name: &str) -> &'static [&'static str] {
        match (self, name == self.original) {
            (Self::MQPUB, false) => &["mqpub", "mosquitto_pub"],
            (Self::MQPUB, true) => &["mosquitto_pub"],
            (Self::MQSUB, false) => &["mqsub", "mosquitto_sub"],
            (Self::MQSUB, true) => &["mosquitto_sub"],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_the_link() {
        for (arg0, name) in [
            ("mosquitto_pub", "mosquitto_pub"),
            ("/usr/bin/mosquitto_pub", "mosquitto_pub"),
            ("./mqpub", "mqpub"),
            ("mosquitto_pub/x", "mqpub"),
            ("mosquitto_sub", "mqpub"),
            ("", "mqpub"),
        ] {
            assert_eq!(Tool::MQPUB.called_as(Some(arg0)), name, "{arg0}");
        }
        assert_eq!(Tool::MQPUB.called_as(None::<&OsStr>), "mqpub");
    }

    #[test]
    fn the_predecessors_options_file_is_the_second_choice() {
        let files = |name| Tool::MQSUB.options_files(name);
        assert_eq!(files("mqsub"), ["mqsub", "mosquitto_sub"]);
        assert_eq!(files("mosquitto_sub"), ["mosquitto_sub"]);
    }
}
