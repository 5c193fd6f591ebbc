#!/bin/bash
# Runs the cases of service.md: the C client against the servers of all peers, and their clients against the C
# server.
#   run.sh [PEER ...]         farcall grpcio grpc-go; all of them by default
# FC_PRESET=asan takes the C programs of that preset instead of dev's.
. "$(dirname "$0")/../../scripts/common.sh"

scripts/setup.sh test
preset=${FC_PRESET:-dev}
programs=$BUILD/$preset/tests/interop
peers=$BUILD/peers
mkdir -p "$peers" "$BUILD/logs"
cmake --preset "$preset" -B "$BUILD/$preset" ${CC:+"-DCMAKE_C_COMPILER=$CC"} >/dev/null
cmake --build "$BUILD/$preset" --target interop_server interop_client >"$BUILD/logs/interop-build.log" || {
  tail -n 40 "$BUILD/logs/interop-build.log"
  exit 1
}

passed=0 failed=0 skipped=0
server=
stop_server() {
  local status=0
  if [ -z "$server" ]; then return; fi
  kill "$server" 2>/dev/null
  wait "$server" || status=$?
  server=
  return $status
}
trap 'stop_server || true' EXIT

# start_server COMMAND ...: sets target.
start_server() {
  local port_file=$peers/port i
  rm -f "$port_file"
  "$@" 127.0.0.1:0 >"$port_file" 2>>"$BUILD/logs/interop-peers.log" &
  server=$!
  for i in $(seq 200); do
    if [ -s "$port_file" ]; then target=127.0.0.1:$(cat "$port_file"); return; fi
    sleep 0.05
  done
  echo "$1 does not say its port" >&2
  return 1
}

# meet TITLE CLIENT ...: runs a client against the server that was started, and counts its lines.
meet() {
  local title=$1 log=$BUILD/logs/interop-client.log status=0 ok wrong
  shift
  echo "== $title"
  timeout 120 "$@" >"$log" 2>>"$BUILD/logs/interop-peers.log" || status=$?
  stop_server || echo "FAIL the server's end: status $?" >>"$log"
  cat "$log"
  ok=$(grep -c '^ok ' "$log") || true
  wrong=$(grep -c '^FAIL ' "$log") || true
  if [ "$status" != 0 ] && [ "$wrong" = 0 ]; then
    echo "FAIL the client ended with status $status"
    wrong=1
  fi
  echo "$title: $ok passed, $wrong failed"
  echo
  passed=$((passed + ok)) failed=$((failed + wrong))
}

with_farcall() {
  start_server "$programs/interop_server"
  meet "farcall client, farcall server" "$programs/interop_client" "$target" farcall
}

with_grpcio() {
  local python=$peers/python/bin/python name
  name="grpcio $("$python" -c 'import grpc; print(grpc.__version__)')"
  start_server "$python" tests/interop/python/server.py
  meet "farcall client, $name server" "$programs/interop_client" "$target" grpcio
  start_server "$programs/interop_server"
  meet "$name client, farcall server" "$python" tests/interop/python/client.py "$target"
}

with_grpc_go() {
  local name
  if ! tests/interop/build_go.sh "$peers/go" >"$BUILD/logs/interop-go.log" 2>&1; then
    echo "grpc-go: skipped, the modules cannot be built here: $(tail -n 1 "$BUILD/logs/interop-go.log")"
    skipped=$((skipped + 1))
    return
  fi
  name="grpc-go $(sed -n 's/.*google.golang.org\/grpc v//p' tests/interop/go/go.mod)"
  start_server "$peers/go/server"
  meet "farcall client, $name server" "$programs/interop_client" "$target" grpc-go
  start_server "$programs/interop_server"
  meet "$name client, farcall server" "$peers/go/client" "$target"
}

: >"$BUILD/logs/interop-peers.log"
if [ $# = 0 ]; then set -- farcall grpcio grpc-go; fi
for peer; do "with_${peer//-/_}"; done
if [ $skipped = 0 ]; then
  echo "$passed passed, $failed failed"
else
  echo "$passed passed, $failed failed, $skipped skipped"
fi
[ $failed = 0 ]
