#!/bin/bash
# Runs the cases of service.md: the C client against the servers of all peers, and their clients against the C
# server.
#   run.sh [PEER ...]         farcall grpcio grpc-go official; all of them by default
# In the clear, over TLS, and over mutual TLS, there with some cases of each kind; FC_MODES="clear tls mutual" chooses.
# "official" are the cases of grpc/grpc doc/interop-test-descriptions.md with grpc-go's own programs for them.
# FC_PRESET=asan takes the C programs of that preset instead of dev's.
. "$(dirname "$0")/../../scripts/common.sh"

scripts/setup.sh test
preset=${FC_PRESET:-dev}
programs=$BUILD/$preset/tests/interop
peers=$BUILD/peers
mkdir -p "$peers" "$BUILD/logs"
cmake --preset "$preset" -B "$BUILD/$preset" ${CC:+"-DCMAKE_C_COMPILER=$CC"} >/dev/null
cmake --build "$BUILD/$preset" --target tests/interop/all >"$BUILD/logs/interop-build.log" || {
  tail -n 40 "$BUILD/logs/interop-build.log"
  exit 1
}

scripts/certs.sh "$peers/certs"
passed=0 failed=0 skipped=0

# What every peer is given for a mode, and what grpc-go's own programs are.
flags=() cases=() official_client=() official_server=()
set_mode() {
  mode=$1 flags=() cases=() official_client=() official_server=()
  if [ "$mode" = clear ]; then return; fi
  flags=(--certs "$peers/certs")
  official_client=(--use_tls=true --use_test_ca=true --ca_file="$peers/certs/ca.pem")
  official_server=(--use_tls=true --tls_cert_file="$peers/certs/server.pem" --tls_key_file="$peers/certs/server.key")
  if [ "$mode" = tls ]; then return; fi
  flags+=(--mutual)
  cases=(unary "down*" "up*" "both*" metadata_both code_after_messages gzip_stream "large_*" thousand_calls
    deadline_passes cancel_stream graceful_stop "tls_*" "mutual_*")
}

server=
stop_server() {
  local status=0
  if [ -z "$server" ]; then return; fi
  kill "$server" 2>/dev/null
  wait "$server" || status=$?
  server=
  [ $status = 0 ] || [ $status = 143 ] # 143: SIGTERM, which grpc-go's own server does not handle
}
trap 'stop_server || true' EXIT

# start_server COMMAND ...: sets target.
start_server() {
  local port_file=$peers/port i
  rm -f "$port_file"
  "$@" >"$port_file" 2>>"$BUILD/logs/interop-peers.log" &
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
  local title="$1, $mode" log=$BUILD/logs/interop-client.log status=0 begin=$SECONDS ok wrong
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
  echo "$title: $ok passed, $wrong failed in $((SECONDS - begin)) s"
  echo
  passed=$((passed + ok)) failed=$((failed + wrong))
}

with_farcall() {
  start_server "$programs/interop_server" "${flags[@]}"
  meet "farcall client, farcall server" "$programs/interop_client" "${flags[@]}" "$target" farcall "${cases[@]}"
}

with_grpcio() {
  local python=$peers/python/bin/python name
  name="grpcio $("$python" -c 'import grpc; print(grpc.__version__)')"
  start_server "$python" tests/interop/python/server.py "${flags[@]}"
  meet "farcall client, $name server" "$programs/interop_client" "${flags[@]}" "$target" grpcio "${cases[@]}"
  start_server "$programs/interop_server" "${flags[@]}"
  meet "$name client, farcall server" "$python" tests/interop/python/client.py "${flags[@]}" "$target" "${cases[@]}"
}

grpc_go=$(sed -n 's/.*google.golang.org\/grpc v//p' tests/interop/go/go.mod)

# skip TITLE REASON
skip() {
  echo "$1: skipped, $2"
  echo
  skipped=$((skipped + 1))
}

# build_go TITLE FOLDER [PACKAGE@VERSION ...]: false, and skipped, where the modules cannot be fetched.
build_go() {
  local title=$1 log=$BUILD/logs/interop-go.log status=0
  shift
  tests/interop/build_go.sh "$@" >"$log" 2>&1 || status=$?
  case $status in
    0) return ;;
    75) skip "$title" "the modules cannot be fetched: $(tail -n 1 "$log")" ;;
    *)
      echo "FAIL $title: $(tail -n 1 "$log")"
      failed=$((failed + 1))
      ;;
  esac
  return 1
}

with_grpc_go() {
  local name="grpc-go $grpc_go"
  build_go grpc-go "$peers/go" || return 0
  start_server "$peers/go/server" "${flags[@]}"
  meet "farcall client, $name server" "$programs/interop_client" "${flags[@]}" "$target" grpc-go "${cases[@]}"
  start_server "$programs/interop_server" "${flags[@]}"
  meet "$name client, farcall server" "$peers/go/client" "${flags[@]}" "$target" "${cases[@]}"
}

free_port() {
  "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_official_go() {
  local port i
  port=$(free_port)
  "$peers/go-official/server" --port="$port" "${official_server[@]}" 2>>"$BUILD/logs/interop-peers.log" &
  server=$!
  target=127.0.0.1:$port
  for i in $(seq 200); do
    if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
    sleep 0.05
  done
}

# official_cases TITLE CLIENT CASE ...
official_cases() {
  local title=$1 client=$2
  shift 2
  meet "official cases: $title" tests/interop/official/run_cases.sh "$target" "$client" "${official_client[@]}" -- "$@"
}

# grpc-go's programs for them have no client certificates.
with_official() {
  local ours=$programs/official name="grpc-go $grpc_go"
  local go_module=google.golang.org/grpc/interop go_cases="
    empty_unary large_unary client_streaming server_streaming ping_pong empty_stream custom_metadata
    status_code_and_message special_status_message unimplemented_method unimplemented_service cancel_after_begin
    cancel_after_first_response timeout_on_sleeping_server pick_first_unary rpc_soak channel_soak"
  if [ "$mode" = mutual ]; then return; fi
  if [ ! -x "$ours/official_client" ]; then
    skip "official cases" "protobuf-c or grpc-proto is missing"
    return
  fi
  start_server "$ours/official_server" "${official_server[@]}"
  official_cases "farcall client, farcall server" "$ours/official_client" $("$ours/official_client")
  build_go "official cases with grpc-go" "$peers/go-official" "$go_module/client@v$grpc_go" \
    "$go_module/server@v$grpc_go" || return 0
  start_official_go
  official_cases "farcall client, $name server" "$ours/official_client" $("$ours/official_client")
  start_server "$ours/official_server" "${official_server[@]}"
  official_cases "$name client, farcall server" "$peers/go-official/client" $go_cases
}

: >"$BUILD/logs/interop-peers.log"
if [ $# = 0 ]; then set -- farcall grpcio grpc-go official; fi
for mode in ${FC_MODES:-clear tls mutual}; do
  set_mode "$mode"
  for peer; do "with_${peer//-/_}"; done
done
if [ $skipped = 0 ]; then
  echo "$passed passed, $failed failed"
else
  echo "$passed passed, $failed failed, $skipped skipped"
fi
[ $failed = 0 ]
