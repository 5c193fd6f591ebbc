#!/bin/sh
# Runs one example against a server and compares what it prints with what is expected:
#   run_example.sh SERVER EXAMPLE EXPECTED [CERTIFICATES]
# Given a folder of certificates, which scripts/certs.sh fills, both programs get it before the address.
# The port is another one each time, and is called PORT in the comparison.
set -eu
server=$1 example=$2 expected=$3
shift 3

folder=$(mktemp -d)
: >"$folder/server"
"$server" "$@" 127.0.0.1:0 >"$folder/server" &
pid=$!
trap 'kill $pid 2>/dev/null || true; rm -r "$folder"' EXIT

port=
while [ -z "$port" ]; do
  if ! kill -0 $pid 2>/dev/null; then echo "$server has ended" >&2; exit 1; fi
  sleep 0.02
  port=$(sed -n 's/^listening on port //p' "$folder/server")
done

"$example" "$@" "127.0.0.1:$port" >"$folder/output"
sed "s/:$port\\b/:PORT/g" "$folder/output" | diff -u "$expected" -

# The server, too, must end well: a sanitizer speaks up at its end.
kill $pid
wait $pid
