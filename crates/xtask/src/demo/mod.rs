//! `cargo xtask demo`: the newcomer's tour. Every command it shows is one to type, and what
//! stands below it is what that command printed.

mod broker;
mod certificates;
mod stage;

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};

use crate::shell::{self, cargo, say};
use broker::{Broker, Target};
use stage::Stage;

/// The user that the demo makes, and the password.
const USER: &str = "username";
const PASSWORD: &str = "password";

/// Runs the tour, against `broker` (a URL) or a private one on loopback: mosquitto, or the
/// `embedded` one.
pub(crate) fn run(broker: Option<&str>, embedded: bool) -> Result<ExitCode> {
    let target = broker.map(Target::from_url).transpose()?;
    say("Building mqpub, mqsub and mqpasswd; the first time, this takes a minute or two.");
    shell::run(cargo().args([
        "build",
        "--package",
        "mqpub",
        "--package",
        "mqsub",
        "--package",
        "mqpasswd",
    ]))?;

    let mut stage = Stage::new()?;
    match target {
        Some(target) => {
            stage.hide(target.password.clone());
            headline("Sending a message through your broker");
            send_and_receive(&stage, &target)?;
        }
        None => private_tour(&stage, embedded)?,
    }
    headline("That was it");
    say("The tools are in target/debug. Next: mqpub --help, mqsub --help, mqpasswd --help.");
    Ok(ExitCode::SUCCESS)
}

/// The whole story: authority, certificate, password file, broker, message, wrong password.
fn private_tour(stage: &Stage, embedded: bool) -> Result<()> {
    headline("A certificate authority, and a certificate for localhost");
    certificates::make(stage.folder())?;
    say("Made rootCA.pem, mosquitto.crt and mosquitto.key (with the crate rcgen; for your own");
    say("broker, mkcert -cert-file mosquitto.crt -key-file mosquitto.key localhost does it).");

    headline("A password file with one user");
    stage.show("mqpasswd", &["-c", "-b", "passwd", USER, PASSWORD])?;
    stage.show("cat", &["passwd"])?;

    headline("A broker with TLS that lets in only that user");
    let broker = Broker::start(stage, embedded)?;
    let target = broker.target();
    send_and_receive(stage, &target)?;

    headline("A wrong password is refused");
    let mut wrong = target.clone();
    wrong.password = Some("wrong".into());
    let words = wrong.publish("Hello World");
    let code = stage.run("mqpub", &words)?;
    say(&format!("(exit code {code}: what the broker answered)"));
    ensure!(
        code == 5,
        "expected exit code 5, the CONNACK's \"not authorised\""
    );
    Ok(())
}

fn send_and_receive(stage: &Stage, target: &Target) -> Result<()> {
    headline("One shell subscribes, another publishes");
    let mut subscriber = stage.start("mqsub", &target.subscribe())?;
    subscriber
        .wait_for("received SUBACK")
        .context("mqsub did not get its subscription")?;
    let text = target.greeting();
    stage.show("mqpub", &target.publish(text))?;
    let output = subscriber.finish()?;
    say("and mqsub printed:");
    say(output.trim_end());
    ensure!(
        output.trim_end() == format!("{} {text}", target.topic()),
        "mqsub did not print the message"
    );
    Ok(())
}

fn headline(text: &str) {
    say(&format!("\n== {text}"));
}
