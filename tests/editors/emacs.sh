#!/usr/bin/env bash
# A real Emacs in a terminal starts the debug server by the settings of editors/README.md, with eglot and with lsp-mode: types, sees, accepts.
# PENNYWORTH_SERVER names a server to use instead of building one. Exits with 77 without an Emacs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
source tests/tools.bash

emacs=$PWD/target/editors/emacs
works() { [ -x "$emacs/usr/bin/emacs-nox" ] && "$emacs/usr/bin/emacs-nox" --version >/dev/null 2>&1; }
works || "$here/debian-suite" target/editors/emacs sid usr/bin/emacs-nox emacs-nox elpa-lsp-mode elpa-company || true
works || skip "no Emacs could be unpacked"
need tmux
need git
need python3

server
"$emacs/usr/bin/emacs-nox" --version 2>/dev/null | head -1
exec timeout 600 python3 "$here/emacs/run.py" "$emacs" "$server" target/editors/emacs-seen
