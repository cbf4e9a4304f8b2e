#!/usr/bin/env bash
# The page of `pennyworth dashboard` in a real headless Chromium: what it shows, asks for and does, in both themes, wide and narrow. Also compares the
# vendored charts with their package. PENNYWORTH_SERVER names a program to use instead of building one. PAGE names a page, such as one that
# dashboard-eval made: then only the time of drawing it is printed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
source tests/tools.bash
lab=$PWD/target/editors/dashboard
mkdir -p "$lab"

CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
[ -n "$CHROMIUM" ] || need chromium chromium fonts-dejavu-core
export CHROMIUM=${CHROMIUM:-$(command -v chromium)}
node24
[ -e "$lab/node_modules/playwright-core" ] || {
  echo '{"private":true}' > "$lab/package.json"
  npm --prefix "$lab" install --loglevel error --ignore-scripts playwright-core@1 || skip "playwright could not be installed"
}
[ -z "${PAGE:-}" ] || exec node "$here/dashboard/run.mjs" "$lab" --time "$(realpath "$PAGE")"

# The package by its checksum, and our files by the package's.
assets=server/lsp/assets/uplot
value() { sed -n "s/^$1 = \"\(.*\)\"$/\1/p" "$assets/package.toml"; }
rm -rf "$lab/package" "$lab"/*.tgz
npm pack --silent --pack-destination "$lab" "$(value package)@$(value version)" >/dev/null || skip "the package of the charts could not be fetched"
[ "sha512-$(openssl dgst -sha512 -binary "$lab"/*.tgz | base64 -w0)" = "$(value integrity)" ] || { echo "the package has another checksum than $assets/package.toml" >&2; exit 1; }
tar -xzf "$lab"/*.tgz -C "$lab"
cmp "$lab/package/LICENSE" "$assets/LICENSE"
for file in uPlot.iife.min.js uPlot.min.css; do cmp "$lab/package/dist/$file" "$assets/$file"; done
echo "ok: the vendored charts are those of their package"

server
# With the features of the tests, which are built already.
cargo build --quiet --workspace --bin dashboard-eval
# The page and what it is compared with must be of the same day.
while [[ $(date +%H:%M) = 23:5[89] ]]; do sleep 5; done
exec timeout 300 node "$here/dashboard/run.mjs" "$lab" "$server" "${CARGO_TARGET_DIR:-target}/debug/dashboard-eval"
