
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'mqsub' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'mqsub'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'mqsub' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Topic Filter to subscribe to')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topic Filter to subscribe to')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Topic Filter to unsubscribe from (of a session kept with -c)')
            [CompletionResult]::new('--unsubscribe', '--unsubscribe', [CompletionResultType]::ParameterName, 'Topic Filter to unsubscribe from (of a session kept with -c)')
            [CompletionResult]::new('-T', '-T ', [CompletionResultType]::ParameterName, 'Do not print messages whose topic matches')
            [CompletionResult]::new('--filter-out', '--filter-out', [CompletionResultType]::ParameterName, 'Do not print messages whose topic matches')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Highest Quality of Service to receive with: 0, 1 or 2')
            [CompletionResult]::new('--qos', '--qos', [CompletionResultType]::ParameterName, 'Highest Quality of Service to receive with: 0, 1 or 2')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Exit after this many printed messages')
            [CompletionResult]::new('-W', '-W ', [CompletionResultType]::ParameterName, 'Exit with code 27 after this time')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Exit once no message has come for this time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Exit after the first printed message whose payload matches this regular expression')
            [CompletionResult]::new('-F', '-F ', [CompletionResultType]::ParameterName, 'How to print each message')
            [CompletionResult]::new('--save-dir', '--save-dir', [CompletionResultType]::ParameterName, 'Save the payload of each message in a file of its own, DIR/TOPIC/TIME.msg, and print only what -v, -F, --json, -w or --payload-as ask for')
            [CompletionResult]::new('--exec', '--exec', [CompletionResultType]::ParameterName, 'Run this command for each message, the payload on its standard input, MQ_TOPIC and more in its environment (see below), and acknowledge the message once it succeeded')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many commands of --exec may run at the same time')
            [CompletionResult]::new('--watch-sort', '--watch-sort', [CompletionResultType]::ParameterName, 'The order of the lines of -w: arrival (the first to come is the first) or name')
            [CompletionResult]::new('--payload-as', '--payload-as', [CompletionResultType]::ParameterName, 'Decode each payload: text, hex, base64, json, cbor or msgpack (these two become JSON)')
            [CompletionResult]::new('--random-filter', '--random-filter', [CompletionResultType]::ParameterName, 'Print only so many of 100 messages, chosen at random: 0.1 to 100')
            [CompletionResult]::new('--retain-handling', '--retain-handling', [CompletionResultType]::ParameterName, 'Which retained messages to ask for: always, new (only for a subscription that the session did not have) or never')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'The broker''s name or address')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'The broker''s name or address')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'The broker''s port: 1 to 65535, or 0 with --unix')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'The broker''s port: 1 to 65535, or 0 with --unix')
            [CompletionResult]::new('--unix', '--unix', [CompletionResultType]::ParameterName, 'Connect to this Unix domain socket instead of a host and port')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a SOCKS5 proxy, which looks up the broker''s name: socks5h://[USER:PASSWORD@]HOST[:PORT], percent-decoded')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Local address, or name of one, to connect from')
            [CompletionResult]::new('--bind', '--bind', [CompletionResultType]::ParameterName, 'Local address, or name of one, to connect from')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Client identifier')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Client identifier')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'Client identifier: this prefix and the process id')
            [CompletionResult]::new('--id-prefix', '--id-prefix', [CompletionResultType]::ParameterName, 'Client identifier: this prefix and the process id')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User name')
            [CompletionResult]::new('--username', '--username', [CompletionResultType]::ParameterName, 'User name')
            [CompletionResult]::new('-P', '-P ', [CompletionResultType]::ParameterName, 'Password')
            [CompletionResult]::new('--pw', '--pw', [CompletionResultType]::ParameterName, 'Password')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Take the password from the first line of this file')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Keep Alive in seconds: 5 to 65535, or 0 for none')
            [CompletionResult]::new('--keepalive', '--keepalive', [CompletionResultType]::ParameterName, 'Keep Alive in seconds: 5 to 65535, or 0 for none')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'How long the broker keeps the session after the connection ends, in seconds: 0 to 4294967295, or -1 for ever (needs --id)')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'MQTT version')
            [CompletionResult]::new('--protocol-version', '--protocol-version', [CompletionResultType]::ParameterName, 'MQTT version')
            [CompletionResult]::new('-M', '-M ', [CompletionResultType]::ParameterName, 'The most unacknowledged QoS 1 and 2 messages at a time: 1 to 65535')
            [CompletionResult]::new('--max-inflight', '--max-inflight', [CompletionResultType]::ParameterName, 'The most unacknowledged QoS 1 and 2 messages at a time: 1 to 65535')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long connecting may take, CONNACK included')
            [CompletionResult]::new('--retry', '--retry', [CompletionResultType]::ParameterName, 'How many attempts to connect may fail one after the other before it gives up')
            [CompletionResult]::new('--cafile', '--cafile', [CompletionResultType]::ParameterName, 'Trust the certificates in this PEM file (authorities, or the server''s own)')
            [CompletionResult]::new('--capath', '--capath', [CompletionResultType]::ParameterName, 'Trust the certificates in all PEM files of this folder')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'The client''s certificate in a PEM file, for brokers that ask for one (needs --key)')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The private key of --cert in a PEM file')
            [CompletionResult]::new('--key-passphrase-file', '--key-passphrase-file', [CompletionResultType]::ParameterName, 'Take the pass phrase of --key from the first line of this file')
            [CompletionResult]::new('--keyform', '--keyform', [CompletionResultType]::ParameterName, 'The form of --key: pem')
            [CompletionResult]::new('--tls-version', '--tls-version', [CompletionResultType]::ParameterName, 'The lowest TLS version allowed')
            [CompletionResult]::new('--ciphers', '--ciphers', [CompletionResultType]::ParameterName, 'The cipher suites to offer, by OpenSSL''s names with colons between, the preferred first')
            [CompletionResult]::new('--tls-alpn', '--tls-alpn', [CompletionResultType]::ParameterName, 'Offer this protocol name in the TLS handshake (ALPN): 1 to 255 bytes')
            [CompletionResult]::new('--tls-keylog', '--tls-keylog', [CompletionResultType]::ParameterName, 'Append the connection''s secrets to this file, for Wireshark and the like to decrypt it')
            [CompletionResult]::new('--pin-sha256', '--pin-sha256', [CompletionResultType]::ParameterName, 'Trust only a broker with this public key (SHA-256 of its DER form, 64 hexadecimal digits), whatever else its certificate says')
            [CompletionResult]::new('-D', '-D ', [CompletionResultType]::ParameterName, 'MQTT 5 property, in three words: the packet (connect, publish, subscribe, unsubscribe, disconnect or will), the property, its value')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'MQTT 5 property, in three words: the packet (connect, publish, subscribe, unsubscribe, disconnect or will), the property, its value')
            [CompletionResult]::new('--will-topic', '--will-topic', [CompletionResultType]::ParameterName, 'The Will''s topic: the broker publishes there when this client vanishes')
            [CompletionResult]::new('--will-payload', '--will-payload', [CompletionResultType]::ParameterName, 'The Will''s payload')
            [CompletionResult]::new('--will-qos', '--will-qos', [CompletionResultType]::ParameterName, 'The Will''s QoS: 0, 1 or 2')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Read options from this file, one a line: -h localhost')
            [CompletionResult]::new('--options-file', '--options-file', [CompletionResultType]::ParameterName, 'Read options from this file, one a line: -h localhost')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Whether errors, warnings and help have colours: auto, the default (on a terminal, unless NO_COLOR is set), always or never')
            [CompletionResult]::new('--generate', '--generate', [CompletionResultType]::ParameterName, 'Print the manual page, or the completions for a shell: man, bash, zsh, fish, powershell or elvish')
            [CompletionResult]::new('-L', '-L ', [CompletionResultType]::ParameterName, 'mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC in one word, percent-decoded')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC in one word, percent-decoded')
            [CompletionResult]::new('-E', '-E ', [CompletionResultType]::ParameterName, 'Exit once the broker has acknowledged all subscriptions')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print the topic before each payload')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print the topic before each payload')
            [CompletionResult]::new('-N', '-N ', [CompletionResultType]::ParameterName, 'Print no newline after each message')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print each message as one line of JSON, like -F %j')
            [CompletionResult]::new('--shell', '--shell', [CompletionResultType]::ParameterName, 'The command of --exec is a text for the shell')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Show the latest message of each topic on its own line of the terminal: its age, the rate of the topic, and what -v prints')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Show the latest message of each topic on its own line of the terminal: its age, the rate of the topic, and what -v prints')
            [CompletionResult]::new('--message-rate', '--message-rate', [CompletionResultType]::ParameterName, 'Print each second how many messages came in it, in place of the messages')
            [CompletionResult]::new('--exit-on-error', '--exit-on-error', [CompletionResultType]::ParameterName, 'Exit with code 13 at the first payload that does not decode and the first command that fails, and do not acknowledge that message')
            [CompletionResult]::new('--stats', '--stats', [CompletionResultType]::ParameterName, 'Show on standard error how many messages came, their bytes, their rate, a table of the topics, and how many are missing of messages that begin with a number')
            [CompletionResult]::new('--pretty', '--pretty', [CompletionResultType]::ParameterName, 'Indent the JSON of %j, %J and --payload-as')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'On a terminal too, print control characters of messages as they are: they are commands to it')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'Do not print retained messages')
            [CompletionResult]::new('--retained-only', '--retained-only', [CompletionResultType]::ParameterName, 'Print only retained messages, and exit at the first that is not')
            [CompletionResult]::new('--remove-retained', '--remove-retained', [CompletionResultType]::ParameterName, 'Remove each retained message that arrives from the broker (-T protects, -R does not)')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'With --remove-retained: remove nothing, print and count what would be removed')
            [CompletionResult]::new('--changed-only', '--changed-only', [CompletionResultType]::ParameterName, 'Print a message only if its payload differs from the one before on its topic')
            [CompletionResult]::new('--retain-as-published', '--retain-as-published', [CompletionResultType]::ParameterName, 'Print the retain flag as it was published')
            [CompletionResult]::new('--ws', '--ws', [CompletionResultType]::ParameterName, 'Speak MQTT over WebSocket: path /mqtt, subprotocol mqtt')
            [CompletionResult]::new('-S', '-S ', [CompletionResultType]::ParameterName, 'Look up the SRV records _mqtt._tcp.HOST (with TLS _secure-mqtt._tcp.HOST) and connect to the hosts and ports they name')
            [CompletionResult]::new('--nodelay', '--nodelay', [CompletionResultType]::ParameterName, 'Accepted for compatibility: small packets are never held back (TCP_NODELAY)')
            [CompletionResult]::new('--ask-password', '--ask-password', [CompletionResultType]::ParameterName, 'Ask for the password on the terminal')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Keep the session at the broker between runs (needs --id)')
            [CompletionResult]::new('--disable-clean-session', '--disable-clean-session', [CompletionResultType]::ParameterName, 'Keep the session at the broker between runs (needs --id)')
            [CompletionResult]::new('--tls-use-os-certs', '--tls-use-os-certs', [CompletionResultType]::ParameterName, 'Trust the operating system''s certificates')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Do not verify the broker''s certificate: anyone may pose as the broker')
            [CompletionResult]::new('--tls-strict', '--tls-strict', [CompletionResultType]::ParameterName, 'Refuse certificates that are old in form: X.509 version 1, no subjectAltName, marked as an authority')
            [CompletionResult]::new('--no-tls', '--no-tls', [CompletionResultType]::ParameterName, 'Ignore all TLS options, and that port 8883 is for TLS')
            [CompletionResult]::new('--will-retain', '--will-retain', [CompletionResultType]::ParameterName, 'Keep the Will as a retained message')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Print each protocol step on stderr')
            [CompletionResult]::new('--debug', '--debug', [CompletionResultType]::ParameterName, 'Print each protocol step on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no errors and no warnings')
            [CompletionResult]::new('--json-summary', '--json-summary', [CompletionResultType]::ParameterName, 'Print what became of the messages as one JSON object on stderr at the end')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
