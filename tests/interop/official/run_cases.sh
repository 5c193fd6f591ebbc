#!/bin/bash
# Runs official test cases one by one: run_cases.sh CLIENT HOST:PORT CASE ...; a line for each.
client=$1 host=${2%:*} port=${2##*:}
shift 2
for name; do
  if output=$(timeout 20 "$client" --server_host="$host" --server_port="$port" --test_case="$name" 2>&1); then
    echo "ok $name"
  else
    echo "FAIL $name: status $?, $(tail -n 1 <<<"$output")"
  fi
done
