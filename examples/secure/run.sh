#!/bin/sh
# Runs one example against secure_server and compares what it prints with what is expected:
#   run.sh SERVER EXAMPLE EXPECTED CERTIFICATES
# The folder of certificates is filled by scripts/certs.sh. The port is called PORT in the comparison.
set -eu
server=$1 example=$2 expected=$3 certificates=$4

folder=$(mktemp -d)
: >"$folder/server"
"$server" "$certificates" 127.0.0.1:0 >"$folder/server" &
pid=$!
trap 'kill $pid 2>/dev/null || true; rm -r "$folder"' EXIT

port=
while [ -z "$port" ]; do
  if ! kill -0 $pid 2>/dev/null; then echo "$server has ended" >&2; exit 1; fi
  sleep 0.02
  port=$(sed -n 's/^listening on port //p' "$folder/server")
done

"$example" "$certificates" "127.0.0.1:$port" >"$folder/output"
sed "s/:$port\\b/:PORT/g" "$folder/output" | diff -u "$expected" -

# The server, too, must end well: a sanitizer speaks up at its end.
kill $pid
wait $pid
