#!/bin/bash
# Everything that judges the sources without running them.
. "$(dirname "$0")/common.sh"

scripts/setup.sh lint
failed=0
scripts/check_layers.py || failed=1
scripts/check_headers.py || failed=1
scripts/check_callbacks.py || failed=1
scripts/check_docs.py || failed=1
scripts/format.sh --check || failed=1
cmake --preset dev -B "$BUILD/dev" ${CC:+"-DCMAKE_C_COMPILER=$CC"} >/dev/null
scripts/tidy.sh || failed=1
exit $failed
