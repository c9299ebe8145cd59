# SPDX-License-Identifier: Apache-2.0
# What people type.  Everything runs on Debian 14, natively or in a private root (tools/root --help).
.DEFAULT_GOAL := help
.PHONY: run build test bench lint fault fuzz shell exec root-update clean clean-root help

# What ARGS, CMD... hold is passed on as typed, not expanded again by make.
typed = $(value $(1))
export COMMAND = $(call typed,CMD)

run: ## build, then start the server; ARGS="--listen 127.0.0.1:9000 --data DIR"
	@exec tools/root exec -- tools/build -- repartee serve $(call typed,ARGS)

build: ## compile the programs into build/
	@exec tools/root exec -- tools/build

test: ## all tests; ONLY="unit box" picks stages (tools/test --help)
	@exec tools/root exec --role test -- tools/test $(ONLY)

bench: ## medians and 99th percentiles of what people wait for; bench-llm, bench-rag … one of them
	@exec tools/root exec --role test -- tools/build -- tools/bench $(ONLY)

bench-%:
	@exec tools/root exec --role test -- tools/build -- tools/bench $*

lint: ## formatter, include ladder, banned calls, clang-tidy; FIX=1 formats, ONLY=tidy picks
	@exec tools/root exec --role test -- tools/lint $(if $(FIX),--fix) $(ONLY)

fault: ## kills, load and ill-behaved clients in full number; ONLY=name picks one
	@exec tools/root exec --role test -- env FAULT=full BOX="$(ONLY)" tools/test fault

fuzz: ## run the fuzz targets; SECONDS=60 each, or UNTIL=dry; ONLY="http json" picks, JOBS=2 at a time
	@exec tools/root exec --role test -- env JOBS="$(or $(JOBS),1)" tools/fuzz "$(or $(UNTIL),$(SECONDS),60)" $(ONLY)

shell: ## a shell on Debian 14 with the built programs on its PATH
	@exec tools/root exec -- tools/build -- bash

exec: ## one command there: make exec CMD="repartee ask 'How do I add documents?'"
	@exec tools/root exec -- tools/build -- bash -c "$$COMMAND"

root-update: ## newer Debian packages for the private root
	@exec tools/root update

clean: ## remove what was built here
	rm -rf build build-* test/node_modules

clean-root: ## remove the private root and its packages from the cache
	@exec tools/root clean

help:
	@sed -n 's/^\([a-z-]*\): ## /  make \1\t/p' Makefile | expand -t 20
