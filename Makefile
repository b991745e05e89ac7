# make quick     the inner loop, after each change: a minute, and nothing but Go
# make test      everything that must hold, with nothing skipped
# make build     .build/conclave
# make rehearse  a ceremony from beginning to end, in this terminal
# make release   .build/release: static builds for every system, with checksums
# make audit     an auditor checks a transcript, and finds what was forged
# make help      all targets

# Tools of the tests run from here; nothing outside the checkout is written but
# the caches of go and npm.
BUILD := .build
VAULT := $(BUILD)/vault
S3    := $(BUILD)/versitygw
NODE  := bot/slacktest/bolt bot/slacktest/blockkit
STAMP := $(NODE:%=%/node_modules/.package-lock.json)

# What is built for people: every system that a holder, an auditor or the bot may have.
RELEASES := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# Of each system that differs from this one in a file of ours or of a library one is enough.
OTHERS := linux/arm64 darwin/arm64 windows/amd64

.PHONY: help build release quick test fuzz format lint rehearse audit bench vault s3 tools clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile
	@echo 'make fuzz      each fuzz target for FUZZTIME, $(FUZZTIME); make fuzz FUZZTIME=5m'
	@echo 'make lint      gofmt, go vet, staticcheck'
	@echo 'make bench     the numbers: OpenPGP, journal, Vault, whole share'
	@echo 'make vault     the real Vault server that the tests run against (minutes, once)'
	@echo 'make s3        the real S3 server that the tests run against (two minutes, once)'
	@echo 'make clean     removes what was built, the Vault and the S3 server too'

build:
	CGO_ENABLED=0 go build -trimpath -buildvcs=auto -ldflags='-s -w' -o $(BUILD)/conclave .

# The same commit built by the same Go makes the same bytes, on whatever machine:
# to check a release, build it again and compare SHA256SUMS.
release:
	rm -rf $(BUILD)/release && mkdir -p $(BUILD)/release
	@set -e; for system in $(RELEASES); do \
		os=$${system%/*} arch=$${system#*/}; suffix=; [ $$os != windows ] || suffix=.exe; \
		echo "$$system"; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch GOFLAGS= GOAMD64= GOARM64= go build -trimpath -buildvcs=auto -ldflags='-s -w -buildid=' \
			-o $(BUILD)/release/conclave-$$os-$$arch$$suffix .; \
	done
	cp docs/conclave.service $(BUILD)/release/
	cd $(BUILD)/release && sha256sum conclave* > SHA256SUMS && cat SHA256SUMS

# CONCLAVE_REQUIRE_TOOLS=0 leaves out what needs more than Go (package needs), and
# -short tries a sample where every case is tried otherwise.
WITH_GO_ALONE = CONCLAVE_REQUIRE_TOOLS=0 .ci/in-memory.sh go test -vet=off

quick: format
	go vet ./...
	$(WITH_GO_ALONE) -short ./...

# The packages with a test that tries every case without the race detector, under which
# that would take ten times as long, and a sample with it (needs.Step).
EXHAUSTIVE = $$(git grep -l 'needs\.Step(' -- '*_test.go' | sed 's,^,./,; s,/[^/]*$$,,' | sort -u)

# What derives a key from a passphrase, in one goroutine: rehearsal/stage says why.
RACE := -race -gcflags=github.com/ProtonMail/go-crypto/openpgp/s2k=-race=false \
	-gcflags=crypto/internal/fips140/sha256=-race=false

# Otherwise each process with the detector sleeps for a second before it exits: to see races
# of goroutines that outlive main. Ours are waited for, and there are hundreds of processes.
AT_ONCE := GORACE=atexit_sleep_ms=0

# What is exhaustive, and then everything with the race detector. CONCLAVE_REQUIRE_TOOLS=1
# makes a test fail that would otherwise skip itself for want of a program. Some packages
# wait for servers rather than for a processor, so that more than two are tested side by
# side.
test: tools $(STAMP) $(VAULT) $(S3) lint
	$(WITH_GO_ALONE) -timeout=40m $(EXHAUSTIVE)
	$(AT_ONCE) CONCLAVE_REQUIRE_TOOLS=1 .ci/in-memory.sh go run .ci/tally.go $(RACE) -shuffle=on -vet=off -p=4 -timeout=40m ./...
	$(MAKE) --no-print-directory fuzz

FUZZTIME := 8s

fuzz:
	go run .ci/fuzz.go $(FUZZTIME)

format:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi

# Vet reads the files of another system as its compiler does, and links nothing.
lint: format
	go vet ./...
	go vet .ci/tally.go
	go vet .ci/fuzz.go
	go vet .ci/house.go
	@set -e; for system in $(OTHERS); do echo "go vet for $$system"; \
		CGO_ENABLED=0 GOOS=$${system%/*} GOARCH=$${system#*/} go vet $$(go list -deps -f '{{with .Module}}{{if .Main}}{{$$.ImportPath}}{{end}}{{end}}' .); done
	go tool staticcheck ./...

rehearse:
	go run ./rehearsal --auto

audit:
	go run ./rehearsal --audit

bench:
	go test -run='^$$' -bench=. -benchmem ./...

vault: $(VAULT)

# A build-time tool of the tests, in a module of its own so that the product's
# go.mod stays lean; never shipped. docs/decisions/ says why this version.
$(VAULT): vault/vaulttest/server/go.mod vault/vaulttest/server/go.sum
	@mkdir -p $(BUILD)
	@echo 'building a real Vault server for the tests; this takes some minutes, once'
	cd vault/vaulttest/server && go build -tags=minimal -o ../../../$(VAULT) github.com/hashicorp/vault
	@touch $(VAULT)

s3: $(S3)

# The same for an S3 server with object lock.
$(S3): archive/archivetest/server/go.mod archive/archivetest/server/go.sum
	@mkdir -p $(BUILD)
	@echo 'building a real S3 server for the tests; this takes two minutes, once'
	cd archive/archivetest/server && go build -trimpath -ldflags='-s -w' -o ../../../$(S3) github.com/versity/versitygw/cmd/versitygw
	@touch $(S3)

tools:
	@.ci/tools.sh

%/node_modules/.package-lock.json: %/package-lock.json | tools
	cd $* && npm ci --no-audit --no-fund

clean:
	rm -rf $(BUILD) $(NODE:%=%/node_modules)
