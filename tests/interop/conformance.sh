#!/bin/bash
# Runs the public conformance suite of connectrpc.com/conformance for the gRPC protocol over HTTP/2 in the clear, over
# TLS and with client certificates, with the client and with the server of this folder under test.
. "$(dirname "$0")/../../scripts/common.sh"

module=connectrpc.com/conformance@v1.0.7
preset=${FC_PRESET:-dev}
programs=$BUILD/$preset/tests/interop/conformance
peers=$BUILD/peers
proto=$(realpath -m "$peers/conformance-proto")
log=$BUILD/logs/conformance-run.log
scripts/setup.sh test
mkdir -p "$peers" "$BUILD/logs"

# protobuf-c knows no "optional" in proto3; on the wire it makes no difference.
get_suite() {
  local dir part
  if [ ! -x "$peers/bin/connectconformance" ]; then
    tests/interop/build_go.sh "$peers/bin" "${module/@//cmd/connectconformance@}" || return
  fi
  dir=$(cd tests/interop/go && go env GOMODCACHE)/$module/proto/connectrpc/conformance/v1
  [ -d "$dir" ] || { (cd "$peers" && go mod download "$module") || return; }
  mkdir -p "$proto/connectrpc/conformance/v1"
  for part in config service client_compat server_compat; do
    sed -E 's/^( *)optional /\1/' "$dir/$part.proto" >"$proto/connectrpc/conformance/v1/$part.proto"
  done
}

if ! get_suite >"$log" 2>&1; then
  tail -n 1 "$log"
  echo "conformance: skipped, the suite cannot be built here"
  echo "0 passed, 0 failed, 1 skipped"
  exit
fi
cmake --preset "$preset" -B "$BUILD/$preset" -DCONFORMANCE_PROTO="$proto" ${CC:+"-DCMAKE_C_COMPILER=$CC"} >/dev/null
cmake --build "$BUILD/$preset" --target conformance_client conformance_server >"$log" || { tail -n 40 "$log"; exit 1; }

passed=0 failed=0
run_suite() {
  local ok wrong
  echo "== the $1 of farcall"
  "$peers/bin/connectconformance" --conf tests/interop/conformance/config.yaml --mode "$1" \
    -- "$programs/conformance_$1" >"$log" 2>&1 || true
  cat "$log"
  echo
  read -r ok wrong < <(
    sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p; s/^([0-9]+) passed$/\1 0/p' "$log"
  ) || { ok=0 wrong=1; }
  passed=$((passed + ok)) failed=$((failed + wrong))
}

run_suite client
run_suite server
echo "$passed passed, $failed failed"
[ $failed = 0 ]
