#!/bin/bash
# Builds the benchmarks and runs them all; the table is also left in the build folder. bench/run.py says how to
# choose what is measured. BENCH_SHORT=1 needs no peers and only shows that everything works.
. "$(dirname "$0")/common.sh"

if [ "${BENCH_SHORT:-0}" != 0 ]; then
  scripts/setup.sh build
  build_preset release bench -DFC_BUILD_BENCH=ON -DFC_BENCH_GRPC=OFF
else
  scripts/setup.sh bench
  build_preset release bench -DFC_BUILD_BENCH=ON -DFC_BENCH_GRPC=ON
fi
exec "$PYTHON" bench/run.py "$BUILD/bench"
