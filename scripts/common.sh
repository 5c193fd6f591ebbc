# Sourced by the other scripts: where things are, and how a preset is built.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export BUILD=${BUILD:-build}
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
