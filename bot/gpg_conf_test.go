package bot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// Advice must be another way than the one that has just failed: who runs the command again, as it
// stands, gets the same again.
func TestRemedyForAHostileGPGConfIsAnotherWayThanTheCommand(t *testing.T) {
	carol := newShellUser(t, "carol")
	a := newAuthority(t, carol)
	carol.runsWith("gpg -q --batch --trust-model always -ea -r "+carol.fingerprint+" -o share.asc", []byte(hexShare))
	carol.runs("cp share.asc prod-rekey-k7m2-share.asc; gpg -q --batch --passphrase '' --quick-gen-key other ed25519 sign never")
	c, key := a.announces(started(t, a.plan()).c, ceremony.StepUpdate)
	f := carol.follow(shown(t)(render.ShareRequest(c, a.to, *c.Key, a)), a.Identity())
	if len(f.commands) != 1 {
		t.Fatalf("to run is %q", f.commands)
	}
	opens := func(envelope string) error {
		_, _, err := key.Open([]byte(envelope), ceremony.Expected{
			Ceremony: c.ID(), Step: c.Key.Step, Nonce: nonce1, Signer: a.to.Key,
			NotBefore: c.Key.At, Now: time.Now(), PlanHash: c.PlanHash,
		})
		return err
	}
	aside := strings.ReplaceAll(f.commands[0], "gpg -", "gpg --no-options -")
	refused := 0
	for _, conf := range []string{
		"digest-algo SHA1", "personal-digest-preferences SHA1", "cipher-algo 3DES", "cipher-algo CAMELLIA256",
		"personal-cipher-preferences 3DES", "compliance pgp7", "rfc2440", "digest-algo MD5\nallow-weak-digest-algos",
		"no-armor", "local-user other", "recipient other", "output hijacked", "encrypt-to other", "comment none",
	} {
		if err := os.WriteFile(filepath.Join(carol.home, "gpg.conf"), []byte(conf+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, shell := range shells(t)[:1] {
			carol.runs("rm -f hijacked")
			printed, ok := carol.tries(shell, f.commands[0])
			if r, isRefusal := ceremony.RefusalOf(opens(printed)); ok && isRefusal {
				refused++
				hint := wording.ExplainRefusal(r).Hint
				t.Logf("%s: %s", conf, r)
				if !strings.Contains(hint, "`--no-options` behind each `gpg`") || !strings.Contains(hint, "`conclave seal`") {
					t.Errorf("%s is refused as %s, and the way out is the one that has failed: %s", conf, r, hint)
				}
			}
			if printed, ok = carol.tries(shell, aside); !ok || opens(printed) != nil {
				t.Errorf("%s: with the advice: %v, %v", conf, ok, opens(printed))
			}
		}
	}
	if refused < 6 {
		t.Errorf("only %d of these lines of gpg.conf made anything that was refused", refused)
	}
}
