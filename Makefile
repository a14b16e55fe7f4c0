# SPDX-License-Identifier: Apache-2.0
# Forwards to meson. Variables: BUILD (folder), CC and MESON_ARGS (at the first setup), SECONDS, BENCH.

BUILD ?= build
MESON_ARGS ?=
SECONDS ?= 3600
BENCH ?=
TEXT ?= /usr/share/common-licenses/GPL-3

all: deps $(BUILD)/build.ninja ## build into build/
	@ninja -C '$(BUILD)' product

demo: all ## count the words of a text with two workers
	'$(BUILD)'/waxrun --procs 2 '$(BUILD)'/examples/wordcount.so -- --in '$(TEXT)' > '$(BUILD)'/words
	@sort -k2,2nr '$(BUILD)'/words | head

check: $(BUILD)/.tests all ## build and run every test
	@meson test -C '$(BUILD)' --print-errorlogs

bench: all ## measure wax beside loops by hand; writes bench/RESULTS.md (BENCH=--quick: two minutes)
	@ninja -C '$(BUILD)' waxbench-native >&2
	@'$(BUILD)'/waxbench-native $(BENCH) --markdown bench/RESULTS.md \
		--commit "$$(git describe --always --dirty 2>/dev/null || echo unknown)" all

soak: $(BUILD)/.tests all ## run all that seeds decide for SECONDS (3600), with new seeds
	@meson test -C '$(BUILD)' --suite property --suite sim --suite stress --quiet
	@BUILD='$(abspath $(BUILD))' tests/property/soak.sh '$(SECONDS)'

html: all deps-html ## make the documentation as HTML, build/html/index.html
	@docs/html/build '$(BUILD)' '$(BUILD)/html'
	@echo '$(BUILD)/html/index.html'

install: all ## install below prefix (DESTDIR is honoured)
	@meson install -C '$(BUILD)' --no-rebuild

clean: ## remove the build folder
	rm -rf '$(BUILD)'

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{ printf "  make %-8s %s\n", $$1, $$2 }' '$(firstword $(MAKEFILE_LIST))'

deps deps-check deps-html:
	@tools/deps '$(or $(patsubst deps-%,%,$(filter deps-%,$@)),build)'

$(BUILD)/build.ninja: | deps
	@meson setup '$(BUILD)' $(MESON_ARGS)

$(BUILD)/.tests: $(BUILD)/build.ninja | deps-check
	@meson configure '$(BUILD)' -Dtests=enabled && touch '$@'

.NOTPARALLEL:
.PHONY: all demo check bench soak html install clean help deps deps-check deps-html
