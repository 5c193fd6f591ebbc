#!/bin/bash
# Runs the public HTTP/2 conformance suite h2spec, strictly, against the test server, over TCP and over TLS.
. "$(dirname "$0")/../../scripts/common.sh"

version=v2.2.1+incompatible
scripts/setup.sh test
programs=$BUILD/dev/tests/interop
peers=$BUILD/peers
log=$BUILD/logs/h2spec-run.log
mkdir -p "$peers" "$BUILD/logs"
cmake --preset dev -B "$BUILD/dev" ${CC:+"-DCMAKE_C_COMPILER=$CC"} >/dev/null
cmake --build "$BUILD/dev" --target interop_server >"$log" || { tail -n 40 "$log"; exit 1; }

if [ ! -x "$peers/bin/h2spec" ] &&
  ! tests/interop/build_go.sh "$peers/bin" "github.com/summerwind/h2spec/cmd/h2spec@$version" >"$log" 2>&1; then
  tail -n 1 "$log"
  echo "h2spec: skipped, it cannot be built here"
  echo "0 passed, 0 failed, 1 skipped"
  exit
fi

scripts/certs.sh "$peers/certs"

server=
stop_server() {
  if [ -z "$server" ]; then return; fi
  kill "$server"
  wait "$server"
  server=
}
trap stop_server EXIT

passed=0 failed=0 skipped=0
# suite HOW [OPTION OF THE SERVER ...]: HOW are options of h2spec.
suite() {
  local how=$1 port_file=$peers/h2spec-port counts
  shift
  rm -f "$port_file"
  "$programs/interop_server" "$@" >"$port_file" &
  server=$!
  for i in $(seq 200); do
    [ -s "$port_file" ] && break
    sleep 0.05
  done
  # A server may take its time to close: strictly, one second is what h2spec gives it; busy machines need more.
  "$peers/bin/h2spec" -S -o 5 $how -h 127.0.0.1 -p "$(cat "$port_file")" -P /interop.Test/Unary >"$log" 2>&1 || true
  stop_server
  cat "$log"
  counts=$(sed -nE 's/^[0-9]+ tests, ([0-9]+) passed, ([0-9]+) skipped, ([0-9]+) failed$/\1 \2 \3/p' "$log")
  if [ -z "$counts" ]; then
    echo "h2spec did not come to its end"
    exit 1
  fi
  read -r p s f <<<"$counts"
  passed=$((passed + p)) skipped=$((skipped + s)) failed=$((failed + f))
}

suite ""
suite "-t -k" --certs "$peers/certs"
if [ "$skipped" = 0 ]; then
  echo "$passed passed, $failed failed"
else
  echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ]
