# Bayeslice: every task of a developer, by name. `make` alone lists them.
SHELL := /bin/bash
GTK    = $(shell pkg-config --exists gtk+-3.0 2>/dev/null && echo ,gtk)
TAGS   = migrated_fynedo$(GTK)
BIN   := build/bayeslice
OUT   ?= out/demo
EXAM  ?= out/demo/exam

.DEFAULT_GOAL := help
.PHONY: help setup setup-test setup-dist build demo run test test-race bench lint fuzz soak fmt screenshots dist deb test-deb cross-check test-wine clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## install compiler packages and ONNX Runtime (says what it installs)
	@scripts/setup.sh build

setup-test: ## the same, and what the tests of the window need
	@scripts/setup.sh test

setup-dist: ## the first, and what makes packages, checks and tries them
	@scripts/setup.sh dist

build: setup ## build the program (the first build compiles the window toolkit: about four minutes on two cores)
	@mkdir -p build
	go build -tags $(TAGS) -o $(BIN) .

demo: build ## phantom exam -> DICOM -> reader -> 100 samples of both networks -> maps, JSON, PNG panels; a window where there is a display
	$(BIN) demo -o $(OUT)
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] && [ -z "$$CI" ]; then $(MAKE) --no-print-directory run; else echo "No display: look at the panels in $(OUT); 'make run' opens the window on a machine with one."; fi

run: build ## open the window on the demo's exam (EXAM=path for another)
	@test -e "$(EXAM)" || $(BIN) demo --exam-only -o $(OUT)
	$(BIN) open $(EXAM)

test: setup-test ## all tests; the window's run under Xvfb
	scripts/test.sh

test-race: setup-test ## the tests of concurrent packages under the race detector
	scripts/test.sh -race

bench: setup-test ## compare with the peers that are installed; prints ratios, writes nothing
	scripts/bench.sh

lint: ## gofmt, go vet and golangci-lint at the version pinned in tools/go.mod
	scripts/lint.sh

fuzz: ## every fuzz target for FUZZTIME each (default 30s)
	scripts/fuzz.sh $${FUZZTIME:-30s}

soak: setup-test ## long runs: SOAK exams (default 30) in one process and in one window, stops at random moments, very many files
	BAYESLICE_SOAK=$${SOAK:-30} go test -tags migrated_fynedo -count=1 -timeout 120m -v -run 'TestManyExams|TestStopsAtRandomMoments|TestVeryManyFiles' ./internal/cli ./internal/exam ./app

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

screenshots: build ## draw docs/*.png anew from the phantom
	scripts/screenshots.sh

dist: setup-dist ## build/dist: a folder and a .tar.gz that run without Go, npm or a network (docs/packaging.md)
	scripts/dist.sh

deb: dist ## and a Debian package of it
	scripts/deb.sh

test-deb: deb ## install the package in a fresh Debian and run it there offline; needs root
	scripts/test-deb.sh

cross-check: ## compile for Windows and macOS, as far as that can be done here; installs mingw-w64
	@scripts/setup.sh cross
	scripts/cross-check.sh

test-wine: ## run the Windows program and the tests that need no C under Wine; installs mingw-w64 and wine64
	@scripts/setup.sh wine
	scripts/wine.sh

clean: ## remove what was built and the demo's output (the cache of ONNX Runtime stays)
	rm -rf build out
