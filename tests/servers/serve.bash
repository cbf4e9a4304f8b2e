# Sourced by the scripts beside it: starts servers, which end with the script. It leaves the requests to tests/tests/servers.rs.
# shellcheck shell=bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
source tests/tools.bash

mkdir -p target/servers
place=$(mktemp -d "$PWD/target/servers/run.XXXXXX")
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; wait; rm -rf "$place"' EXIT

llamacpp() { # KIND: starts a llama.cpp server with this model and sets $LLAMACPP_KIND to its address
  local folder=$PWD/target/servers/llamacpp pipe address
  tests/venv "$folder" xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.2.6
  exec {pipe}< <(exec "$folder/bin/python" "$here/llamacpp.py" "$1" "$place/$1.gguf" 2>"$place/$1.log")
  servers+=($!)
  read -r -t 120 -u "$pipe" address || gave_up "$1"
  export "LLAMACPP_${1^^}=$address"
}

gave_up() { # NAME: prints the log of a server that does not start
  tail "$place/$1.log" >&2
  echo "FAILED: the server \`$1\` does not start" >&2
  exit 1
}

ask() { # NAME...: runs the tests whose names begin so, one after the other, because each compares a server's counts with the ledger
  cargo test --quiet -p pennyworth-tests --test servers -- --ignored --test-threads=1 "$@"
}
