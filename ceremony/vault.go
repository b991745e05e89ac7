package ceremony

// NodeState is what a node of a cluster that is being unsealed shows.
type NodeState struct {
	Address  string `json:"address"`
	Reached  bool   `json:"reached"` // it answered; what is below is from its last answer
	Sealed   bool   `json:"sealed"`
	Progress int    `json:"progress,omitempty"`
}

// VaultEnding is what became of the attempt in Vault.
type VaultEnding string
