#!/usr/bin/env bash
# Installs what duet needs to build, to test and to run on Debian 12, and says what it does. Idempotent: what is there
# is left alone, and with everything there no package index is asked.
#   tools/setup.sh            what `make build`, `make demo` and `make test` need
#   tools/setup.sh check      and what `make check` needs
#   tools/setup.sh bench      and what `make bench` needs
set -euo pipefail

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Compilers and libraries.
build=(g++ cmake ninja-build ccache pkg-config git python3 ca-certificates
  libyaml-dev nlohmann-json3-dev libcli11-dev libsqlite3-dev libarchive-dev zlib1g-dev libssl-dev libcurl4-openssl-dev
  libseccomp-dev libcap-dev libre2-dev libnghttp2-dev libc-ares-dev libgtest-dev libgmock-dev)
# What the guests of examples and tests are made with.
guests=(clang-19 lld-19 llvm-19 wasi-libc libclang-rt-19-dev-wasm32 wabt)
# What a node with containers runs.
node=(runc crun containernetworking-plugins iptables iproute2 golang-github-containers-common)
# What tests and the demo talk to.
peers=(umoci skopeo zstd libcap2-bin busybox-static docker-registry apache2-utils curl jq sqlite3 openssl redis-server procps nghttp2-client golang-go
  python3-kubernetes)

check=(clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev)
bench=(containerd nginx-light wrk nodejs npm libboost1.81-dev)

wanted=("${build[@]}" "${guests[@]}" "${node[@]}" "${peers[@]}")
case "${1:-}" in
  "") ;;
  check) wanted+=("${check[@]}") ;;
  bench) wanted+=("${bench[@]}") ;;
  *) die "unknown part '$1': give none, 'check' or 'bench'" ;;
esac

# A tool that stands in PATH from elsewhere (Node.js of another source, say) needs no package.
provided() {
  case "$1" in
    nodejs) command -v node ;;
    npm) command -v npm ;;
    golang-go) command -v go ;;
    *) dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' ;;
  esac >/dev/null
}

missing=()
for package in "${wanted[@]}"; do
  provided "$package" || missing+=("$package")
done

cargo_is_new_enough() {
  command -v cargo >/dev/null || return 1
  local version
  version=$(cargo --version 2>/dev/null | sed -E 's/^cargo ([0-9]+)\.([0-9]+).*/\1 \2/') || return 1
  read -r major minor <<<"$version"
  [[ $major -gt 1 || ($major -eq 1 && $minor -ge 95) ]]
}
if ! cargo_is_new_enough; then
  say "no cargo of 1.95 or later in PATH: taking Debian's cargo-web"
  missing+=(cargo-web rustc-web)
fi

if [[ ${#missing[@]} -gt 0 ]]; then
  [[ $(id -u) -eq 0 ]] || die "missing packages: ${missing[*]}. Run 'apt-get install ${missing[*]}' as root."
  say "installing ${#missing[@]} packages: ${missing[*]}"
  apt-get update -qq
  # Services that packages bring must not start: duet's tests start what they need themselves.
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -qq "${missing[@]}" >/dev/null
fi

# Rust guests need the WebAssembly targets; without them they are left out, and the build says so.
if command -v rustup >/dev/null; then
  for target in wasm32-wasip1 wasm32-wasip2; do
    if ! rustup target list --installed 2>/dev/null | grep -qx "$target"; then
      say "adding the Rust target $target"
      rustup target add "$target" >/dev/null 2>&1 || say "no Rust target $target: Rust guests will be left out"
    fi
  done
fi
say "everything is in place"
