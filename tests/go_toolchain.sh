#!/usr/bin/env bash
# Prints the path of a `go` of at least the version given: the one in PATH, or else the toolchain that Go's project
# gives out as a module, which any Go since 1.16 can download and holds against the public checksum database.
#   go_toolchain.sh 1.26.0
set -euo pipefail
wanted=${1:?usage: go_toolchain.sh VERSION}
toolchain=1.26.8

at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -1) == "$2" ]]; }

have=$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//')
if at_least "$have" "$wanted"; then
  command -v go
  exit
fi
at_least "$toolchain" "$wanted" || { printf 'go_toolchain: Go %s is wanted, name a newer toolchain here\n' "$wanted" >&2; exit 1; }
case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) printf 'go_toolchain: no toolchain for %s\n' "$(uname -m)" >&2; exit 1 ;;
esac
printf 'go_toolchain: Go %s is too old, taking %s\n' "$have" "$toolchain" >&2
folder=$(GOFLAGS='' go mod download -json "golang.org/toolchain@v0.0.1-go$toolchain.linux-$architecture" |
  sed -nE 's/^\s*"Dir": "(.*)",?$/\1/p')
# Modules are kept without the right to execute.
chmod -R u+x "$folder/bin" "$folder"/pkg/tool
printf '%s\n' "$folder/bin/go"
