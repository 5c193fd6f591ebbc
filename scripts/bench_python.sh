#!/bin/bash
# Measures the Python package beside the newest grpcio that PyPI has; bench/python/run.py says how to choose what is
# measured. The table is also left in BUILD/bench-python.
. "$(dirname "$0")/common.sh"

scripts/setup.sh python
command -v valgrind >/dev/null || echo "valgrind is not here: instructions are not counted" >&2
if [ "${BENCH_INSTALLED:-0}" = 0 ]; then scripts/python.sh --install; fi
exec "$PYTHON" bench/python/run.py "$BUILD/bench-python" "$BUILD/python/venv/bin/python" "$BUILD/peers/python/bin/python"
