#!/bin/bash
# Runs the tour through the atlas six times: client and server in C, the official Python client with the
# C server, and the C client with the official Python server; and the same over mutual TLS. All must give the
# same answers.
#   demo.sh FOLDER        FOLDER holds the built programs
set -eu
programs=$(realpath "$1")
cd "$(dirname "$0")"
scratch=$(mktemp -d)
server=
tls= # or "--tls FOLDER", two words
stop_server() { [ -z "$server" ] || { kill "$server"; wait "$server"; } 2>/dev/null || true; server=; }
trap 'stop_server; rm -r "$scratch"' EXIT

# The Python asked for, else Debian's; whichever has grpcio.
export PYTHONPATH=$programs PYTHONDONTWRITEBYTECODE=1
python=
for candidate in "${PYTHON:-python3}" /usr/bin/python3; do
  if "$candidate" -c 'import place_pb2_grpc' 2>/dev/null; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
  echo "demo: no Python with grpcio and protobuf; Debian has python3-grpcio and python3-protobuf" >&2
  exit 1
fi

# start_server COMMAND ...: sets target.
start_server() {
  local i port=
  stop_server
  "$@" $tls 127.0.0.1:0 >"$scratch/server" &
  server=$!
  for i in $(seq 200); do
    port=$(sed -n 's/^listening on port //p' "$scratch/server")
    if [ -n "$port" ]; then target=127.0.0.1:$port; return; fi
    sleep 0.05
  done
  echo "demo: $1 does not say its port" >&2
  exit 1
}

# tour NAME COMMAND ...: keeps all output in NAME, and what must be equal in NAME.answers.
tour() {
  local name=$1
  shift
  if ! "$@" $tls "$target" >"$scratch/$name"; then
    cat "$scratch/$name"
    echo "demo: the $name client failed" >&2
    exit 1
  fi
  grep -v '^  took ' "$scratch/$name" >"$scratch/$name.answers"
}

# All the times of a tour in one line.
took() { echo "  took$(sed -n 's/^  took \(.*\)/, \1/p' "$scratch/$1" | tr -d '\n' | sed 's/^,//')"; }

differ=0
compare() {
  took "$1"
  if diff -u --label C "$scratch/C.answers" --label "$1" "$scratch/$1.answers"; then
    echo "  The same answers, line by line ($(grep -c . "$scratch/$1.answers") lines)."
  else
    echo "  THE ANSWERS DIFFER."
    differ=1
  fi
  echo
}

version=$("$python" -c 'import grpc; print(grpc.__version__)')
rows=$(grep -vc '^#' /usr/share/zoneinfo/zone1970.tab)

echo "== A client and a server in C. The table has $rows places."
echo
start_server "$programs/place_server"
tour C "$programs/place_client"
cat "$scratch/C"
"$programs/place_burst" "$target"
echo

echo "== The same tour: official Python client (grpcio $version), server in C"
start_server "$programs/place_server"
tour Python-to-C "$python" place_client.py
compare Python-to-C

echo "== The same tour: client in C, official Python server (grpcio $version)"
start_server "$python" place_server.py
tour C-to-Python "$programs/place_client"
compare C-to-Python

# Made anew each time: a certificate authority, and a certificate for each side.
../../scripts/certs.sh "$scratch/certs"
tls="--tls $scratch/certs"

echo "== The same tour over mutual TLS: client and server in C"
start_server "$programs/place_server"
tour C-to-C "$programs/place_client"
compare C-to-C

echo "== Over mutual TLS: official Python client, server in C"
start_server "$programs/place_server"
tour Python-to-C "$python" place_client.py
compare Python-to-C

echo "== Over mutual TLS: client in C, official Python server"
start_server "$python" place_server.py
tour C-to-Python "$programs/place_client"
compare C-to-Python

if [ $differ != 0 ]; then
  echo "The answers differ: see above."
  exit 1
fi
echo "All six gave the same answers."
