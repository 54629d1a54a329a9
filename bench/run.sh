#!/usr/bin/env bash
# Measures duet beside its peers in one run and writes bench/RESULTS.md. Takes about 25 minutes on 2 cores, and 10 more the
# first time, because wasmtime's command line has to be built. Traffic stays on loopback and in namespaces made here.
#   bench/run.sh            everything
#   WASMTIME=... WORKERD=...  programs to take instead of building or installing them
set -euo pipefail
cd "$(dirname "$0")/.."
build=$PWD/build
peers=$build/bench
mkdir -p "$peers"
[[ $(id -u) -eq 0 ]] || { echo "bench: containers and pinning need root" >&2; exit 1; }
say() { printf 'bench: %s\n' "$*"; }

if [[ -z ${WASMTIME:-} ]]; then
  WASMTIME=$peers/bin/wasmtime
  if [[ ! -x $WASMTIME ]]; then
    say "building wasmtime's command line, 48.x (some 10 minutes)"
    CARGO_TARGET_DIR=$peers/target cargo install wasmtime-cli --version 48.0.8 --locked --no-default-features \
      --features serve,run,compile,cranelift,component-model,component-model-async,pooling-allocator,wasi-http --root "$peers"
  fi
fi
if [[ -z ${WORKERD:-} ]]; then
  WORKERD=$peers/node_modules/workerd/bin/workerd
  [[ -e $WORKERD ]] || { say "installing workerd"; npm install --silent --prefix "$peers" workerd; }
fi
if [[ ! -e build/guests/js_handler.wasm ]]; then
  say "building the JavaScript handler"
  mkdir -p "$peers/js"
  cp guests/js/* "$peers/js"
  (cd "$peers/js" && npm ci --silent)
  build/guests.work/componentize wasi --out "$peers/wasi"
  node "$peers/js/build.mjs" "$peers/wasi" guests/js/js_handler.js build/guests/js_handler.wasm
fi
(cd bench/starts && go build -o "$peers/starts" .)
ninja -C build gateway_bench_setup engine_bench beast_server >/dev/null

say "HTTP: the gateway beside nginx, wasmtime serve and workerd"
WASMTIME=$WASMTIME WORKERD=$WORKERD bench/gateway.sh build "${SECONDS_EACH:-5}" | tee "$peers/http.txt"
say "in process: whole requests"
in_process() { # name guest requests [how]
  [[ -e $build/guests/$2.wasm ]] || return 0
  "$build/duet-compile" <"$build/guests/$2.wasm" >"$peers/$2.code"
  echo "$1"
  taskset -c 0 "$build/engine_bench" "$peers/$2.code" "${@:3}"
}
{
  in_process "tiny C" hello_handler 100000
  in_process Rust rust_handler 100000
  in_process "Rust, WASI 0.3" rust_service 100000
  in_process "Rust, WASI 0.3, one sandbox" rust_service 100000 again
  in_process JavaScript js_handler 3000
} | tee "$peers/engine.txt"
say "starts, containers, memory"
WASMTIME=$WASMTIME python3 -B bench/measure.py "$build" "$peers" | tee "$peers/measured.txt"
say "a node of a cluster, beside the kubelet with containerd"
if [[ ! -x $peers/control_plane/kubelet ]]; then
  say "building the kubelet (a minute, after the control plane of the tests)"
  tests/control_plane/build.sh "$peers/control_plane" go.mod kubelet
fi
python3 -B bench/cluster_node.py "$build" | tee "$peers/cluster.txt"
python3 -B bench/report.py "$peers" >bench/RESULTS.md
say "wrote bench/RESULTS.md"
