#!/usr/bin/env bash
# Builds nodes of other makes into the folder given, as far as this machine lets it; says what it could not get.
set -uo pipefail

folder=$(mkdir -p "$1" && cd "$1" && pwd)
GETH=v1.16.7
KAIA=v1.0.3

if ! command -v go >/dev/null 2>&1; then
    echo "skipped: geth and Kaia's nodes need Go, which is not installed"
    exit 0
fi

log=$(mktemp)
work=$(mktemp -d)
trap 'rm -rf "$log" "$work"' EXIT

# get <what> <module> <version> <package>...: the module's own go.mod decides what it is built from.
get() {
    local what=$1 module=$2 version=$3
    shift 3
    printf 'module nodes\n\ngo 1.24\n\nrequire %s %s\n' "$module" "$version" >"$work/go.mod"
    if (cd "$work" && GOFLAGS=-mod=mod go build -o "$folder/" "$@") >"$log" 2>&1; then
        echo "built: $what $version"
    else
        echo "skipped: $what $version is not to be had: $(grep -v downloading "$log" | head -n 1)"
    fi
}

[ -x "$folder/geth" ] || get geth github.com/ethereum/go-ethereum "$GETH" github.com/ethereum/go-ethereum/cmd/geth
