//! The Python packages that talk to our tools, each in an environment of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell::{root, run, say, succeeds};

struct Environment {
    folder: &'static str,
    requirement: &'static str,
    /// Fails unless the package works.
    check: &'static str,
}

const ENVIRONMENTS: &[Environment] = &[
    Environment {
        folder: "paho-1.6",
        requirement: "paho-mqtt==1.6.1",
        check: "import paho.mqtt.client as c; c.Client()",
    },
    Environment {
        folder: "paho-2",
        requirement: "paho-mqtt>=2,<3",
        check: "import paho.mqtt.client as c; c.Client(c.CallbackAPIVersion.VERSION2)",
    },
    Environment {
        folder: "argon2",
        requirement: "argon2-cffi",
        check: "import argon2; argon2.PasswordHasher()",
    },
    // The validator of CycloneDX's own project, with the schema inside.
    Environment {
        folder: "cyclonedx",
        requirement: "cyclonedx-python-lib[json-validation]>=11,<12",
        check: "import jsonschema; from cyclonedx.validation.json import JsonStrictValidator",
    },
];

/// Makes what is missing or incomplete under `target/test-python`.
pub(crate) fn ensure(python: &Path) -> Result<()> {
    let parent = root().join("target/test-python");
    for environment in ENVIRONMENTS {
        let folder = parent.join(environment.folder);
        if !is_complete(&folder, environment) {
            make(python, &folder, environment)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
    }
    Ok(())
}

fn make(python: &Path, folder: &Path, environment: &Environment) -> Result<()> {
    say(&format!(
        "Making a Python environment for {}.",
        environment.requirement
    ));
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    run(Command::new(python).args(["-m", "venv"]).arg(folder))?;
    let interpreter = folder.join("bin/python3");
    run(Command::new(&interpreter)
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", environment.requirement]))?;
    run(Command::new(&interpreter).args(["-c", environment.check]))?;
    // Last of all: without it, the next run starts this environment again.
    fs::write(folder.join(STAMP), environment.requirement)?;
    Ok(())
}

const STAMP: &str = "complete";

fn is_complete(folder: &Path, environment: &Environment) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|text| text == environment.requirement)
        // The Python it was made from may be gone since.
        && succeeds(Command::new(folder.join("bin/python3")).args(["-c", environment.check]))
}
