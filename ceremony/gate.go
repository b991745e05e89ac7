package ceremony

// Gate is a step that waits for a witness's consent.
type Gate string

// Gates.
const (
	GateStart  Gate = "start"  // before Vault is asked for anything
	GateUpdate Gate = "update" // before the share that completes an attempt
	GateVerify Gate = "verify" // before the share with which the new key comes into force
	GateDelete Gate = "delete" // before the backup is deleted
)
