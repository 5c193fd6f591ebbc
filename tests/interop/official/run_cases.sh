#!/bin/bash
# Runs official test cases one by one: run_cases.sh HOST:PORT CLIENT [OPTION ...] -- CASE ...; a line for each.
host=${1%:*} port=${1##*:}
shift
client=()
while [ "$1" != -- ]; do
  client+=("$1")
  shift
done
shift
for name; do
  if output=$(timeout 20 "${client[@]}" --server_host="$host" --server_port="$port" --test_case="$name" 2>&1); then
    echo "ok $name"
  else
    echo "FAIL $name: status $?, $(tail -n 1 <<<"$output")"
  fi
done
