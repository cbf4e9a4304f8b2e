#!/usr/bin/env bash
# Runs the scripts of .github/workflows/release.yml with the debug server, and with text files in place of the servers for other systems.
# PENNYWORTH_SERVER names a server to use instead of building one. Exits with 77 if a tool is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/tools.bash

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
expect() { # WHAT FOUND EXPECTED
  [ "$2" = "$3" ] && echo "ok: $1" && return
  printf 'FAILED: %s: found\n%s\nexpected\n%s\n' "$@" >&2
  exit 1
}

cat > "$place/CHANGELOG.md" <<'EOT'
# Changelog

## Unreleased

## 1.1.0 - 2026-12-01

### Added

- One line
  and the next, with `code`.
- Another.

### Fixed

- A third.

## [1.0.0] - 2026-11-01

The first.
EOT
expect "the notes of a version" "$(.ci/notes 1.1.0 "$place/CHANGELOG.md")" "### Added

- One line and the next, with \`code\`.
- Another.

### Fixed

- A third."
expect "those of the last one" "$(.ci/notes 1.0.0 "$place/CHANGELOG.md")" "The first."
expect "a version without notes" "$(.ci/notes 1.2.0 "$place/CHANGELOG.md" 2>&1 || echo failed)" "the changelog says nothing of 1.2.0
failed"
version=$(.ci/version)
expect "the tag of another version" "$(.ci/version v0.0.0 2>&1 || echo failed)" "the tag says v0.0.0, Cargo.toml $version
failed"

server
.ci/try "$server"
need python3

for target in x86_64-unknown-linux-musl/pennyworth x86_64-pc-windows-msvc/pennyworth.exe; do
  mkdir -p "$place/servers/${target%/*}"
  echo "a server for $target" > "$place/servers/$target"
done
.ci/package "$place/servers" "$place/out" >/dev/null
cd "$place/out"
expect "what is packed" "$(printf '%s\n' *)" "SHA256SUMS
pennyworth-$version-alpine-x64.vsix
pennyworth-$version-linux-x64.vsix
pennyworth-$version-win32-x64.vsix
pennyworth-$version-x86_64-pc-windows-msvc.zip
pennyworth-$version-x86_64-unknown-linux-musl.tar.gz
pennyworth-$version.vsix"
sha256sum --check --quiet SHA256SUMS
expect "checksums" "$(wc -l < SHA256SUMS)" 6
name=pennyworth-$version-x86_64-unknown-linux-musl
tar xf "$name.tar.gz"
expect "an archive" "$(cd "$name" && printf '%s\n' *)" "CHANGELOG.md
LICENSE-APACHE
LICENSE-MIT
README.md
pennyworth"
[ -x "$name/pennyworth" ]
inside() { python3 -m zipfile --list "$1" | awk '/pennyworth(\.exe)? / { print $1 }'; }
expect "the archive for Windows" "$(inside "pennyworth-$version-x86_64-pc-windows-msvc.zip")" "pennyworth-$version-x86_64-pc-windows-msvc/pennyworth.exe"
expect "the extension for Alpine" "$(inside "pennyworth-$version-alpine-x64.vsix")" extension/server/linux-x64/pennyworth
expect "the extension for Windows" "$(inside "pennyworth-$version-win32-x64.vsix")" extension/server/win32-x64/pennyworth.exe
expect "the extension for any system" "$(inside "pennyworth-$version.vsix")" ""
