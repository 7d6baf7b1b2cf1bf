# What a small installation does in a day, with the options of mosquitto's tools only.
# Arguments: the broker's port, its password file, its process id.
port=$1 file=$2 broker=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
set -u

# Waits until a condition holds, for half a minute at most.
until_true() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -le 300 ] || { echo "gave up: $*"; exit 99; }
        sleep 0.1
    done
}

echo "== users"
mosquitto_passwd -c -b "$file" sensor s3cret
mosquitto_passwd -b "$file" reader 'pass word'
printf 'typed\ntyped\n' | mosquitto_passwd "$file" typist >/dev/null
mosquitto_passwd -b "$file" leaver x
mosquitto_passwd -D "$file" leaver
cut -d: -f1 "$file"
kill -HUP "$broker"
until_true mosquitto_pub -p "$port" -u sensor -P s3cret -t up -n --quiet

pub() { mosquitto_pub -h localhost -p "$port" -u sensor -P s3cret "$@"; }
sub() { mosquitto_sub -h localhost -p "$port" -u reader -P 'pass word' "$@"; }

echo "== refused"
mosquitto_pub -p "$port" -u sensor -P wrong -t a -m x 2>/dev/null
echo "code $?"
mosquitto_sub -p "$port" -t a -W 60 --quiet
echo "code $?"

echo "== state, kept by the broker"
pub -t home/kitchen/temperature -m 21.5 -r -q 1
pub -t home/kitchen/light -m on -r -q 1
pub -t home/attic/light -m off -r -q 1
sub -t 'home/+/light' -v -C 2 --retained-only | sort
state=$(sub -t home/kitchen/temperature -C 1 -W 60)
echo "kitchen: $state degrees"

echo "== one reading a line"
sub -i logger -c -q 1 -t 'log/#' -E
seq 1 5 | sed 's/^/line /' | pub -t log/seq -l -q 1
sub -i logger -c -q 1 -t 'log/#' -C 5 -F '%t %q %p'

echo "== a file, and all of stdin"
head -c 1000 /dev/zero | tr '\0' z >"$work/file"
pub -t blob/file -f "$work/file" -r -q 1
sub -t blob/file -C 1 -N | wc -c
printf 'two\nlines' | pub -t blob/text -s -r -q 1
sub -t blob/text -C 1

echo "== formats"
pub -t fmt -m hello -r -q 1
sub -t fmt -C 1 -F '%t has %l bytes: %x (retained: %r)'
sub -t fmt -C 1 -F 'no newline;' -N
echo
sub -t fmt -C 1 -V mqttv5 -q 1 -F '%q %p'

echo "== a request and its answer"
sub -i server -c -q 1 -t ask -E
(sub -i server -c -q 1 -t ask -C 1 | while read -r line; do
    pub -t answer -m "you said $line" -r -q 1
done) &
pub -t ask -m ping -q 1
wait $!
sub -t answer -C 1

echo "== filtered"
sub -t 'home/#' -T 'home/attic/#' -T home/kitchen/light -C 1 -v

echo "== repeated, with a will"
sub -i counter -c -q 2 -t tick -E
pub -t tick -m tock --repeat 3 --repeat-delay 0.05 -q 2 --will-topic gone --will-payload bye
sub -i counter -c -q 2 -t tick -C 3 | sort | uniq -c | tr -s ' '

echo "== cleared"
pub -t home/attic/light -n -r -q 1
sub -t 'home/+/light' -C 1 -v -R -W 1 2>/dev/null
echo "code $?"
sub -t 'home/attic/light' -t 'home/kitchen/light' -v -C 1

echo "== mistakes"
pub -t 'a/#' -m x 2>/dev/null
echo "code $?"
pub -t a -m x -q 7 2>/dev/null
echo "code $?"
sub -t a --bogus >/dev/null 2>&1
echo "code $?"
exit 3
