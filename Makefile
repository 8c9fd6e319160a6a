# Gridgate. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

WEB      := central/console/web
DIST     := central/console/dist/index.html
WEB_SRC  := $(shell find $(WEB) -type f -not -path '*/node_modules/*' 2>/dev/null)
VERSION  := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
GOBUILD  := go build -ldflags "-X main.version=$(VERSION)"
SETUP    := deploy/setup
ROUNDS   ?= 25
SEED     ?= 0
WEEK     ?= 1000000
SOAK     ?= 30m

.PHONY: help build console run test check-web check-go e2e lint bench faults soak footage screenshots clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: console ## build gridgate-edge, gridgate-central and the demonstration into bin/
	@echo "build: gridgate-edge, gridgate-central, demo (the first time takes a few minutes)"
	@$(GOBUILD) -o bin/ ./edge/cmd/gridgate-edge ./central/cmd/gridgate-central ./deploy/demo

console: $(DIST) ## build the operator's console

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	@cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(DIST): $(WEB)/node_modules/.package-lock.json $(WEB_SRC)
	@cd $(WEB) && npm run --silent build
	@touch $@

run: ## start the demonstration township; CAMERA=rtsp://user:pass@host/stream or FOOTAGE=file.mp4 for your own picture
	@$(SETUP)/install.sh run
	@$(SETUP)/footage.sh $(if $(FOOTAGE),"$(FOOTAGE)") > /dev/null
	@$(MAKE) --no-print-directory build
	@mapfile -t footage < <($(SETUP)/footage.sh $(if $(FOOTAGE),"$(FOOTAGE)")); \
	exec bin/demo --footage "$${footage[0]}" $(if $(FOOTAGE),--play "$${footage[1]}") $(if $(CAMERA),--camera "$(CAMERA)")

test: ## everything that proves the project: unit, contract, race, fuzz seeds, end to end with real processes and a browser
	@$(SETUP)/install.sh test
	@$(MAKE) --no-print-directory check-web check-go e2e

check-web: console
	@cd $(WEB) && npm run --silent typecheck && npm test --silent

check-go: console
	@go vet ./...
	@go test -race -timeout 10m $$(go list ./... | grep -v /deploy/e2e)

e2e: build
	@$(SETUP)/footage.sh > /dev/null
	@go test -race -count=1 -timeout 10m ./deploy/e2e/...

lint: console ## formatting, vet, staticcheck, shell syntax
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	@go vet ./...
	@go run honnef.co/go/tools/cmd/staticcheck@v0.7.0 ./...
	@for f in $(SETUP)/*.sh .ci/run; do bash -n $$f; done

bench: ## measure beside a peer or a physical limit; NAME=group for one; writes .run/bench.json
	@$(SETUP)/install.sh bench
	@$(SETUP)/footage.sh > /dev/null
	@$(MAKE) --no-print-directory build
	@mkdir -p .run
	@go run ./deploy/bench NAME=$(NAME)

faults: ## do to edge and central what goes wrong at night, ROUNDS times, and compare ledgers; SEED=n again, WEEK=n alerts, DISK=no CLOCK=no
	@$(SETUP)/install.sh test
	@$(MAKE) --no-print-directory build
	@$(SETUP)/footage.sh > /dev/null
	@go run ./deploy/faults -rounds $(ROUNDS) -seed $(SEED) -week $(WEEK) -disk=$(if $(filter no,$(DISK)),false,true) \
		-clock=$(if $(filter no,$(CLOCK)),false,true) -clip "$$($(SETUP)/footage.sh)/quiet.h264"

soak: ## run the township for SOAK (30m) and watch memory, goroutines and queues
	@$(SETUP)/install.sh run
	@$(SETUP)/footage.sh > /dev/null
	@$(MAKE) --no-print-directory build
	@go run ./deploy/soak -for $(SOAK) -clip "$$($(SETUP)/footage.sh)/square.h264"

footage: ## fetch the real footage into the cache and print where it is
	@$(SETUP)/install.sh run
	@$(SETUP)/footage.sh

screenshots: ## refresh the pictures in the README from a running demonstration
	@$(SETUP)/install.sh test
	@$(SETUP)/footage.sh > /dev/null
	@$(MAKE) --no-print-directory build
	@go run ./deploy/e2e/screenshots -footage "$$($(SETUP)/footage.sh)"

clean: ## remove what was built; the demonstration's state in .run stays
	@rm -rf bin $(WEB)/node_modules
	@find central/console/dist -mindepth 1 -not -name .keep -delete
