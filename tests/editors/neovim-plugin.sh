#!/usr/bin/env bash
# The plugin in real Neovims, a current one and 0.10: before a server that says what the test wants, then before ours.
# What a terminal showed goes to target/editors/neovim*/terminal.txt. Leaves with 77 where none of the two can be had.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."

runs() { [ -x "$1" ] && "$1" --clean --headless -c "exec has('$2') ? 'qa!' : 'cq'" >/dev/null 2>&1; }
have() { # FOLDER SUITE FEATURE: a Neovim that has a feature, below target/editors
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

if [ -z "${PENNYWORTH_SERVER:-}" ]; then
  cargo build --quiet -p pennyworth
  PENNYWORTH_SERVER=$PWD/target/debug/pennyworth
fi
server=$(realpath "$PENNYWORTH_SERVER")
unset "${!PENNYWORTH_@}"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export SERVER=$server PLUGIN=$PWD/editors/neovim HERE=$here/neovim
result=0 count=0
# A home and a workspace of its own for each test, so that none finds what another one left.
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
    timeout 120 "$nvim" --clean --headless -l "$test" || { echo "FAILED: $(basename "$test") in $version" >&2; result=1; }
  done
  anew terminal
  status=0
  timeout 120 "$HERE/terminal" "$nvim" "$version/terminal.txt" || status=$?
  [ "$status" = 0 ] || [ "$status" = 77 ] || { echo "FAILED: terminal in $version" >&2; result=1; }
  anew "the session"
  cp "$here"/session/workspace/* "$PLACE/workspace/" && rm "$PLACE/workspace/orders.py"
  PENNYWORTH_LOG=debug timeout 120 "$nvim" --clean --headless -l "$HERE/session.lua" &&
    python3 "$here/session/check.py" "$(basename "$version")" "$XDG_STATE_HOME/pennyworth" "$PLACE/workspace/debts.py" ||
    { echo "FAILED: the session in $version" >&2; result=1; }
done
exit "$result"
