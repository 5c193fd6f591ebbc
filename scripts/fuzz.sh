#!/bin/bash
# Fuzzes each target for some seconds: scripts/fuzz.sh [SECONDS [TARGET ...]]
# New inputs gather in the build folder; what crashes is left in BUILD/fuzz/crashes and named at the end.
. "$(dirname "$0")/common.sh"

seconds=${1:-60}
shift $(($# ? 1 : 0))
scripts/setup.sh fuzz
build_preset fuzz >/dev/null

out=$BUILD/fuzz
targets=("$@")
if [ $# = 0 ]; then
  for source in fuzz/fuzz_*.c; do targets+=("$(basename "$source" .c)"); done
fi
mkdir -p "$out/crashes"

fuzz_one() {
  local name=$1 found=$out/corpus/${1#fuzz_} seeds=fuzz/corpus/${1#fuzz_}
  mkdir -p "$found"
  [ -d "$seeds" ] || seeds=
  "$out/fuzz/$name" "$found" $seeds -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -print_final_stats=1 -artifact_prefix="$out/crashes/$name-" >"$out/$name.log" 2>&1 || {
    tail -n 30 "$out/$name.log"
    echo "$name: FAILED"
    return 1
  }
  echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$name.log") runs"
}

each fuzz_one "${targets[@]}"
