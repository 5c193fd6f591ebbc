#!/bin/bash
# Installs what groups of tasks need on Debian 12:
#   scripts/setup.sh build|lint|fuzz|test|demo|interop|bench|budget|python ...
# It uses apt-get as root or with a sudo that asks no password; else it lists what is missing and fails.
# When everything is there it says nothing and takes no time. FC_SETUP=0 leaves all of it to you.
# The group interop also makes BUILD/peers/python, a virtual environment with the newest grpcio where PyPI
# can be reached and Debian's where not. The group python also makes BUILD/peers/companions, with what builds and
# tests the Python package and the packages that build on grpcio, themselves without it.
. "$(dirname "$0")/common.sh"

if [ "${FC_SETUP:-1}" = 0 ]; then exit 0; fi

# One package a word. A tool, written package=command, may have come some other way.
packages_of() {
  case $1 in
    build)
      echo "gcc=${CC:-cc} libc6-dev make=make cmake=cmake ninja-build=ninja pkg-config=pkg-config zlib1g-dev" \
        "libssl-dev"
      ;;
    lint) echo "$(packages_of build) python3=python3 git=git g++=c++ clang-format-14 clang-tidy-14" ;;
    fuzz) echo "$(packages_of build) clang=clang libclang-rt-14-dev" ;;
    demo)
      echo "$(packages_of build) protobuf-compiler protobuf-c-compiler libprotobuf-c-dev tzdata python3" \
        "python3-grpcio python3-protobuf protobuf-compiler-grpc openssl=openssl"
      ;;
    interop) echo "$(packages_of demo) grpc-proto python3-venv golang-go=go nghttp2-client nghttp2-server" ;;
    test)
      echo "$(packages_of lint) $(packages_of fuzz) $(packages_of interop) libcmocka-dev libnghttp2-dev" \
        "libuv1-dev valgrind=valgrind"
      ;;
    bench)
      echo "$(packages_of build) g++=c++ python3 libgrpc++-dev libprotobuf-dev protobuf-compiler" \
        "protobuf-compiler-grpc libnghttp2-dev nghttp2-client nghttp2-server valgrind strace util-linux" \
        "openssl=openssl"
      ;;
    budget) echo "$(packages_of build) python3=python3 python3-dev valgrind=valgrind openssl=openssl" ;;
    python)
      echo "$(packages_of build) python3=python3 python3-venv python3-dev protobuf-compiler protobuf-compiler-grpc" \
        "openssl=openssl util-linux"
      ;;
    *) echo "setup.sh: no group '$1'" >&2; return 1 ;;
  esac
}

missing_of() {
  local words installed word
  words=$(for group in "$@"; do packages_of "$group"; done | tr ' ' '\n' | sort -u)
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
  for word in $words; do
    case $word in
      *=*) command -v "${word#*=}" >/dev/null || echo "${word%%=*}" ;;
      *) grep -qxF "$word" <<<"$installed" || echo "$word" ;;
    esac
  done
}

install_packages() {
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
  fi
  echo "installing $*"
  "${as_root[@]}" apt-get update -qq || return 1
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# The newest official peers; a machine without the registry makes do with Debian's.
make_peer_python() {
  local venv=$BUILD/peers/python
  if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import grpc, google.protobuf' 2>/dev/null; then return; fi
  rm -rf "$venv"
  if "$PYTHON" -m venv "$venv" &&
    "$venv/bin/pip" install -q --disable-pip-version-check --timeout 20 --retries 1 grpcio protobuf >"$venv.log" 2>&1; then
    return
  fi
  echo "PyPI cannot be reached: the Python peer is Debian's grpcio"
  rm -rf "$venv"
  /usr/bin/python3 -m venv --system-site-packages "$venv"
}

# Packages for grpcio that must run on farcall unchanged: they may not bring grpcio with them.
make_companions() {
  local venv=$BUILD/peers/companions
  local install=("$venv/bin/pip" install -q --disable-pip-version-check --timeout 20 --retries 1)
  if [ -e "$venv/complete" ]; then return; fi
  rm -rf "$venv"
  "$PYTHON" -m venv "$venv"
  "${install[@]}" pytest mypy build "scikit-build-core>=0.10" setuptools wheel protobuf googleapis-common-protos google-auth requests absl-py &&
    "${install[@]}" --no-deps grpcio-tools grpcio-health-checking grpcio-reflection grpcio-status grpcio-testing || {
    echo "PyPI is needed to test the Python package" >&2
    return 1
  }
  touch "$venv/complete"
}

for group in "$@"; do packages_of "$group" >/dev/null; done
mapfile -t missing < <(missing_of "$@")
if [ ${#missing[@]} != 0 ] && ! { command -v apt-get >/dev/null && install_packages "${missing[@]}"; }; then
  {
    echo "These packages are needed and cannot be installed from here:"
    printf '  %s\n' "${missing[@]}"
    echo "As root: apt-get install ${missing[*]}"
  } >&2
  exit 1
fi
case " $* " in
  *" test "* | *" interop "* | *" python "*) mkdir -p "$BUILD/peers" && make_peer_python ;;
esac
case " $* " in
  *" python "*) make_companions ;;
esac
