#!/usr/bin/env bash
# The plugin in real Neovims, a current one and 0.10: with a fake server that the test controls, then with ours.
# The terminal's screen goes to target/editors/neovim*/terminal.txt. Exits with 77 without either Neovim.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
source tests/tools.bash

runs() { [ -x "$1" ] && "$1" --clean --headless -c "exec has('$2') ? 'qa!' : 'cq'" >/dev/null 2>&1; }
have() { # FOLDER SUITE FEATURE: finds or unpacks a Neovim with this feature, below target/editors
  runs "$1/usr/bin/nvim" "$3" || "$here/debian-suite" "$1" "$2" usr/bin/nvim neovim
  runs "$1/usr/bin/nvim" "$3"
}

versions=()
for each in "neovim sid nvim-0.12" "neovim-0.10 trixie nvim-0.10"; do
  read -r folder suite feature <<< "$each"
  if have "target/editors/$folder" "$suite" "$feature"; then
    versions+=("target/editors/$folder")
  else
    echo "SKIPPED: no Neovim of $suite can be had" >&2
  fi
done
[ ${#versions[@]} -gt 0 ] || exit 77
need tmux
need python3

server
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export SERVER=$server PLUGIN=$PWD/editors/neovim HERE=$here/neovim
result=0 count=0
# Each test gets its own home and workspace, without files of other tests.
anew() { # WHAT
  export PLACE=$place/$((++count))
  export HOME=$PLACE XDG_{CONFIG,STATE,DATA,CACHE}_HOME="$PLACE/xdg" NVIM_LOG_FILE=$PLACE/nvim.log
  mkdir -p "$PLACE/workspace/.git"
  cp "$HERE/orders.py" "$PLACE/workspace/"
  echo "-- $1 in $("$nvim" --version | head -1)"
}
for version in "${versions[@]}"; do
  nvim=$PWD/$version/usr/bin/nvim
  for test in "$HERE"/plugin*.lua; do
    anew "$(basename "$test")"
    timeout 600 "$nvim" --clean --headless -l "$test" || { echo "FAILED: $(basename "$test") in $version" >&2; result=1; }
  done
  anew terminal
  timeout 600 "$HERE/terminal" "$nvim" "$version/terminal.txt" || { echo "FAILED: terminal in $version" >&2; result=1; }
  anew "the session"
  cp "$here"/session/workspace/* "$PLACE/workspace/" && rm "$PLACE/workspace/orders.py"
  { PENNYWORTH_LOG=debug timeout 600 "$nvim" --clean --headless -l "$HERE/session.lua" &&
    python3 "$here/session/check.py" "$(basename "$version")" "$XDG_STATE_HOME/pennyworth" "$PLACE/workspace/debts.py"; } ||
    { echo "FAILED: the session in $version" >&2; result=1; }
done
exit "$result"
