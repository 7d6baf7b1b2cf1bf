
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'mqpub' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'mqpub'
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
        'mqpub' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Topic Name to publish to')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topic Name to publish to')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Publish this text')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'Publish this text')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Publish the contents of this file')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Publish the contents of this file')
            [CompletionResult]::new('--replay', '--replay', [CompletionResultType]::ParameterName, 'Publish what mqsub -F %j has recorded in this file, with the times between the messages')
            [CompletionResult]::new('--speed', '--speed', [CompletionResultType]::ParameterName, 'With --replay: so many times as fast as it was recorded, or max for as fast as it goes')
            [CompletionResult]::new('--loop', '--loop', [CompletionResultType]::ParameterName, 'With --replay: publish the recording this many times')
            [CompletionResult]::new('--topic-separator', '--topic-separator', [CompletionResultType]::ParameterName, 'With -l: each line is a topic, this text and a payload, which may have the text in it')
            [CompletionResult]::new('--on-bad-line', '--on-bad-line', [CompletionResultType]::ParameterName, 'What to do about a line that is no message, as of --json-lines')
            [CompletionResult]::new('--template', '--template', [CompletionResultType]::ParameterName, 'Publish this text with {seq}, {time}, {uuid} and {random:FROM-TO} filled in anew for each message, also in -t')
            [CompletionResult]::new('--payload-is', '--payload-is', [CompletionResultType]::ParameterName, 'What the payload is given as: hex or base64 for the bytes it stands for, cbor or msgpack for JSON to be published as such')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Quality of Service: 0, 1 or 2')
            [CompletionResult]::new('--qos', '--qos', [CompletionResultType]::ParameterName, 'Quality of Service: 0, 1 or 2')
            [CompletionResult]::new('--repeat', '--repeat', [CompletionResultType]::ParameterName, 'Publish the message this many times, other than lines and recordings')
            [CompletionResult]::new('--repeat-delay', '--repeat-delay', [CompletionResultType]::ParameterName, 'Wait between repetitions')
            [CompletionResult]::new('--every', '--every', [CompletionResultType]::ParameterName, 'Publish the message again and again at this interval, until a signal comes or --repeat is reached')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Publish at most so many messages a second, or a minute or hour with /m or /h, evenly spread')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Whether to show on stderr how far it is, after one second: auto (on a terminal on which nobody types, and not with --quiet or -d), always (without a terminal a line each second) or never')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'With --wait-response: the topic of the answer')
            [CompletionResult]::new('--response-topic', '--response-topic', [CompletionResultType]::ParameterName, 'With --wait-response: the topic of the answer')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'With --wait-response: end after this many answers')
            [CompletionResult]::new('-F', '-F ', [CompletionResultType]::ParameterName, 'With --wait-response: print answers in this format, as mqsub does')
            [CompletionResult]::new('-W', '-W ', [CompletionResultType]::ParameterName, 'With --wait-response or --probe: exit with code 27 after this time')
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
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Publish each line of standard input as a message')
            [CompletionResult]::new('--stdin-line', '--stdin-line', [CompletionResultType]::ParameterName, 'Publish each line of standard input as a message')
            [CompletionResult]::new('--json-lines', '--json-lines', [CompletionResultType]::ParameterName, 'Publish the messages that the lines of standard input describe: JSON objects as mqsub -F %j prints them')
            [CompletionResult]::new('-0', '-0', [CompletionResultType]::ParameterName, 'With -l or --json-lines: lines end with a NUL byte instead of a newline, as those of find -print0')
            [CompletionResult]::new('--null-data', '--null-data', [CompletionResultType]::ParameterName, 'With -l or --json-lines: lines end with a NUL byte instead of a newline, as those of find -print0')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Publish all of standard input as one message')
            [CompletionResult]::new('--stdin-file', '--stdin-file', [CompletionResultType]::ParameterName, 'Publish all of standard input as one message')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Publish an empty message')
            [CompletionResult]::new('--null-message', '--null-message', [CompletionResultType]::ParameterName, 'Publish an empty message')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Let the broker keep the message for later subscribers')
            [CompletionResult]::new('--retain', '--retain', [CompletionResultType]::ParameterName, 'Let the broker keep the message for later subscribers')
            [CompletionResult]::new('--wait-response', '--wait-response', [CompletionResultType]::ParameterName, 'Wait for the answer to the message and print it')
            [CompletionResult]::new('--latency', '--latency', [CompletionResultType]::ParameterName, 'With --wait-response: print on stderr how long each answer took')
            [CompletionResult]::new('--probe', '--probe', [CompletionResultType]::ParameterName, 'Check the broker: connect, subscribe, publish, receive, disconnect')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'With --probe: print one JSON object, also of a failure')
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
