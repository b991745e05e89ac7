package ceremony

// Operation is what a ceremony does to a cluster.
type Operation string

// The operations, by Vault's own names for them.
const (
	// Rekey replaces the unseal key shares: sys/rekey.
	Rekey Operation = "rekey"
	// GenerateRoot makes a root token: sys/generate-root.
	GenerateRoot Operation = "generate-root"
)

// Operations lists every operation in the order in which people read it.
func Operations() []Operation { return []Operation{Rekey, GenerateRoot} }

// Step is the part of an operation for which a share is meant. It is part of
// what a holder signs, so that a share for one step is worthless in the other.
type Step string

// The steps that take shares.
const (
	// Update collects shares of the key in force.
	Update Step = "update"
	// Verify collects the new shares of a rekey, as proof that their holders can
	// use them; until then the old key stays in force (P7).
	Verify Step = "verify"
)
