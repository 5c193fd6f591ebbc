#!/bin/bash
# Builds the measuring programs and holds the library to bench/budget.json; --update writes it anew.
. "$(dirname "$0")/common.sh"

scripts/setup.sh budget
build_preset release bench -DFC_BUILD_BENCH=ON -DFC_BENCH_GRPC=OFF -DFC_BUILD_PYTHON=ON \
  -DPython_EXECUTABLE="$("$PYTHON" -c 'import sys; print(sys.executable)')"
exec "$PYTHON" bench/budget.py "$BUILD/bench" "$@"
