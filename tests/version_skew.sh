#!/usr/bin/env bash
# The cluster's tests with the control planes of older minor versions, which tests/control_plane/v1.N.mod name:
#   version_skew.sh BUILD_FOLDER
# Builds each of them once (about 10 minutes on 2 cores). Ends with a table, and with success if everything passed.
set -uo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "${1:?usage: version_skew.sh BUILD_FOLDER}")
export DUET_BUILD_DIR=$build DUET_SOURCE_DIR=$PWD
suites=(cluster_client cluster_site cluster_network_site cluster_route_site kubelet_site top_site)
rows=()
failed=0

for modules in tests/control_plane/v1.*.mod; do
  name=$(basename "$modules" .mod)
  version=$(sed -nE 's|^\s*k8s.io/kubernetes (v[0-9.]+)$|\1|p' "$modules")
  printf 'version_skew: building the control plane of %s\n' "$version"
  export DUET_CONTROL_PLANE=$build/control_plane-$name
  tests/control_plane/build.sh "$DUET_CONTROL_PLANE" "$name.mod" || { failed=1; continue; }
  for suite in "${suites[@]}"; do
    printf 'version_skew: %s with %s\n' "$suite" "$version"
    python3 -B "tests/${suite}_test.py" -v 2>&1 | tee "$build/$name-$suite.log"
    [[ ${PIPESTATUS[0]} -eq 0 ]] || failed=1
    rows+=("| $version | $suite | $(tail -1 "$build/$name-$suite.log") |")
  done
done
printf '| API server | suite | result |\n| --- | --- | --- |\n'
printf '%s\n' "${rows[@]}"
exit "$failed"
