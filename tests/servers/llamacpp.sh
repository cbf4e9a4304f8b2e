#!/usr/bin/env bash
# Real llama.cpp servers fill in the middle for Pennyworth: what is shown, counted, cached and cancelled. Leaves with 77 where they cannot be had.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."

folder=$PWD/target/servers/llamacpp
"$here/venv" "$folder" xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.2.6

servers=()
place=$(mktemp -d "$folder/models.XXXXXX")
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$place"' EXIT

start() { # KIND: its address is in the environment from then on
  local pipe address
  exec {pipe}< <(exec "$folder/bin/python" "$here/llamacpp.py" "$1" "$place/$1.gguf" 2>"$place/$1.log")
  servers+=($!)
  read -r -t 120 -u "$pipe" address || { tail "$place/$1.log" >&2; echo "FAILED: the server \`$1\` does not start" >&2; exit 1; }
  export "LLAMACPP_${1^^}=$address"
}

start fills
start slow
start plain
# One after the other, because each compares what the server counted with what the ledger holds.
cargo test --quiet -p pennyworth-tests --test servers -- --ignored --test-threads=1 llamacpp
