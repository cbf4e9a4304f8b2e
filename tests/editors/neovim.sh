#!/usr/bin/env bash
# A real Neovim starts the debug server, types, sees ghost text, accepts it and quits. Exits with 77 without Neovim 0.12 or later.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
source tests/tools.bash

recent() { command -v "$1" >/dev/null && "$1" --clean --headless -c 'exec has("nvim-0.12") ? "qa!" : "cq"' >/dev/null 2>&1; }

nvim=${NVIM:-nvim}
if ! recent "$nvim"; then
  nvim=$PWD/target/editors/neovim/usr/bin/nvim
  recent "$nvim" || "$here/debian-suite" target/editors/neovim sid usr/bin/nvim neovim
  recent "$nvim" || { echo "no Neovim of 0.12 or later" >&2; exit 77; }
fi

server
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir -p "$place/workspace"
cp "$here/neovim/orders.py" "$place/workspace/"
export HOME=$place XDG_{CONFIG,STATE,DATA,CACHE}_HOME="$place/xdg" NVIM_LOG_FILE=$place/nvim.log
export SERVER=$server PLACE=$place
timeout 600 "$nvim" --clean --headless -l "$here/neovim/smoke.lua" "$here/neovim/init.lua"

# The ledger counts what was accepted.
"$SERVER" stats --json > "$place/stats.json"
grep -q '"accepted": 1' "$place/stats.json" || { echo "FAILED: the ledger does not know that it was accepted" >&2; exit 1; }
echo "ok: the ledger knows that it was accepted"

# Line breaks of each kind.
cp "$here/neovim/orders.py" "$place/workspace/"
HERE=$here/neovim timeout 600 "$nvim" --clean --headless -l "$here/neovim/breaks.lua" "$here/neovim/init.lua"
