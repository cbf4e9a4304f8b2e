#!/usr/bin/env bash
# A real Helix in a terminal starts the debug server and another one, types, opens the menu, accepts items and runs code actions.
# PENNYWORTH_SERVER names a server to use instead of building one. Exits with 77 without a Helix.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
source tests/tools.bash

works() { "$1" --version >/dev/null 2>&1; }
hx=${HELIX:-$PWD/target/editors/helix/usr/lib/hx/hx}
works "$hx" || "$here/debian-suite" target/editors/helix sid usr/lib/hx/hx hx || true
works "$hx" || skip "no Helix here, and none could be unpacked"
need tmux
need git
need python3

server
"$hx" --version
mkdir -p target/editors/helix-seen
exec timeout 900 python3 "$here/helix/run.py" "$hx" "$server" target/editors/helix-seen
