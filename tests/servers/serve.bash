# Sourced by the scripts beside it: starts servers, which end with the script. It leaves what is asked of them to tests/tests/servers.rs.
# shellcheck shell=bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."

mkdir -p target/servers
place=$(mktemp -d "$PWD/target/servers/run.XXXXXX")
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; wait; rm -rf "$place"' EXIT

llamacpp() { # KIND: a llama.cpp server with this model; $LLAMACPP_KIND is its address from then on
  local folder=$PWD/target/servers/llamacpp pipe address
  "$here/venv" "$folder" xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.2.6
  exec {pipe}< <(exec "$folder/bin/python" "$here/llamacpp.py" "$1" "$place/$1.gguf" 2>"$place/$1.log")
  servers+=($!)
  read -r -t 120 -u "$pipe" address || gave_up "$1"
  export "LLAMACPP_${1^^}=$address"
}

gave_up() { # NAME: what a server said before it did not start
  tail "$place/$1.log" >&2
  echo "FAILED: the server \`$1\` does not start" >&2
  exit 1
}

ask() { # NAME...: the tests whose names begin so. One after the other, because each compares what a server counted with what the ledger holds
  cargo test --quiet -p pennyworth-tests --test servers -- --ignored --test-threads=1 "$@"
}
