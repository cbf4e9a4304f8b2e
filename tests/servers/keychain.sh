#!/usr/bin/env bash
# A real keychain (gnome-keyring behind the Secret Service) stores a key for Pennyworth and returns it. Exits with 77 if there is none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/tools.bash

[ "$(uname)" = Linux ] || skip "this script needs Linux"
need secret-tool libsecret-tools
need gnome-keyring-daemon gnome-keyring
need dbus-run-session dbus-daemon
server
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
printf '[model.gpt-6-luna]\napi_key_env = "PENNYWORTH_NO_SUCH_KEY"\napi_key_keychain = "openai"\n' >"$home/config.toml"

# shellcheck disable=SC2329 # Another shell calls it.
session() { # in a session of its own with an unlocked keychain
  set -euo pipefail
  echo -n password | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
  local pennyworth="$1" config="$2"
  expect() { # WORDS STATUS: what `check` must say of the model, and its exit status
    local said status=0
    said=$("$pennyworth" --config "$config" check) || status=$?
    grep -qF -- "$1" <<<"$said" && [ "$status" = "$2" ] && return
    echo "expected \"$1\" and status $2, got status $status:" >&2
    echo "$said" >&2
    exit 1
  }
  expect 'the keychain has no key `openai`' 1
  [ "$(echo sesame | "$pennyworth" key set openai)" = "stored: openai" ]
  expect 'gpt-6-luna: https://api.openai.com/v1, code leaves this machine, with a key' 0
  [ "$("$pennyworth" --config "$config" key list)" = "openai: stored, for gpt-6-luna" ]
  [ "$("$pennyworth" key remove openai)" = "removed: openai" ]
  [ "$("$pennyworth" --config "$config" key list)" = "openai: not stored, for gpt-6-luna" ]
  expect 'the keychain has no key `openai`' 1
  if "$pennyworth" key set 'a b' </dev/null 2>/dev/null; then echo "a name with a blank was taken" >&2; exit 1; fi
}
export -f session
HOME="$home" XDG_RUNTIME_DIR="$home" dbus-run-session -- bash -c 'session "$@"' session "$server" "$home/config.toml" 2>&1 |
  { grep -v 'Failed to set fd limit' || true; }
exit "${PIPESTATUS[0]}"
