#!/bin/bash
# Tests the Python package as its users get it: makes the source distribution, of that a wheel, installs it into a fresh
# virtual environment, BUILD/python/venv, with the alias `grpc` beside it, and runs tests/python there.
#   scripts/python.sh [ARGUMENT ...]     arguments of pytest; FC_LONG=1 runs the long forms of tests too
#   scripts/python.sh --install          stops before the tests
. "$(dirname "$0")/common.sh"

scripts/setup.sh python
work=$BUILD/python
companions=$BUILD/peers/companions
venv=$work/venv

make_wheel() {
  rm -rf "$work/dist" "$venv"
  mkdir -p "$work/dist"
  "$companions/bin/python" -m build --sdist --no-isolation --outdir "$work/dist" . &&
    CMAKE_BUILD_PARALLEL_LEVEL=$jobs "$companions/bin/pip" wheel -q --no-build-isolation --no-deps \
      --wheel-dir "$work/dist" "$work"/dist/farcall-*.tar.gz
}

# The alias says that it is grpcio, so that what asks for grpcio is content.
make_alias() {
  rm -rf "$work/alias"
  cp -r python/alias "$work/alias"
  "$companions/bin/pip" wheel -q --no-build-isolation --no-deps --wheel-dir "$work/dist" "$work/alias"
}

install_wheels() {
  "$PYTHON" -m venv "$venv" &&
    "$venv/bin/pip" install -q --disable-pip-version-check --no-index --no-deps "$work"/dist/*.whl &&
    "$companions/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
      >"$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/companions.pth"
}

begin=$SECONDS
if ! { make_wheel && make_alias && install_wheels; } >"$work.log" 2>&1; then
  tail -n 40 "$work.log"
  exit 1
fi
echo "built and installed in $((SECONDS - begin)) s"
if [ "${1:-}" = --install ]; then exit; fi

scripts/certs.sh "$BUILD/peers/certs"
export FC_TEST_CERTS=$BUILD/peers/certs FC_PEER_PYTHON=$BUILD/peers/python/bin/python FC_DIST=$work/dist
export PYTHONDONTWRITEBYTECODE=1
status=0
"$venv/bin/python" -m pytest -q -p no:cacheprovider --junitxml="$work/results.xml" "$@" tests/python || status=$?
"$PYTHON" - "$work/results.xml" <<'PY'
import sys
import xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite").attrib
total, failed, skipped = int(suite["tests"]), int(suite["failures"]) + int(suite["errors"]), int(suite["skipped"])
print(f"{total - failed - skipped} passed, {failed} failed, {skipped} skipped")
PY
exit $status
