#!/usr/bin/env bash
# A real Emacs in a terminal starts the debug server by the settings of editors/README.md, with eglot and with lsp-mode: types, sees, takes.
# PENNYWORTH_SERVER names a server to use instead of building one. Leaves with 77 where no Emacs can be had.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."

skip() { echo "SKIPPED: $*" >&2; exit 77; }

emacs=$PWD/target/editors/emacs
works() { [ -x "$emacs/usr/bin/emacs-nox" ] && "$emacs/usr/bin/emacs-nox" --version >/dev/null 2>&1; }
works || "$here/debian-suite" target/editors/emacs sid usr/bin/emacs-nox emacs-nox elpa-lsp-mode elpa-company || true
works || skip "no Emacs could be unpacked"
if ! command -v tmux >/dev/null; then
  { [ "$(id -u)" = 0 ] && apt-get -qq update && apt-get -qqy install --no-install-recommends tmux; } >/dev/null 2>&1 || skip "tmux is missing"
fi
command -v python3 >/dev/null || skip "python3 is missing"

server=${PENNYWORTH_SERVER:-}
if [ -z "$server" ]; then
  cargo build --quiet -p pennyworth
  server=$PWD/target/debug/pennyworth
fi
"$emacs/usr/bin/emacs-nox" --version 2>/dev/null | head -1
exec timeout 120 python3 "$here/emacs/run.py" "$emacs" "$(realpath "$server")" target/editors/emacs-seen
