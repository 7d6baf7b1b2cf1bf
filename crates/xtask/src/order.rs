//! `cargo xtask order`: writes crates/common/link/start.ld anew, from the functions that a publish of
//! one message runs.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::dist::target_folder;
use crate::shell::{cargo, root, run, say};

const SCRIPT: &str = "crates/common/link/start.ld";

/// How long the broker may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// How compilers write the names of functions in object files: Rust 1.95 writes `legacy` unless told
/// otherwise, but has a standard library with `v0`.
const MANGLINGS: [&str; 2] = ["v0", "legacy"];

/// Builds mqpub with its symbols, watches it, and writes the script.
pub(crate) fn write() -> Result<()> {
    let folder = TempDir::new()?;
    let broker = Broker::start(folder.path())?;
    let mut patterns = Vec::new();
    let mut seen = HashSet::new();
    for mangling in MANGLINGS {
        let program = build(mangling)?;
        for options in [
            &["-q", "0"][..],
            &["-q", "1"],
            &["-q", "2"],
            &["-V", "mqttv5"],
            &["-r", "-u", "name", "-i", "id"],
        ] {
            let trace = folder.path().join("trace");
            run(Command::new("valgrind")
                .args(["--quiet", "--tool=callgrind", "--demangle=no"])
                .arg(format!("--callgrind-out-file={}", trace.display()))
                .arg(&program)
                .args(["-h", "localhost", "-p", &broker.port.to_string()])
                .args(["-t", "a", "-m", "hello"])
                .args(options))?;
            let text = fs::read_to_string(&trace).context("valgrind has left no trace")?;
            let names = functions(&text, &program);
            let names = names.iter().filter_map(|name| pattern(name));
            patterns.extend(names.filter(|pattern| seen.insert(pattern.clone())));
        }
    }
    ensure!(!patterns.is_empty(), "no function was seen");
    fs::write(root().join(SCRIPT), script(&patterns))
        .with_context(|| format!("cannot write {SCRIPT}"))?;
    say(&format!("{SCRIPT} names {} functions.", patterns.len()));
    Ok(())
}

/// Builds mqpub as a release, with symbols and without the script.
fn build(mangling: &str) -> Result<PathBuf> {
    let target = target_folder().join("order");
    let mut build = cargo();
    build.args(["build", "--release", "--package", "mqpub"]);
    build.env("CARGO_TARGET_DIR", &target);
    build.env("CARGO_PROFILE_RELEASE_STRIP", "none");
    // `legacy` has to be unlocked.
    build.env("RUSTC_BOOTSTRAP", "1").env(
        "RUSTFLAGS",
        format!("-Zunstable-options -Csymbol-mangling-version={mangling}"),
    );
    run(build.env("MQTOOLS_UNORDERED", "1"))?;
    Ok(target.join("release").join("mqpub"))
}

/// The functions of `program` in what callgrind wrote: names are given in full once, and by their
/// number afterwards.
fn functions(text: &str, program: &Path) -> Vec<String> {
    let program = program.display().to_string();
    let mut names: HashMap<(bool, &str), &str> = HashMap::new();
    let mut is_ours = false;
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once("=(") else {
            continue;
        };
        let Some((number, name)) = value.split_once(')') else {
            continue;
        };
        let is_file = matches!(key, "ob" | "cob");
        if !is_file && !matches!(key, "fn" | "cfn") {
            continue;
        }
        let name = match name.trim() {
            "" => names.get(&(is_file, number)).copied().unwrap_or_default(),
            name => {
                names.insert((is_file, number), name);
                name
            }
        };
        match key {
            "ob" => is_ours = name == program,
            "fn" if is_ours => found.push(name.to_owned()),
            _ => {}
        }
    }
    found
}

/// A pattern for a mangled name that holds with the next compiler and the next versions of the crates:
/// without the crates' numbers (`Cs…_`) and places of repetitions (`B…_`), which depend on those, and
/// without the hash that `legacy` ends with. None of what is no function of Rust.
fn pattern(name: &str) -> Option<String> {
    // Behind a `'` is how deep a function calls itself.
    let name = name.split('\'').next().unwrap_or_default();
    if let Some(path) = name.strip_prefix("_ZN") {
        return Some(format!("_ZN{}17h*", path.rsplit_once("17h")?.0));
    }
    // Behind a `.` is the number of a copy.
    let (name, copy) = match name.split_once('.') {
        Some((name, _)) => (name, "*"),
        None => (name, ""),
    };
    name.starts_with("_R").then(|| without_places(name) + copy)
}

