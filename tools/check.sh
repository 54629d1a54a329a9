#!/usr/bin/env bash
# The checks beyond `make test`: formatting, clang-tidy, the unit tests under sanitizers and under clang, fuzzers for a
# short time. Each part says what it does; the first failure of a part does not hide the next part's.
#   tools/check.sh [format] [tidy] [asan] [tsan] [fuzz]     (none: all)
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
fuzz_seconds=${FUZZ_SECONDS:-30}
parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(format tidy asan tsan fuzz)
failed=()

say() { printf '\ncheck: %s\n' "$*"; }
# Line numbers are what a report needs; with less optimisation half of the compiler's time is saved.
check_flags='-O1 -g1 -DNDEBUG'
sources() { git ls-files 'src/*.cc' 'src/*.h' 'bench/*.cc' 'guests/*.c' 'guests/*.h'; }

# The engine's Rust libraries are the same in every build; the ordinary one makes them.
need_build() {
  [[ -f build/src/engine/libduet_engine_runtime.a ]] || make build
}

check_format() {
  say "clang-format over $(sources | wc -l) files"
  sources | xargs clang-format-19 --dry-run --Werror
}

check_tidy() {
  need_build || return 1
  say "clang-tidy, $jobs at a time"
  cmake -S . -B build-tidy -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_C_COMPILER=clang-19 -DDUET_GUESTS=OFF \
    -DDUET_ENGINE_FROM="$PWD/build" >/dev/null || return 1
  git ls-files 'src/*.cc' | grep -vE '_test\.cc$' | xargs -P "$jobs" -n 4 clang-tidy-19 -p build-tidy --quiet
}

# sanitized NAME SANITIZERS COMPILER: builds and runs the rooms' own tests.
sanitized() {
  need_build || return 1
  say "unit tests with $2, built by $3"
  cmake -S . -B "build-$1" -G Ninja -DDUET_SANITIZE="$2" -DCMAKE_CXX_COMPILER="$3" -DDUET_ENGINE_FROM="$PWD/build" \
    -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="$check_flags" -DDUET_GUESTS=OFF >/dev/null || return 1
  mkdir -p "build-$1" && ln -sfn "$PWD/build/guests" "build-$1/guests"
  ninja -C "build-$1" -j "$jobs" || return 1
  ctest --test-dir "build-$1" -L unit --output-on-failure
}

check_asan() { sanitized asan address,undefined g++; }
check_tsan() { sanitized tsan thread clang++-19; }

check_fuzz() {
  need_build || return 1
  say "fuzzers, $fuzz_seconds s each"
  cmake -S . -B build-fuzz -G Ninja -DDUET_FUZZ=ON -DDUET_SANITIZE=address,undefined -DCMAKE_CXX_COMPILER=clang++-19 \
    -DCMAKE_C_COMPILER=clang-19 -DDUET_GUESTS=OFF -DDUET_ENGINE_FROM="$PWD/build" \
    -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="$check_flags" >/dev/null || return 1
  local targets
  targets=$(ninja -C build-fuzz -t targets all | sed -nE 's/^([a-z0-9_/]*_fuzz): .*(LINKER|phony).*/\1/p' | grep -v '^cmake' | xargs -n1 basename | sort -u)
  for target in $targets; do
    ninja -C build-fuzz -j "$jobs" "$target" || return 1
    local program
    program=$(find build-fuzz -type f -name "$target" -perm -u+x | head -1)
    # What is found is written to the first folder; the inputs that are kept in the tree are only read.
    local corpus=build-fuzz/corpus/$target kept
    kept=$(find src -type d -path "*/corpus/$target")
    mkdir -p "$corpus"
    say "$target, beginning with $kept"
    "$program" -max_total_time="$fuzz_seconds" -print_final_stats=0 -verbosity=0 "$corpus" "$kept" || return 1
  done
}

for part in "${parts[@]}"; do
  "check_$part" || failed+=("$part")
done
if [[ ${#failed[@]} -gt 0 ]]; then
  say "failed: ${failed[*]}"
  exit 1
fi
say "all passed: ${parts[*]}"
