# Sourced by the other scripts: where things are, and how a preset is built.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."

BUILD=${BUILD:-build}
case $BUILD in
  /*) ;;
  *) BUILD=$PWD/$BUILD ;;
esac
export BUILD
export PYTHON=${PYTHON:-python3}
jobs=$(nproc 2>/dev/null || echo 2)

# build_preset PRESET [FOLDER [cmake argument ...]]: configures and builds into $BUILD/FOLDER.
build_preset() {
  local preset=$1 folder=${2:-$1}
  shift $(($# < 2 ? 1 : 2))
  local compiler=()
  if [ -n "${CC:-}" ] && [ "$preset" != fuzz ]; then compiler=("-DCMAKE_C_COMPILER=$CC"); fi
  cmake --preset "$preset" -B "$BUILD/$folder" "${compiler[@]}" "$@" &&
    cmake --build "$BUILD/$folder"
}

# The tool of the version that the project is formatted and linted with, else the one that is there.
pinned() {
  command -v "$1-14" || command -v "$1" || { echo "$1 is missing" >&2; return 1; }
}

# each FUNCTION ARGUMENT ...: calls it for each argument, as many at once as there are cores, and says at the end how
# many passed.
each() {
  local function=$1 argument running=0 failed=0
  shift
  for argument in "$@"; do
    "$function" "$argument" &
    running=$((running + 1))
    if [ $running -ge "$jobs" ]; then
      wait -n || failed=$((failed + 1))
      running=$((running - 1))
    fi
  done
  while [ $running -gt 0 ]; do
    wait -n || failed=$((failed + 1))
    running=$((running - 1))
  done
  echo "$(($# - failed)) passed, $failed failed"
  [ $failed = 0 ]
}
