#!/bin/bash
# Runs the test programs of the dev preset under valgrind, which also sees memory read before it was written.
#   scripts/valgrind.sh [PROGRAM ...]     all of them by default
. "$(dirname "$0")/common.sh"

logs=$BUILD/logs/valgrind
mkdir -p "$logs"
scripts/certs.sh "$BUILD/certs"
export FC_TEST_CERTS=$BUILD/certs

# Children of a fork leave by _exit, with everything still allocated: only the parent speaks.
check_one() {
  local name=${1##*/}
  if timeout 300 valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite \
    --errors-for-leak-kinds=definite --child-silent-after-fork=yes \
    --suppressions=tests/support/valgrind.supp "$1" >"$logs/$name.log" 2>&1; then
    echo "$name: fine"
  else
    echo "$name: FAILED"
    tail -n 40 "$logs/$name.log"
    return 1
  fi
}

# These make hundreds of handshakes, which take minutes here; AddressSanitizer watches them.
too_slow=" test_tls_filter test_tls_filter_cuts test_tls_filter_openssl test_tls_context_openssl test_tls_conversations "

programs=("$@")
if [ $# = 0 ]; then
  for source in tests/{unit,sim,loopback}/test_*.c; do
    name=$(basename "$source" .c)
    if [[ $too_slow != *" $name "* ]]; then programs+=("$BUILD/dev/tests/$name"); fi
  done
fi
each check_one "${programs[@]}"
