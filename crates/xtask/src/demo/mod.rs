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

    headline("A password file: two users, one of them deleted again");
    stage.show("mqpasswd", &["-c", "-b", "passwd", USER, PASSWORD])?;
    stage.show("mqpasswd", &["-b", "passwd", "second", "pw2"])?;
    stage.show("mqpasswd", &["-D", "passwd", "second"])?;
    stage.show("cat", &["passwd"])?;

    headline("A broker with TLS that lets in only that user");
    let broker = Broker::start(stage, embedded)?;
    let target = broker.target();
    send_and_receive(stage, &target)?;

    headline(
        "A retained message at QoS 2, and wildcards; --cafile with the broker's own certificate",
    );
    let pinned = target.clone().trusting("mosquitto.crt");
    let topic = "home/kitchen/temperature";
    stage.show(
        "mqpub",
        &pinned.words_with(&["-t", topic, "-m", "21.5", "-q", "2", "-r"]),
    )?;
    stage.show(
        "mqsub",
        &pinned.words_with(&[
            "-t",
            "home/+/temperature",
            "-t",
            "garden/#",
            "-q",
            "2",
            "-v",
            "-C",
            "1",
            "-W",
            "30",
        ]),
    )?;
    stage.show("mqpub", &pinned.words_with(&["-t", topic, "-n", "-r"]))?;

    headline("A Will: what the broker publishes for a client that is killed");
    let mut watcher = stage.start(
        "mqsub",
        &target.words_with(&["-t", "status/#", "-v", "-d", "-C", "1", "-W", "30"]),
    )?;
    watcher.wait_for("received SUBACK")?;
    let will = [
        "-t",
        "jobs",
        "-d",
        "--will-topic",
        "status/worker",
        "--will-payload",
        "gone",
    ];
    let mut worker = stage.start("mqsub", &target.words_with(&will))?;
    worker.wait_for("received SUBACK")?;
    say("$ kill -9 %2");
    drop(worker);
    let output = watcher.finish()?;
    say("and the first mqsub printed:");
    say(output.trim_end());
    ensure!(output == "status/worker gone\n", "the Will did not come");

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
