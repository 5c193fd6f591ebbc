#!/bin/bash
# Builds the benchmarks and runs them all; the table is also left in the build folder.
. "$(dirname "$0")/common.sh"

scripts/setup.sh bench
build_preset release bench -DFC_BUILD_BENCH=ON
exec bench/run.sh "$BUILD/bench/bench"
