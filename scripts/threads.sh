#!/bin/bash
# Runs the programs under the deterministic scheduler (tests/threads/sched.h) for so many seconds in all:
#   scripts/threads.sh [SECONDS [SEED]]     0 or none: a new seed, which is printed
# PROGRAM=p runs that one alone; with TRACE=1 the one schedule that SEED names, and shows its steps.
. "$(dirname "$0")/common.sh"

seconds=${1:-60}
seed=${2:-0}
if [ "$seed" = 0 ]; then seed=$((1 + RANDOM * 32768 + RANDOM)); fi
scripts/setup.sh build

# What AddressSanitizer sees is half of what is looked for. Programs alone: the rest of the tests would take minutes.
programs=()
for source in tests/threads/thread_*.c; do programs+=("$(basename "$source" .c)"); done
if [ -n "${PROGRAM:-}" ]; then programs=("$PROGRAM"); fi
cmake --preset asan -B "$BUILD/asan" ${CC:+"-DCMAKE_C_COMPILER=$CC"} >/dev/null
cmake --build "$BUILD/asan" --target "${programs[@]}" >/dev/null

if [[ $seed == */* ]] || [ -n "${TRACE:-}" ]; then
  exec "$BUILD/asan/tests/threads/${programs[0]}" ${TRACE:+-v} -s "$seed"
fi

# As many at once as there are cores, each for its share of the time: an eighth of that first, so that no program waits for
# its turn to find what it finds at once.
share=$((seconds * 1000 * jobs / ${#programs[@]})) # milliseconds
logs=$BUILD/logs/threads
mkdir -p "$logs"
echo "seed $seed"

run_one() {
  local log=$logs/$1.log
  "$BUILD/asan/tests/threads/$1" -t "${time}e-3" -b "$seed" >"$log" 2>&1 || {
    cat "$log"
    return 1
  }
  tail -n 1 "$log"
}

time=$((share / 8))
each run_one "${programs[@]}" | grep -v ' passed, 0 failed$'
[ "${PIPESTATUS[0]}" = 0 ] || exit 1
time=$((share - time))
seed=$((seed + 1000000000))
each run_one "${programs[@]}"
