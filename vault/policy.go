package vault

// policy is the least that the bot's token needs. Starting, feeding and
// cancelling an attempt need no token in Vault 1; Vault 2 asks for one unless
// enable_unauthenticated_access says otherwise.
const policy = `# Conclave reads the encrypted new shares of a rekey back when the answer that
# carried them was lost. They open with their holders' PGP keys only.
path "sys/rekey/backup" {
  capabilities = ["read"]
}

# The same for rekey-recovery, on a cluster that unseals itself.
path "sys/rekey/recovery-key-backup" {
  capabilities = ["read"]
}
`

// Policy is the Vault policy for the token in [Config.TokenFile].
func Policy() string { return policy }
