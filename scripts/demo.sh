#!/bin/bash
# Builds the demo and runs it, alone and with official peers.
. "$(dirname "$0")/common.sh"

scripts/setup.sh demo
mkdir -p "$BUILD/logs"
echo "building (log: $BUILD/logs/demo-build.log)"
if ! build_preset release release -DFC_BUILD_EXAMPLES=ON >"$BUILD/logs/demo-build.log" 2>&1; then
  tail -n 40 "$BUILD/logs/demo-build.log"
  exit 1
fi
exec examples/place/demo.sh "$BUILD/release/examples/place"
