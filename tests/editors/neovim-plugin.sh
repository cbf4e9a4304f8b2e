#!/usr/bin/env bash
# The plugin in real Neovims, a current one and 0.10: before a server that says what the test wants, then before ours.
# Transcripts go to target/editors/neovim. Leaves with 77 where none of the two can be had.
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
    versions+=("target/editors/$folder/usr/bin/nvim")
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
for nvim in "${versions[@]}"; do
  nvim=$PWD/$nvim
  for test in "$HERE"/plugin*.lua; do
    # A home and a workspace of its own for each, so that no test finds what another one left.
    export PLACE=$place/$((++count))
    export HOME=$PLACE XDG_{CONFIG,STATE,DATA,CACHE}_HOME="$PLACE/xdg" NVIM_LOG_FILE=$PLACE/nvim.log
    mkdir -p "$PLACE/workspace/.git"
    cp "$HERE/orders.py" "$PLACE/workspace/"
    echo "-- $(basename "$test") in $("$nvim" --version | head -1)"
    timeout 120 "$nvim" --clean --headless -l "$test" || { echo "FAILED: $(basename "$test") in $nvim" >&2; result=1; }
  done
done
exit "$result"
