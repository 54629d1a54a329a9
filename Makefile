# duet's front door for people. `make demo` and `make test` are all that a newcomer needs; the rest are their parts.
BUILD := build
JOBS ?= $(shell nproc)

.PHONY: help setup build demo test check version-skew bench clean

help:
	@echo "make demo    install what is missing, build, and run the example site"
	@echo "make test    install what is missing, build, and pass every test"
	@echo "make setup   install what is missing"
	@echo "make build   build build/duet and its helpers"
	@echo "make check   formatting, clang-tidy, sanitizers, fuzzers"
	@echo "make version-skew  the cluster's tests with the two minor versions of Kubernetes before the newest"
	@echo "make bench   measure against the peers and write bench/RESULTS.md"

setup:
	@tools/setup.sh

build: setup
	@cmake -S . -B $(BUILD) -G Ninja >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }; rm -f $(BUILD).log
	@ninja -C $(BUILD) -j $(JOBS)

demo: build
	@examples/shop/demo.sh

test: build
	@tests/run.sh $(BUILD)

check:
	@tools/setup.sh check
	@tools/check.sh

version-skew: build
	@tests/version_skew.sh $(BUILD)

bench: build
	@tools/setup.sh bench
	@bench/run.sh

clean:
	rm -rf $(BUILD) build-*
