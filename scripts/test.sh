#!/bin/bash
# Everything that is tested, in steps, each with a log in the build folder; one summary at the end.
#   scripts/test.sh [STEP ...]     runs only the steps named (see the list at the end)
. "$(dirname "$0")/common.sh"

logs=$BUILD/logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0
wanted=" $* "
summary=()

# count_of LOG RESULTS STATUS: sets p, f and s from ctest's results, else from a closing line "N passed, N
# failed", else the step is one test.
count_of() {
  p=0 f=0 s=0
  if [ -s "$2" ]; then
    read -r p f s < <("$PYTHON" - "$2" <<'PY'
import sys
import xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().attrib
total, failed = int(suite["tests"]), int(suite["failures"])
skipped = int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
print(total - failed - skipped, failed, skipped)
PY
    ) || true
  else
    local closing
    closing=$(grep -E '^([A-Za-z]+: )?[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$1" | tail -n 1)
    if [ -n "$closing" ]; then
      read -r p f s < <(grep -oE '[0-9]+' <<<"$closing" | tr '\n' ' ') || true
    elif [ "$3" = 0 ]; then
      p=1
    fi
  fi
  s=${s:-0}
  if [ "$3" != 0 ] && [ "$f" = 0 ]; then f=1; fi
}

# step NAME SECONDS COMMAND ...: runs it, counts, and shows the end of a failed log. SECONDS ends what hangs: many times what
# a step takes on two quiet cores, since machines that test are busy.
step() {
  local name=$1 limit=$2 status=0 begin=$SECONDS
  shift 2
  if [ "$wanted" != "  " ] && [[ $wanted != *" $name "* ]]; then return; fi
  local log=$logs/$name.log results=$logs/$name.xml
  rm -f "$results"
  printf '%-14s ' "$name"
  RESULTS=$results timeout --kill-after=10 "$limit" bash "${BASH_SOURCE[0]}" --run "$@" >"$log" 2>&1 </dev/null ||
    status=$?
  count_of "$log" "$results" "$status"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  local line="$p passed, $f failed, $s skipped, $((SECONDS - begin)) s"
  if [ "$status" = 124 ]; then line+=", stopped after $limit s"; fi
  echo "$line"
  summary+=("$(printf '%-14s %s' "$name" "$line")")
  if [ "$f" != 0 ]; then
    echo "---- the end of $log"
    grep -vE "^\[[0-9]+/[0-9]+\] (Building|Linking|Creating)|^-- " "$log" | tail -n 60
    echo "----"
  fi
}

# ctest_in FOLDER [argument ...]
ctest_in() {
  local folder=$1
  shift
  ctest --test-dir "$BUILD/$folder" --output-on-failure --no-tests=error -j "$jobs" --output-junit "$RESULTS" "$@"
}

build_and_test() {
  build_preset "$1" && ctest_in "$@"
}

clang_build() {
  CC=clang build_preset dev clang
}

# The core stands without TLS: OpenSSL may not even be looked for.
without_tls() {
  cmake --preset dev -B "$BUILD/without_tls" ${CC:+"-DCMAKE_C_COMPILER=$CC"} -DFC_TLS=OFF -DFC_BUILD_EXAMPLES=OFF \
    -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON &&
    cmake --build "$BUILD/without_tls" --target test_without_tls test_calls_patterns &&
    ctest_in without_tls -R '^test_(without_tls|calls_patterns)$' -FA certs
}

bench_short() {
  BENCH_SHORT=1 scripts/bench.sh
}

if [ "${1:-}" = --run ]; then
  shift
  "$@"
  exit
fi

scripts/setup.sh test python

step layers 60 scripts/check_layers.py
step headers 60 scripts/check_headers.py
step callbacks 60 scripts/check_callbacks.py
step docs 60 scripts/check_docs.py
step format 60 scripts/format.sh --check
step dev 1800 build_and_test dev
step tidy 1800 scripts/tidy.sh
step clang 1800 clang_build
step without_tls 900 without_tls
step asan 2400 build_and_test asan
step tsan 2400 build_and_test tsan
step valgrind 2400 scripts/valgrind.sh
step fuzz 1200 scripts/fuzz.sh 4
step bench 900 bench_short
step budget 1800 scripts/budget.sh
step interop 1800 tests/interop/run.sh
step h2spec 900 tests/interop/h2spec.sh
step conformance 1800 tests/interop/conformance.sh
step python 1200 scripts/python.sh
step demo 900 scripts/demo.sh

echo
printf '%s\n' "${summary[@]}"
echo "logs: $logs; all of it took $SECONDS s"
if [ $skipped = 0 ]; then
  echo "$passed passed, $failed failed"
else
  echo "$passed passed, $failed failed, $skipped skipped"
fi
[ $failed = 0 ]
