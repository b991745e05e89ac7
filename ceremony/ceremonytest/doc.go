// Package ceremonytest holds what tests of ceremonies share: people and plans, transcripts
// of earlier runs, and fakes of Vault, OpenPGP and the notifier. No program is linked with
// it.
package ceremonytest
