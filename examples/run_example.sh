#!/bin/sh
# Runs one example against the server of server.c and compares what it prints with what is expected:
#   run_example.sh SERVER EXAMPLE EXPECTED
# The port is another one each time, and is called PORT in the comparison.
set -eu
server=$1 example=$2 expected=$3

folder=$(mktemp -d)
"$server" 127.0.0.1:0 >"$folder/server" &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid; rm -r "$folder"' EXIT

port=
for _ in $(seq 200); do
  port=$(sed -n 's/^listening on port //p' "$folder/server")
  if [ -n "$port" ]; then break; fi
  sleep 0.05
done
if [ -z "$port" ]; then echo "$server does not say its port" >&2; exit 1; fi

"$example" "127.0.0.1:$port" >"$folder/output"
sed "s/:$port\$/:PORT/" "$folder/output" | diff -u "$expected" -
