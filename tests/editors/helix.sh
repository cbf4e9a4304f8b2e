#!/usr/bin/env bash
# A real Helix in a terminal starts the debug server and another one, types, opens the menu, takes items and runs code actions.
# PENNYWORTH_SERVER names a server to use instead of building one. Leaves with 77 where no Helix can be had.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."

skip() { echo "SKIPPED: $*" >&2; exit 77; }

works() { "$1" --version >/dev/null 2>&1; }
hx=${HELIX:-$PWD/target/editors/helix/usr/lib/hx/hx}
works "$hx" || "$here/debian-suite" target/editors/helix sid usr/lib/hx/hx hx || true
works "$hx" || skip "no Helix here, and none could be unpacked"
if ! command -v tmux >/dev/null; then
  { [ "$(id -u)" = 0 ] && apt-get -qq update && apt-get -qqy install --no-install-recommends tmux; } >/dev/null 2>&1 || skip "tmux is missing"
fi
command -v python3 >/dev/null || skip "python3 is missing"

server=${PENNYWORTH_SERVER:-}
if [ -z "$server" ]; then
  cargo build --quiet -p pennyworth
  server=$PWD/target/debug/pennyworth
fi
echo "$("$hx" --version)"
mkdir -p target/editors/helix-seen
exec timeout 300 python3 "$here/helix/run.py" "$hx" "$server" target/editors/helix-seen
