#!/usr/bin/env bash
# Real llama.cpp servers fill in the middle for Pennyworth: what is shown, counted, cached and cancelled. Exits with 77 if not available.
source "$(dirname "${BASH_SOURCE[0]}")/serve.bash"

llamacpp fills
llamacpp slow
llamacpp plain
ask llamacpp_
