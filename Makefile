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
PROGRAMS := ./edge/cmd/... ./central/cmd/...
ROUNDS   ?= 25
SEED     ?= 0
WEEK     ?= 1000000
SOAK     ?= 30m
# SQLite is C, translated: what the race detector says of it is of no use, and it is four fifths of the time of a test that stores.
RACE     := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false

.PHONY: help build console run test check-web check-go e2e lint check-threats licences bench faults soak footage screenshots check-upgrade release packages check-guides check-install check-helm clean check-restore

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
	@go test $(RACE) -timeout 30m $$(go list ./... | grep -v /deploy/e2e)

e2e: build
	@$(SETUP)/footage.sh > /dev/null
	@go test $(RACE) -count=1 -parallel 6 -timeout 45m ./deploy/e2e/... # those that only wait, side by side

lint: console ## formatting, vet, staticcheck, licences, known vulnerabilities, shell syntax
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	@go vet ./...
	@go run honnef.co/go/tools/cmd/staticcheck@v0.7.0 ./...
	@go run ./deploy/licences -check deploy/LICENCES.md $(PROGRAMS)
	@$(SETUP)/vulnerabilities.sh
	@for f in $(SETUP)/*.sh .ci/run; do bash -n $$f; done

check-threats: build ## run the test of every threat in deploy/SECURITY.md
	@$(SETUP)/install.sh test
	@$(SETUP)/footage.sh > /dev/null
	@$(SETUP)/threats.sh

licences: ## list what the programs are made of, and under which licences, in deploy/LICENCES.md
	@go run ./deploy/licences $(PROGRAMS) > deploy/LICENCES.md

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

check-restore: ## back central up under load, destroy it, restore it and compare, on both stores; ALERTS=n PICTURES=n
	@$(SETUP)/install.sh test
	@$(MAKE) --no-print-directory build
	@go run ./deploy/restore -alerts $(or $(ALERTS),200000) -pictures $(or $(PICTURES),2000)

soak: ## run the township for SOAK (30m) and watch memory, goroutines and queues
	@$(SETUP)/install.sh run
	@$(SETUP)/footage.sh > /dev/null
	@$(MAKE) --no-print-directory build
	@go run ./deploy/soak -for $(SOAK) -clip "$$($(SETUP)/footage.sh)/square.h264"

check-upgrade: console ## take a township from FROM (the last tag) to this tree and on to signed builds, good and bad, and back; nothing is lost
	@go run ./deploy/upgrade -from "$(FROM)"

release: console ## build and sign the edge for VERSION (a number) into dist/; KEY=secret key, PASSWORD=file that holds its password
	@mkdir -p dist
	@for arch in amd64 arm64; do \
		GOOS=linux GOARCH=$$arch CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(patsubst v%,%,$(VERSION))" -o dist/$$arch/ ./edge/cmd/gridgate-edge; \
		go run ./deploy/release sign --key "$(KEY)" --password-file "$(PASSWORD)" --version "$(VERSION)" --platform linux-$$arch \
			--out dist/gridgate-edge_$(patsubst v%,%,$(VERSION))_linux-$$arch.tar dist/$$arch/gridgate-edge; \
	done

footage: ## fetch the real footage into the cache and print where it is
	@$(SETUP)/install.sh run
	@$(SETUP)/footage.sh

screenshots: ## refresh the pictures in the README from a running demonstration
	@$(SETUP)/install.sh test
	@$(SETUP)/footage.sh > /dev/null
	@$(MAKE) --no-print-directory build
	@go run ./deploy/e2e/screenshots -footage "$$($(SETUP)/footage.sh)"

packages: console ## build the Debian packages of both programs, amd64 and arm64, into dist/
	@deploy/packages/build.sh dist

check-guides: packages ## follow the guides in a fresh Debian, from the packages to a case on the console (as root); ZH=1: the Chinese ones
	@$(SETUP)/install.sh test
	@$(SETUP)/install.sh install
	@deploy/guides/check.sh dist .run/guides.png

check-install: packages check-helm ## install the packages in a fresh Debian with its own systemd, use and purge them (as root)
	@$(SETUP)/install.sh install
	@deploy/packages/check.sh dist

check-helm: ## render, lint and decode the chart, compose.yaml and the Dockerfile with their engines' own parsers
	@cd deploy/compose/test && go vet ./... && go test ./...
	@cd deploy/helm/test && go vet ./... && go test ./...

clean: ## remove what was built; the demonstration's state in .run stays
	@rm -rf bin dist $(WEB)/node_modules
	@find central/console/dist -mindepth 1 -not -name .keep -delete
