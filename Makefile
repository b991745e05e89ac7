# make test      everything that must hold, with nothing skipped
# make build     .build/conclave
# make rehearse  a ceremony from beginning to end, in this terminal
# make help      all targets

# Tools of the tests run from here; nothing outside the checkout is written but
# the caches of go and npm.
BUILD := .build
VAULT := $(BUILD)/vault
S3    := $(BUILD)/versitygw
NODE  := bot/slacktest/bolt bot/slacktest/blockkit
STAMP := $(NODE:%=%/node_modules/.package-lock.json)

.PHONY: help build test lint rehearse bench vault s3 tools clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile
	@echo 'make lint      gofmt, go vet, staticcheck'
	@echo 'make bench     the numbers: OpenPGP, journal, Vault, whole share'
	@echo 'make vault     the real Vault server that the tests run against (minutes, once)'
	@echo 'make s3        the real S3 server that the tests run against (two minutes, once)'
	@echo 'make clean     removes what was built, the Vault and the S3 server too'

build:
	CGO_ENABLED=0 go build -trimpath -buildvcs=auto -ldflags='-s -w' -o $(BUILD)/conclave .

# CONCLAVE_REQUIRE_TOOLS makes a test fail that would otherwise skip itself for
# want of a program.
test: tools $(STAMP) $(VAULT) $(S3) lint
	CONCLAVE_REQUIRE_TOOLS=1 go run .ci/tally.go -race -shuffle=on -timeout=25m ./...

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go vet .ci/tally.go
	GOOS=windows go vet .
	GOOS=darwin go vet .
	go tool staticcheck ./...

rehearse:
	go run ./rehearsal --auto

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
