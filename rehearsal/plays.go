package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest"
)

// play is the rehearsal of one operation.
type play struct {
	name string
	what string // happens, for --list

	vault    vaulttest.Options // the emulator that it is played on, unless a server was given
	fresh    bool              // that Vault has no key yet
	damaged  bool              // its only node was started in recovery mode
	anywhere bool              // can be played on a server given on the command line

	demanding bool // its policy asks for everything

	settings func(*stage.Settings)
	window   time.Duration // how long the ceremony is open when the play runs by itself; 0 means an hour

	begin string // what a practice begins with
	act   func(*rehearsal, context.Context) error
}

// both is the default play.
var both = play{
	anywhere: true,
	begin:    "/ceremony start rekey " + stage.ClusterName + " the yearly rekey",
	act:      (*rehearsal).playBoth,
}

// watched returns the default play with every demand that a policy can make of the rekey.
func watched() play {
	p := both
	p.demanding, p.settings = true, demanding(ceremony.Rekey)
	return p
}

// plays returns a play for every operation, in the order in which a cluster needs them.
func plays() []play {
	allow := func(all ...ceremony.Operation) func(*stage.Settings) {
		return func(s *stage.Settings) {
			s.Operations = nil
			for _, op := range all {
				s.Operations = append(s.Operations, string(op))
			}
		}
	}
	return []play{
		{
			name:     "policy",
			what:     "a rekey under a policy that asks for everything: signed approval, roll call, a witness, and a transcript at the end",
			anywhere: true, demanding: true,
			settings: func(s *stage.Settings) {
				allow(ceremony.Rekey)(s)
				demanding(ceremony.Rekey)(s)
			},
			begin: "/ceremony start rekey " + stage.ClusterName + " the yearly rekey",
			act:   func(h *rehearsal, ctx context.Context) error { return h.playRekeying(ctx, ceremony.Rekey) },
		},
		{
			name:      "audit",
			what:      "an auditor checks the transcript of a root token's ceremony, and then forgeries of it, each of which has to be found",
			demanding: true,
			settings: func(s *stage.Settings) {
				allow(ceremony.GenerateRoot)(s)
				demanding(ceremony.GenerateRoot)(s)
			},
			begin: "/ceremony start generate-root " + stage.ClusterName,
			act:   (*rehearsal).playAudit,
		},
		{
			name:  "init",
			what:  "a new cluster gets its key, every share and the root token encrypted to one person; then it is unsealed",
			fresh: true, settings: allow(ceremony.Init, ceremony.Unseal),
			act: (*rehearsal).playInit,
		},
		{
			name:  "unseal",
			what:  "a power cut seals three nodes; the seal watch notices, one share of each holder serves them all, and one node comes late",
			vault: vaulttest.Options{Nodes: 3},
			settings: func(s *stage.Settings) {
				allow(ceremony.Unseal)(s)
				s.Watch = true
			},
			begin: "seal",
			act:   (*rehearsal).playUnseal,
		},
		{
			name:     "rekey",
			what:     "dave's laptop was stolen: everybody gets a new key share, and three prove theirs before the old ones end",
			anywhere: true, settings: allow(ceremony.Rekey),
			act: func(h *rehearsal, ctx context.Context) error { return h.playRekeying(ctx, ceremony.Rekey) },
		},
		{
			name:     "rekey-recovery",
			what:     "the same for the recovery key of a cluster that unseals itself",
			vault:    vaulttest.Options{Seal: "transit"},
			settings: allow(ceremony.RekeyRecovery),
			act:      func(h *rehearsal, ctx context.Context) error { return h.playRekeying(ctx, ceremony.RekeyRecovery) },
		},
		{
			name:     "generate-root",
			what:     "a root token, encrypted to olga; she names it, uses it, revokes it, and Conclave sees that it is gone",
			anywhere: true, settings: allow(ceremony.GenerateRoot),
			act: (*rehearsal).playGenerateRoot,
		},
		{
			name:     "generate-root-otp",
			what:     "the same for somebody without a PGP key, by a one-time password that never leaves her computer in the open",
			anywhere: true,
			settings: func(s *stage.Settings) {
				allow(ceremony.GenerateRoot)(s)
				s.Keyless = []string{stage.Olga}
			},
			begin: "otp",
			act:   (*rehearsal).playPassword,
		},
		{
			name:     "recovery-token",
			what:     "a node is started in recovery mode, and the holders make a token for its storage",
			damaged:  true,
			settings: allow(ceremony.RecoveryToken),
			act:      (*rehearsal).playRecoveryToken,
		},
		{
			name:     "dr-token",
			what:     "an operation token for a disaster recovery secondary (Vault Enterprise), with which it can be promoted",
			vault:    vaulttest.Options{DRSecondary: true},
			settings: allow(ceremony.DRToken),
			act:      (*rehearsal).playDRToken,
		},
		{
			name:     "rotate",
			what:     "a new encryption key; nobody's share is needed, only a second person's agreement",
			anywhere: true, settings: allow(ceremony.Rotate),
			act: (*rehearsal).playRotate,
		},
		{
			name:     "rotate-config",
			what:     "Vault is to rotate its encryption key by itself, once a month",
			anywhere: true, settings: allow(ceremony.RotateConfig),
			begin: "/ceremony start rotate-config " + stage.ClusterName + " " + monthly,
			act:   (*rehearsal).playRotateConfig,
		},
		{
			name:     "backup",
			what:     "dave has lost his new share: everybody gets theirs again from Vault's backup, which is deleted in the end",
			anywhere: true, settings: allow(ceremony.Rekey, ceremony.ReadBackup),
			begin: "/ceremony start rekey " + stage.ClusterName + " the yearly rekey",
			act:   (*rehearsal).playBackup,
		},
		{
			name:     "drill",
			what:     "every holder proves that they could use their share; dave can't, erin does not answer, and nothing goes to Vault",
			anywhere: true, settings: allow(ceremony.Drill),
			window: 30 * time.Second,
			act:    (*rehearsal).playDrill,
		},
	}
}

// findPlay returns the play with a name.
func findPlay(name string) (play, error) {
	all := plays()
	i := slices.IndexFunc(all, func(p play) bool { return p.name == name })
	if i < 0 {
		return play{}, fmt.Errorf("--operation: nothing is called %q; see --list", name)
	}
	return all[i], nil
}

// list prints the plays.
func list(w io.Writer) {
	for _, p := range plays() {
		fmt.Fprintf(w, "%-18s %s\n", p.name, p.what)
	}
}

// beginning returns what a person who practises types first.
func (p play) beginning() string {
	if p.begin != "" {
		return p.begin
	}
	return "/ceremony start " + p.name + " " + stage.ClusterName
}

// set returns the change of the settings for a play.
func (p play) set(o options) func(*stage.Settings) {
	return func(s *stage.Settings) {
		if p.settings != nil {
			p.settings(s)
		}
		if o.speed > 0 {
			s.Pace = 0 // posts come at Slack's pace, as in a real workspace
		}
		if o.auto && p.window > 0 {
			s.Window = p.window
			if o.speed > 0 {
				s.Window += time.Duration(float64(p.window) / o.speed)
			}
		}
	}
}
