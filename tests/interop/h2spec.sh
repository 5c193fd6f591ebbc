#!/bin/bash
# Runs the public HTTP/2 conformance suite h2spec, strictly, against the test server over TCP.
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

"$programs/interop_server" >"$peers/h2spec-port" &
server=$!
trap 'kill "$server"; wait "$server"' EXIT
for i in $(seq 200); do
  [ -s "$peers/h2spec-port" ] && break
  sleep 0.05
done

# A server may take its time to close: strictly, one second is what h2spec gives it; busy machines need more.
"$peers/bin/h2spec" -S -o 5 -h 127.0.0.1 -p "$(cat "$peers/h2spec-port")" -P /interop.Test/Unary >"$log" 2>&1 || true
cat "$log"
read -r passed skipped failed < <(
  sed -nE 's/^[0-9]+ tests, ([0-9]+) passed, ([0-9]+) skipped, ([0-9]+) failed$/\1 \2 \3/p' "$log"
) || { echo "h2spec did not come to its end"; exit 1; }
if [ "$skipped" = 0 ]; then
  echo "$passed passed, $failed failed"
else
  echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ]
