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

# get <what> <requirements> <package>...: the newest that these requirements allow.
get() {
    local what=$1 requirements=$2
    shift 2
    printf 'module nodes\n\ngo 1.24\n\nrequire (\n%s\n)\n' "$requirements" >"$work/go.mod"
    # Some modules reach into the runtime, which newer linkers refuse unless told otherwise.
    if (cd "$work" && GOFLAGS=-mod=mod go build -ldflags=-checklinkname=0 -o "$folder/" "$@") >"$log" 2>&1; then
        echo "built: $what"
    else
        echo "skipped: $what is not to be had: $(grep -v downloading "$log" | head -n 1)"
    fi
}

ethereum=github.com/ethereum/go-ethereum
kaia=github.com/kaiachain/kaia
[ -x "$folder/geth" ] || get "geth $GETH" "$ethereum $GETH" "$ethereum/cmd/geth"
# The blst that Kaia names does not build with Go 1.24 and later.
[ -x "$folder/kscn" ] || get "Kaia's nodes $KAIA" "$kaia $KAIA
github.com/supranational/blst v0.3.15" "$kaia/cmd/homi" "$kaia/cmd/kcn" "$kaia/cmd/kscn"
