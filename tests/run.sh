#!/usr/bin/env bash
# Runs every test of a build folder and ends with one line: N passed, N failed.
set -uo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: tests/run.sh BUILD_FOLDER}
results=$PWD/$build/test-results
rm -rf "$results" && mkdir -p "$results"

printf 'test: running the tests of %s; those of whole nodes need root\n' "$build"
printf 'test: the control plane of the cluster tests takes some minutes to build, once\n'
cmake --build "$build" --target control_plane || printf 'test: no control plane: the cluster tests will fail\n'
GTEST_OUTPUT="xml:$results/" ctest --test-dir "$build" --output-on-failure --output-junit "$results/ctest.junit" --timeout 900
tests/count.py "$results" $?
