#!/bin/bash
# Plays the models of tests/models under AddressSanitizer: first the short form of each, then all at random for what is
# left of SECONDS, which they share. The first that fails ends it and says how to play its round again.
#   scripts/models.sh [SECONDS [SEED [MODEL ...]]]     SEED 0: a new one
. "$(dirname "$0")/common.sh"

seconds=${1:-60}
seed=${2:-0}
shift $(($# < 2 ? $# : 2))
models=("$@")
if [ $# = 0 ]; then
  for source in tests/models/model_*.c; do
    name=$(basename "$source" .c)
    if [ "$name" != model_main ]; then models+=("$name"); fi
  done
fi
if [ "$seed" = 0 ]; then seed=$(date +%s%N | cut -c5-16); fi

scripts/setup.sh test
folder=$BUILD/asan${CC:+_$(basename "$CC")}
build() {
  cmake --preset asan -B "$folder" ${CC:+"-DCMAKE_C_COMPILER=$CC"} && cmake --build "$folder" --target "${models[@]}"
}
built=$(build 2>&1) || { echo "$built"; exit 1; }

await_one() {
  if wait -n; then
    passed=$((passed + 1)) running=$((running - 1))
    return
  fi
  # shellcheck disable=SC2046 # a word for each process
  kill $(jobs -p) 2>/dev/null || true
  wait
  echo "$passed passed, 1 failed"
  exit 1
}

# play_all ARGUMENT ...: as many models at once as there are cores.
play_all() {
  local model
  passed=0 running=0
  for model in "${models[@]}"; do
    "$folder/tests/$model" "$@" &
    running=$((running + 1))
    if [ $running -ge "$jobs" ]; then await_one; fi
  done
  while [ $running -gt 0 ]; do await_one; done
}

begin=$SECONDS
play_all
share=$("$PYTHON" -c "print(max($seconds - ($SECONDS - $begin), 1) * min($jobs, ${#models[@]}) / ${#models[@]})")
play_all "$share" "$seed"
echo "$passed passed, 0 failed"