fn without_places(name: &str) -> String {
    let mut pattern = String::new();
    let mut rest = name;
    while let Some(letter) = rest.chars().next() {
        let (is_crate, begin) = match letter {
            'C' if rest.starts_with("Cs") => (true, 2),
            'B' => (false, 1),
            _ => {
                pattern.push(letter);
                rest = rest.split_at(letter.len_utf8()).1;
                continue;
            }
        };
        let (head, tail) = rest.split_at(begin);
        pattern.push_str(head);
        rest = tail;
        let digits = tail.find(|c: char| !c.is_ascii_alphanumeric());
        if let Some(digits) = digits.filter(|&at| tail.split_at(at).1.starts_with('_')) {
            if is_crate {
                pattern.push('*');
                rest = tail.split_at(digits).1;
            } else if digits <= 2 {
                pattern.push_str(&"?".repeat(digits));
                rest = tail.split_at(digits).1;
            }
        }
    }
    pattern
}

fn script(patterns: &[String]) -> String {
    let mut script = String::from(
        "/* Written by `cargo xtask order`: the functions that a publish of one message runs. One that is \
         not there any more does no harm. In front of them is what lies behind all functions otherwise. */\n\
         SECTIONS\n{\n  .init : { KEEP(*(.init)) }\n  .fini : { KEEP(*(.fini)) }\n  .plt : { *(.plt) }\n\
         \x20 .text.start :\n  {\n    *(.text.main)\n",
    );
    for pattern in patterns {
        script.push_str(&format!(
            "    *(.text.{pattern} .text.unlikely.{pattern})\n"
        ));
    }
    script.push_str("  }\n}\nINSERT BEFORE .text;\n");
    script
}

/// A mosquitto of its own, which ends with this.
struct Broker {
    child: Child,
    port: u16,
}

impl Broker {
    fn start(folder: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let file = folder.join("mosquitto.conf");
        fs::write(
            &file,
            format!("listener {port} 127.0.0.1\nallow_anonymous true\n"),
        )?;
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start mosquitto")?;
        let broker = Self { child, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > PATIENCE {
                bail!("mosquitto does not listen on port {port}");
            }
            sleep(Duration::from_millis(10));
        }
        Ok(broker)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_leaves_out_what_changes() {
        for (name, expected) in [
            (
                "_RNvMs_NtCsdduCZhNC4Z8_5mqpub6configNtB4_6Config3new",
                "_RNvMs_NtCs*_5mqpub6configNtB?_6Config3new",
            ),
            (
                "_RNvMs0_NtCs3tqb65i7jFD_14mqtools_common6clientNtB7_6Client7connect'2",
                "_RNvMs0_NtCs*_14mqtools_common6clientNtB?_6Client7connect",
            ),
            ("_RNvC5mqpub4main.1234", "_RNvC5mqpub4main*"),
            (
                "_RNvNtB1x_8BarState24update_it",
                "_RNvNtB??_8BarState24update_it",
            ),
            (
                "_ZN5mqpub17hold_fast_forever3new17h0123456789abcdefE.llvm.77'2",
                "_ZN5mqpub17hold_fast_forever3new17h*",
            ),
            ("_R", "_R"),
            ("_RB", "_RB"),
            ("_RCs", "_RCs"),
        ] {
            assert_eq!(pattern(name).as_deref(), Some(expected));
        }
    }

    #[test]
    fn only_functions_of_rust_have_a_pattern() {
        for name in ["", "memcpy", "_ZN3foo3barEv", "'2"] {
            assert_eq!(pattern(name), None);
        }
    }

    #[test]
    fn only_what_the_program_runs_counts() {
        let text = "ob=(1) /lib/ld.so\nfn=(1) _start\n1 2\nob=(2) /bin/mqpub\nfn=(2) _Rone\ncob=(1)\n\
                    cfn=(3) strlen\nfn=(4) _Rtwo\nob=(1)\nfn=(5) other\nob=(2)\nfn=(2)\n";
        assert_eq!(
            functions(text, Path::new("/bin/mqpub")),
            ["_Rone", "_Rtwo", "_Rone"]
        );
    }
}
