#!/bin/bash
# Runs grpcio's own tests of its synchronous API on farcall: each file in a process of its own, with grpc as an alias.
#   upstream.sh SOURCES [FILE ...]     SOURCES is a checkout of grpc/grpc; FILE is a part of a test file's path
# FC_UPSTREAM_PYTHON runs them on another installation, such as grpcio itself. Nothing of SOURCES is changed.
# Left out are the tests of what is not the public synchronous API: the Cython layer, grpc.aio and grpc.beta, xDS's
# control plane, channelz, observability, the logging of the C++ library, and one that asks a name server outside.
[ $# -gt 0 ] || { sed -n '2,7p' "$0"; exit 2; }
sources=$(realpath "$1")
shift
. "$(dirname "$0")/../../scripts/common.sh"

python=${FC_UPSTREAM_PYTHON:-$BUILD/python/venv/bin/python}
[ -x "$python" ] || scripts/python.sh --install
work=$(mktemp -d "${TMPDIR:-/tmp}/upstream.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$BUILD/logs/upstream"

cp -r "$sources"/src/python/grpcio_tests/{tests,tests_py3_only} "$work"
for folder in tests tests_py3_only; do : >"$work/$folder/__init__.py"; done # they load a runner, and that coverage
protoc() {
  "$BUILD/peers/companions/bin/python" -m grpc_tools.protoc --python_out="$work" --grpc_python_out="$work" "$@"
}
needed=(empty messages test payloads control stats core/stats benchmark_service worker_service proto2/empty2 proto2/empty2_extensions)
for proto in "${needed[@]}"; do
  proto=src/proto/grpc/testing/$proto.proto
  if [ -e "$sources/$proto" ]; then (cd "$sources" && protoc -I . "$proto"); fi
done
(cd "$work" && protoc -I . $(find tests/testing tests/protoc_plugin/protos/{payload,requests,responses,service} -name '*.proto'))

# Its tests of the interpreter's exit and of fork are off there, for they fail; the latter also load a debugging extension.
sed -i '/^@unittest.skip(/d' "$work/tests/unit/_exit_test.py"
sed -i '/native_debug/d' "$work/tests/fork/_fork_interop_test.py" "$work/tests/fork/methods.py"
export GRPC_ENABLE_FORK_SUPPORT=1

excluded='/_cython/|/_sanity/|/beta/|/framework/|channelz|csds|/admin/|observability|_absl_log_test|xds_interop|_dns_resolver|/qps/|/stress/'
cd "$work"
mapfile -t files < <(find tests tests_py3_only -name '*_test.py' | grep -Ev "$excluded" | sort)

# one FILE: a line of its outcome, and its output in the log.
run_file() {
  local file=$1 log status=0 ran bad skipped
  log=$BUILD/logs/upstream/$(tr / . <<<"$file").log
  PYTHONPATH=$work${PYTHONPATH:+:$PYTHONPATH} timeout --kill-after=5 "${FC_UPSTREAM_SECONDS:-180}" "$python" -m unittest -v \
    "$(tr / . <<<"${file%.py}")" >"$log" 2>&1 </dev/null || status=$?
  ran=$(sed -n 's/^Ran \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
  bad=$(tail -n 3 "$log" | grep -oE '(failures|errors|unexpected successes)=[0-9]+' | cut -d= -f2 | paste -sd+ | bc)
  skipped=$(tail -n 3 "$log" | grep -oE 'skipped=[0-9]+' | cut -d= -f2)
  if [ -z "$ran" ]; then ran=1 bad=1; fi
  if [ "$status" != 0 ] && [ "${bad:-0}" = 0 ]; then bad=1; fi
  printf '%-60s %3d passed, %d failed, %d skipped%s\n' "$file" $((ran - ${bad:-0} - ${skipped:-0})) "${bad:-0}" \
    "${skipped:-0}" "$([ $status = 124 ] && echo ', stopped')"
}

for file in "${files[@]}"; do
  if [ $# -gt 0 ] && ! grep -qF "$(printf -- '%s\n' "$@")" <<<"$file"; then continue; fi
  run_file "$file"
done | tee "$work/results"
awk '{ p += $2; f += $4; s += $6 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$work/results"
