#!/usr/bin/env bash
# A real VS Code (code-server in a headless Chromium) with the packed extension and the debug server in it: types, sees ghost text, accepts it.
# PENNYWORTH_SERVER names a server to use instead of building one. Exits with 77 if the editor is not available.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
source tests/tools.bash
root=$PWD lab=$PWD/target/editors/code

# lab FOLDER VERSION [PACKAGE...]: installs a version of code-server without install scripts, so that nothing is compiled. It replaces the
# native parts: the logger, and (in old versions) password hashing, which no test uses.
lab() {
  local folder=$1 version=$2
  shift 2
  [ "$(cat "$folder/whole" 2>/dev/null)" != "$version $*" ] || return 0
  rm -rf "$folder" && mkdir -p "$folder"
  echo '{"private":true}' > "$folder/package.json"
  npm --prefix "$folder" install --loglevel error --ignore-scripts "code-server@$version" "$@" || return 1
  local inner=$folder/node_modules/code-server/lib/vscode
  npm --prefix "$inner" install --loglevel error --ignore-scripts --omit=dev --legacy-peer-deps || return 1
  # TypeScript, whose problems a test mends.
  npm --prefix "$inner/extensions" install --loglevel error --ignore-scripts --omit=dev || return 1
  cp "$here/vscode/spdlog.cjs" "$inner/node_modules/@vscode/spdlog/index.js"
  local passwords=$folder/node_modules/argon2/argon2.js
  [ ! -e "$passwords" ] || echo 'module.exports = {};' > "$passwords"
  echo "$version $*" > "$folder/whole"
}

CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
[ -n "$CHROMIUM" ] || need chromium chromium fonts-dejavu-core
export CHROMIUM=${CHROMIUM:-$(command -v chromium)}
need python3
node24
{ lab "$lab" 4.139.1 playwright-core@1 && lab "$lab-old" 4.93.1; } || skip "VS Code could not be installed"
# A script of the old version's package would download the search program; the current package contains it.
search=$lab/node_modules/code-server/lib/vscode/node_modules/@vscode/ripgrep-universal/bin/linux-x64/rg
"$search" --version >/dev/null || skip "VS Code has nothing to search with"
mkdir -p "$lab-old/node_modules/code-server/lib/vscode/node_modules/@vscode/ripgrep/bin"
ln -sf "$search" "$lab-old/node_modules/code-server/lib/vscode/node_modules/@vscode/ripgrep/bin/rg"

server
cd editors/vscode
npm ci --loglevel error
npm test --silent
mkdir -p "$root/target/editors/vscode"
vsix=$root/target/editors/vscode/pennyworth.vsix
npm run --silent package -- "$server" linux-x64 "$vsix" >/dev/null
exec timeout 900 node "$here/vscode/run.mjs" "$lab" "$lab-old" "$vsix" "$root/target/editors/vscode"
