#!/bin/sh
# Runs the gateway that was built for 64-bit ARM on this machine, by qemu's user mode: smoke-arm64.sh BINARY. It says its
# version, checks the example, runs until its page and health answer, takes SIGHUP and SIGTERM, and ends well.
set -eu

binary=$1
repo=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
pid=
cleanup() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
fail() { echo "FAIL: $*" >&2; cat "$work/log" >&2; exit 1; }

cat >"$work/edge.yaml" <<YAML
edge: ARM-1
site: S1
data: data
hub: {broker: "tcp://127.0.0.1:1"}
space: {min_free: 1, ballast: -1}
devices: [{id: uhf-a, driver: uhf, address: "serial:$work/tty-nowhere"}]
shelves: [{location: A, device: uhf-a}]
YAML
port=$(shuf -i 20000-29999 -n 1)

run() { qemu-aarch64-static "$binary" "$@"; }
run version
sed '/password_file:/d; /^  user:/d' "$repo/deploy/docs/edge.example.yaml" >"$work/example.yaml"
run check --config "$work/example.yaml"

TALLYDOCK_EDGE_API_LISTEN=127.0.0.1:$port qemu-aarch64-static "$binary" run --config "$work/edge.yaml" 2>"$work/log" &
pid=$!
await() { # PATH TEXT
	n=0
	until curl -fsS "http://127.0.0.1:$port$1" 2>/dev/null | grep -q "$2"; do
		n=$((n + 1))
		[ $n -lt 300 ] || fail "$1 does not say $2"
		kill -0 "$pid" 2>/dev/null || fail "it has ended"
		sleep 0.2
	done
}
await /healthz '"status"'
echo "healthz: $(curl -fsS "http://127.0.0.1:$port/healthz")"
await /api/v1/devices uhf-a
sed -i 's/uhf-a/uhf-b/g' "$work/edge.yaml"
kill -HUP "$pid"
await /api/v1/devices uhf-b
echo "after SIGHUP: $(curl -fsS "http://127.0.0.1:$port/api/v1/devices")"
kill -TERM "$pid"
wait "$pid" || fail "it ended with exit code $?"
pid=
grep -q 'gateway stops' "$work/log" || fail "it did not stop in order"
if grep -n 'panic\|SIG\|level=ERROR' "$work/log"; then fail "something went wrong"; fi
echo "64-bit ARM: runs, reloads and stops in order"
