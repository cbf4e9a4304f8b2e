#!/usr/bin/env bash
# A real keychain (gnome-keyring behind the Secret Service) keeps a key for Pennyworth and gives it back. Leaves with 77 where there is none to be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

skip() { echo "no keychain to test with: $*" >&2; exit 77; }
[ "$(uname)" = Linux ] || skip "this script knows that of Linux"
have() { for tool in secret-tool gnome-keyring-daemon dbus-run-session; do command -v "$tool" >/dev/null || return 1; done; }
if ! have; then
  command -v apt-get >/dev/null || skip "libsecret-tools, gnome-keyring, dbus-daemon"
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo -n)
  "${as_root[@]}" apt-get -qq update || skip "apt-get update"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qqy install --no-install-recommends \
    libsecret-tools gnome-keyring dbus-daemon >/dev/null || skip "apt-get install"
fi

cargo build --quiet -p pennyworth
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
printf '[model.gpt-6-luna]\napi_key_env = "PENNYWORTH_NO_SUCH_KEY"\napi_key_keychain = "openai"\n' >"$home/config.toml"

session() { # in a session of its own with an unlocked keychain
  set -euo pipefail
  echo -n password | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
  local pennyworth="$1" config="$2"
  expect() { # WORDS STATUS: what `check` says of the model, and how it ends
    local said status=0
    said=$("$pennyworth" --config "$config" check) || status=$?
    grep -qF -- "$1" <<<"$said" && [ "$status" = "$2" ] && return
    echo "expected \"$1\" and status $2, got status $status:" >&2
    echo "$said" >&2
    exit 1
  }
  expect 'the keychain has no key `openai`' 1
  [ "$(echo sesame | "$pennyworth" key set openai)" = "stored: openai" ]
  expect 'gpt-6-luna: https://api.openai.com/v1, with a key' 0
  [ "$("$pennyworth" key remove openai)" = "removed: openai" ]
  expect 'the keychain has no key `openai`' 1
  if "$pennyworth" key set 'a b' </dev/null 2>/dev/null; then echo "a name with a blank was taken" >&2; exit 1; fi
}
export -f session
HOME="$home" XDG_RUNTIME_DIR="$home" dbus-run-session -- bash -c 'session "$@"' session "$PWD/${CARGO_TARGET_DIR:-target}/debug/pennyworth" "$home/config.toml" 2>&1 |
  { grep -v 'Failed to set fd limit' || true; }
exit "${PIPESTATUS[0]}"
