# aiwork-node: targets a user needs. A bare machine has git, make and Go >= 1.26.8; nothing else is asked for.
SHELL       := /bin/bash
export CGO_ENABLED := 0
GO          ?= go
VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS     := -s -w -buildid= -X main.version=$(VERSION)
BUILD       := $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'
BIN         := build/aiwork-node
FUZZSECONDS ?=
SEEDS       ?= 5000
DATA        ?= devnet-data

.PHONY: build static faulty demo devnet test check short bench evm-bench contracts soak fuzz fmt docs licences clean help

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

build: ## build build/aiwork-node (reproducible: same commit, same bytes)
	$(BUILD) -o $(BIN) ./cmd/aiwork-node

static: ## build build/aiwork-node-static: without devices (OpenCL), fully static
	$(BUILD) -tags nogpu -o $(BIN)-static ./cmd/aiwork-node

faulty: ## build a worker that lies on purpose, for tests of the audit only
	$(BUILD) -tags faulty -o build/aiwork-node-faulty ./cmd/aiwork-node

demo: build ## run a local network with a real AI job: submitted, run, checked and paid
	$(BIN) devnet demo --dir $(DATA)

devnet: build ## run a local network in the foreground; Ctrl-C stops it
	$(BIN) devnet start --dir $(DATA)

# Tests that run whole networks come last and alone, so that they have the machine to themselves.
NETWORKS := ./testnet/...
test: ## run the tests (under 15 minutes on 2 cores)
	$(GO) vet ./...
	$(GO) test -timeout 15m $$($(GO) list ./... | grep -v /testnet)
	$(GO) test -timeout 25m -p 1 $(NETWORKS)

check: ## format, vet, staticcheck, architecture, short tests, short simulation (under 3 minutes, warm cache)
	@.ci/check

bench: build ## run the benchmarks and the devnet's load figures
	$(GO) test -run '^$$' -bench . -benchtime 1s ./crypto/... ./internal/... ./ledger/... ./mempool/... ./compute/... ./consensus/...
	$(BIN) bench

evm-bench: ## run benchmark contracts on our machine and go-ethereum's in turn and print the ratios of times
	$(GO) test -C tools/evmdiff -count 1 -run 'TestRatios' -v . -args -rounds 15

contracts: ## compile the Solidity of contracts/ anew (needs Node >= 20 and npm)
	npm ci --no-audit --no-fund --ignore-scripts --prefix contracts
	node contracts/compile.mjs

soak: build ## long runs: every 32-bit input of the unary functions, 10^6 EVM programs, 100,000 simulator seeds, long chaos
	AIWORK_SOAK=1 $(GO) test -timeout 6h -tags soak ./compute/kernel/... ./compute/soft ./compute/gguf/... ./compute/lm
	AIWORK_SOAK=1 $(GO) test -timeout 2h -run TestDrawnOperators -v ./compute/device
	$(GO) test -C tools/evmdiff -timeout 6h -run TestPrograms -v . -args -programs 1000000 -seed 1000000
	$(BIN) sim consensus --seeds 100000 --nodes 7
	$(BIN) testnet chaos --kills 200 --dir build/soak-chaos

fuzz: ## run every fuzz target, 30 s each or FUZZSECONDS
	@.ci/fuzz $(FUZZSECONDS)

fmt: ## format the code
	$(GO) build -C tools -o ../build/bin/ tool
	build/bin/gofumpt -l -w cmd compute consensus crypto internal ledger mempool p2p tasks testnet vm

docs: ## renew the pages of docs/ that are made from the code
	$(GO) test ./internal/rpc -run TestPage -rewrite
	$(GO) test ./compute/operator -run TestPage -rewrite

licences: ## collect the licence texts that `version --licences` prints
	$(GO) run ./internal/arch/licences > cmd/aiwork-node/licences.new
	mv cmd/aiwork-node/licences.new cmd/aiwork-node/licences.txt

clean: ## remove what was built and the devnet's data folder
	rm -rf build $(DATA)
