package vaulttest

import "maps"

// Dialect is a product and a generation of it, as far as they differ in key operations.
type Dialect int

const (
	// Vault1 is Vault 1.21: rekey and generate-root are open to everybody, and answer without an envelope.
	Vault1 Dialect = iota
)

func (d Dialect) version() string { return "1.21.2" }

// buildDate is the same for all of them.
const buildDate = "2026-01-06T08:33:05Z"

// tokenLength is how many random characters follow a token's prefix.
const tokenLength = 24

// otpLength is the length of a root token, and so of the one-time pad for it.
func (d Dialect) otpLength() int { return len("hvs.") + tokenLength }

// newTokenID makes a service token. Those that aren't root's carry a signed part, which nobody reads here.
func (d Dialect) newTokenID(root bool) string {
	if root {
		return "hvs." + randomText(tokenLength)
	}
	return "hvs.CAESI" + randomText(86)
}

// routes are the endpoints that a cluster has.
func (d Dialect) routes(o Options) routes {
	all := commonRoutes()
	maps.Copy(all, backupRoutes())
	maps.Copy(all, rekeyRoutes())
	maps.Copy(all, issueRoutes(rootToken))
	if o.DRSecondary {
		maps.Copy(all, issueRoutes(drToken))
	}
	return all
}
