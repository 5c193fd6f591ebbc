#!/bin/bash
# Installs what a group of tasks needs on Debian 12:
#   scripts/setup.sh build|lint|fuzz|test|demo|bench|interop ...
# It uses apt-get as root or with a sudo that asks no password; else it lists what is missing and fails.
# When everything is there it says nothing and takes no time.
set -eu
cd "$(dirname "$0")/.."

BUILD=${BUILD:-build}
PYTHON=${PYTHON:-python3}

packages_of() {
  case $1 in
    build) echo gcc libc6-dev make cmake ninja-build pkg-config zlib1g-dev ;;
    lint) packages_of build; echo python3 clang clang-format clang-tidy g++ git ;;
    fuzz) packages_of build; echo clang libclang-rt-14-dev ;;
    peers) echo python3 python3-venv python3-grpcio python3-protobuf ;;
    demo) packages_of build; packages_of peers
          echo protobuf-compiler protobuf-compiler-grpc protobuf-c-compiler libprotobuf-c-dev tzdata ;;
    interop) packages_of demo; echo golang-go nghttp2 curl ;;
    bench) packages_of build; echo g++ libgrpc++-dev libprotobuf-dev protobuf-compiler \
             protobuf-compiler-grpc libnghttp2-dev valgrind python3 ;;
    test) packages_of lint; packages_of fuzz; packages_of interop
          echo libcmocka-dev libnghttp2-dev libuv1-dev ;;
    *) echo "setup.sh: no group '$1'" >&2; return 1 ;;
  esac
}

# A compiler or Go that came some other way will do.
present() {
  case $1 in
    gcc) command -v "${CC:-cc}" >/dev/null ;;
    golang-go) command -v go >/dev/null ;;
    *) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed' ;;
  esac
}

missing_of() {
  local wanted package
  wanted=$(for group in "$@"; do packages_of "$group"; done)
  for package in $wanted; do present "$package" || echo "$package"; done | sort -u
}

install_packages() {
  local as_root=
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then return 1; fi
    as_root="sudo -n"
  fi
  echo "installing:" "$@"
  $as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

for group in "$@"; do packages_of "$group" >/dev/null; done
missing=$(missing_of "$@")
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086
  if ! command -v apt-get >/dev/null || ! install_packages $missing; then
    echo "These packages are needed and cannot be installed from here:" >&2
    printf '  %s\n' $missing >&2
    echo "As root: apt-get install" $missing >&2
    exit 1
  fi
fi
