//! The environment variables, as with `mqpub`.

use harness::{Broker, mqsub};

#[test]
fn the_environment_says_where_the_broker_is() {
    let broker = Broker::start();
    let args = broker.args();
    mqsub()
        .env("MQ_HOST", &args[1])
        .env("MQ_PORT", &args[3])
        .args(["-t", "a", "-E"])
        .run()
        .assert_success();
    let output = mqsub()
        .env("MQ_PORT", "abc")
        .args(args)
        .args(["-t", "a", "-E"])
        .run()
        .assert_code(1);
    assert!(output.stderr_str().contains("MQ_PORT"), "{output}");
}
