package bot

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/bot/command"
	"conclave/bot/refusal"
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

func TestCommandsAreUnderstood(t *testing.T) {
	for _, c := range []struct {
		typed string
		want  command.Command
	}{
		{"", command.Command{Verb: command.VerbHelp}},
		{"   ", command.Command{Verb: command.VerbHelp}},
		{"help", command.Command{Verb: command.VerbHelp}},
		{"HELP Shares", command.Command{Verb: command.VerbHelp, Topic: "shares"}},
		{"start rekey prod", command.Command{Verb: command.VerbStart, Operation: ceremony.Rekey, Cluster: "prod"}},
		{"start rekey prod OPS-412: dave leaves", command.Command{Verb: command.VerbStart, Operation: ceremony.Rekey, Cluster: "prod", Text: "OPS-412: dave leaves"}},
		{"Start Generate-Root PROD “break glass”", command.Command{Verb: command.VerbStart, Operation: ceremony.GenerateRoot, Cluster: "prod", Text: "break glass"}},
		{"start generate–root prod", command.Command{Verb: command.VerbStart, Operation: ceremony.GenerateRoot, Cluster: "prod"}},
		{"start rekey prod R&amp;D &lt;b&gt;", command.Command{Verb: command.VerbStart, Operation: ceremony.Rekey, Cluster: "prod", Text: "R&D <b>"}},
		{"approve prod-rekey-k7m2", command.Command{Verb: command.VerbApprove, ID: "prod-rekey-k7m2"}},
		{"approve\u00a0k7m2\u00a0266F2915", command.Command{Verb: command.VerbApprove, ID: "k7m2", Hash: "266f2915"}},
		{"approve `k7m2` " + strings.Repeat("ab", 32), command.Command{Verb: command.VerbApprove, ID: "k7m2", Hash: strings.Repeat("ab", 32)}},
		{"reject k7m2 not today", command.Command{Verb: command.VerbReject, ID: "k7m2", Text: "not today"}},
		{"reject k7m2", command.Command{Verb: command.VerbReject, ID: "k7m2"}},
		{"status", command.Command{Verb: command.VerbStatus}},
		{"status prod—rekey—k7m2", command.Command{Verb: command.VerbStatus, ID: "prod-rekey-k7m2"}},
		{"list", command.Command{Verb: command.VerbList}},
		{"history prod", command.Command{Verb: command.VerbHistory, Cluster: "prod"}},
		{"submit", command.Command{Verb: command.VerbSubmit}},
		{"cancel k7m2 wrong\nday", command.Command{Verb: command.VerbCancel, ID: "k7m2", Text: "wrong day"}},
		{"resume k7m2", command.Command{Verb: command.VerbResume, ID: "k7m2"}},
		{"holders", command.Command{Verb: command.VerbHolders}},
		{"start generate-root prod otp=" + strings.ToUpper(commitment) + " no key yet", command.Command{Verb: command.VerbStart, Operation: ceremony.GenerateRoot, Cluster: "prod",
			Options: map[string]string{"otp": commitment}, Text: "no key yet"}},
		{"start rotate-config prod Interval=720H enabled=“yes” max-operations=3000000 OPS-9: rotate = good", command.Command{Verb: command.VerbStart, Operation: ceremony.RotateConfig, Cluster: "prod",
			Options: map[string]string{"interval": "720h", "enabled": "yes", "max-operations": "3000000"}, Text: "OPS-9: rotate = good"}},
		{"start rekey prod pgp=off because", command.Command{Verb: command.VerbStart, Operation: ceremony.Rekey, Cluster: "prod", Options: map[string]string{"pgp": "off"}, Text: "because"}},
		{"start rekey prod --force=yes", command.Command{Verb: command.VerbStart, Operation: ceremony.Rekey, Cluster: "prod", Options: map[string]string{"--force": "yes"}}},
		{"start rekey prod enabled=", command.Command{Verb: command.VerbStart, Operation: ceremony.Rekey, Cluster: "prod", Options: map[string]string{"enabled": ""}}},
		{"start rekey prod https://tickets.example/?id=9 otp=soon", command.Command{Verb: command.VerbStart, Operation: ceremony.Rekey, Cluster: "prod", Text: "https://tickets.example/?id=9 otp=soon"}},
		{"reverify k7m2", command.Command{Verb: command.VerbReverify, ID: "k7m2"}},
		{"reset k7m2", command.Command{Verb: command.VerbReset, ID: "k7m2"}},
		{"delete k7m2", command.Command{Verb: command.VerbDelete, ID: "k7m2"}},
		{"accessor k7m2 " + accessor, command.Command{Verb: command.VerbAccessor, ID: "k7m2", Accessor: accessor}},
		{"accessor k7m2 `" + accessor + ".a1B2c`", command.Command{Verb: command.VerbAccessor, ID: "k7m2", Accessor: accessor + ".a1B2c"}},
		{"accessor k7m2 2c84f488–2133–4ced–87b0–570f93a76830", command.Command{Verb: command.VerbAccessor, ID: "k7m2", Accessor: "2c84f488-2133-4ced-87b0-570f93a76830"}},
		{"revoked k7m2", command.Command{Verb: command.VerbRevoked, ID: "k7m2"}},
		{"key–status PROD", command.Command{Verb: command.VerbKeyStatus, Cluster: "prod"}},
	} {
		got, err := command.ParseCommand(c.typed, nil)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(command.Command{})); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", c.typed, err, diff)
		}
	}
}

func TestMisuseIsAnsweredWithTheRightForm(t *testing.T) {
	for typed, hint := range map[string]string{
		"start":       "start OPERATION CLUSTER",
		"start rekey": "start OPERATION CLUSTER",
		"start generate-root otp=" + commitment + " prod": "start OPERATION CLUSTER",
		"approve":                          "approve ID",
		"approve k7m2 nohash":              "at least 8",
		"approve k7m2 266f2915 x":          "approve ID [hash]",
		"approve no/id":                    "prod-rekey-k7m2",
		"reject":                           "reject ID",
		"resume k7m2 now":                  "resume ID",
		"list all":                         "list",
		"statsu":                           "/ceremony status",
		"aprove k7m2":                      "/ceremony approve",
		"xyzzy":                            "/ceremony help",
		"reverify":                         "reverify ID",
		"reset":                            "reset ID",
		"delete k7m2 now":                  "delete ID",
		"accessor k7m2":                    "accessor ID ACCESSOR",
		"accessor k7m2 short":              "24 letters and digits",
		"accessor k7m2 hvs.cut":            "not the token",
		"accessor k7m2 " + accessor + " x": "accessor ID ACCESSOR",
		"revoked":                          "revoked ID",
		"key-status":                       "key-status CLUSTER",
		"key-status prod now":              "key-status CLUSTER",
		"keystatus prod":                   "/ceremony key-status",
		"start rotate-config prod interval=24h Interval=48h":     "start OPERATION CLUSTER [name=value …] [reason]",
		"start rotate-config prod more traffic interval=48h":     "start OPERATION CLUSTER [name=value …] [reason]",
		"start generate-root prod break glass OTP=" + commitment: "start OPERATION CLUSTER [name=value …] [reason]",
	} {
		_, err := command.ParseCommand(typed, nil)
		u, ok := errors.AsType[command.Usage](err)
		if !ok || !strings.Contains(u.Hint, hint) {
			t.Errorf("%q is answered %v", typed, err)
		}
	}
}

// TestSecretTypedAsCommandIsNotUsed is about people in a hurry (P1): whatever
// the verb, what looks like a share, a token or a PGP block trips the wire, and
// nothing of it comes back.
func TestSecretTypedAsCommandIsNotUsed(t *testing.T) {
	for _, secret := range []string{
		hexShare, baseShare, strings.ToUpper(hexShare), "hvs.CAESIJ0123456789abcdefghijklmnop", "s.0123456789abcdefghijklmn",
		"-----BEGIN PGP MESSAGE----- hF4D -----END PGP MESSAGE-----", "—BEGIN PGP PRIVATE KEY BLOCK—", "`" + baseShare + "`",
	} {
		for _, before := range []string{"", "submit ", "submit k7m2 ", "approve k7m2 ", "approve ", "cancel k7m2 ", "start rekey prod ", "help ", "xyzzy ", "status "} {
			cmd, err := command.ParseCommand(before+secret, nil)
			if !command.Shows(err) || cmd.Verb != "" {
				t.Errorf("%q with a secret: %v, %v", before, cmd, err)
			}
		}
	}
}

// TestTokenTypedForItsAccessorIsToBeRevoked is about the one word with which people
// mix up an accessor (P1).
func TestTokenTypedForItsAccessorIsToBeRevoked(t *testing.T) {
	for _, typed := range []string{
		"accessor k7m2 hvs.0123456789abcdefghijklmn", "accessor k7m2 `hvs.0123456789abcdefghijklmn`", "accessor k7m2 s.0123456789abcdefghijklmn",
		"ACCESSOR hvs.0123456789abcdefghijklmn", "accessor k7m2 token=hvs.0123456789abcdefghijklmn",
	} {
		cmd, err := command.ParseCommand(typed, nil)
		if !errors.Is(err, refusal.TokenAsAccessor) || cmd.Accessor != "" {
			t.Errorf("%q: %+v, %v", typed, cmd, err)
		}
	}
	if said := explain(refusal.TokenAsAccessor).String(); !strings.Contains(said, "revoke it now") {
		t.Errorf("whoever shows a token is told %q", said)
	}
	if _, err := command.ParseCommand("accessor k7m2 "+hexShare, nil); !errors.Is(err, refusal.InCommand) {
		t.Errorf("a share is answered %v", err)
	}
}

// TestPasswordTypedForItsCommitmentIsNotUsed: whoever has the password can read the
// token, and Slack would keep it (P1).
func TestPasswordTypedForItsCommitmentIsNotUsed(t *testing.T) {
	for _, typed := range []string{
		"start generate-root prod otp=" + oneTime, "start generate-root prod OTP=“" + oneTime + "” why", "start generate-root prod why otp=" + oneTime,
		"start rekey prod otp=" + oneTime, oneTime, "submit " + oneTime[:26], "approve k7m2 otp:`" + oneTime + "`", "strat generate-root prod otp=" + oneTime, "start generate-root prod otp=" + oneTime + oneTime + oneTime[:8],
	} {
		if cmd, err := command.ParseCommand(typed, nil); !errors.Is(err, refusal.PasswordInCommand) {
			t.Errorf("%q: %+v, %v", typed, cmd, err)
		}
	}
	for _, typed := range []string{"start generate-root prod otp=COMMITMENT why", "start generate-root prod otp=" + commitment[:63], "start generate-root prod otp="} {
		if _, err := command.ParseCommand(typed, nil); err != nil {
			t.Errorf("%q is the engine's to refuse, and was answered %v", typed, err)
		}
	}
}

func TestUnderstoodCommandIsUnderstoodAgain(t *testing.T) {
	for _, typed := range []string{
		"start rekey prod", "start rekey prod a reason = none", "start rotate-config prod enabled=yes interval=12h more traffic",
		"start generate-root prod otp=" + commitment + " break glass",
	} {
		first, err := command.ParseCommand(typed, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := command.ParseCommand(first.Understood(), nil)
		if diff := cmp.Diff(first, again, cmp.AllowUnexported(command.Command{})); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", typed, err, diff)
		}
	}
}

func TestOrdinaryWordsTripNoWire(t *testing.T) {
	for _, typed := range []string{
		"start rekey prod https://tickets.example/browse/OPS-412?focused=1234567890123456789012345678901234567890",
		"start rekey prod commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
		"cancel k7m2 donaudampfschifffahrtselektrizitaetenhaupt",
		"cancel k7m2 KubernetesAdmissionWebhookss and 4fade98eaade1de022eeb07aa126",
	} {
		if _, err := command.ParseCommand(typed, nil); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

func TestCeremonyIsFoundByPartOfItsID(t *testing.T) {
	mk := func(id ceremony.ID, s rules.Phase) rules.State {
		return rules.State{Plan: ceremony.Plan{Ceremony: id}, Phase: s}
	}
	all := []rules.State{
		mk("prod-rekey-k7m2", rules.PhaseCollecting), mk("prod-rekey-aaaa", rules.PhaseEnded),
		mk("stage-rekey-k7m3", rules.PhaseProposed), mk("prod-generate-root-k7m2", rules.PhaseEnded),
	}
	for typed, want := range map[string]ceremony.ID{
		"k7m2": "prod-rekey-k7m2", "prod": "prod-rekey-k7m2", "k7m3": "stage-rekey-k7m3", "aaaa": "prod-rekey-aaaa",
		"prod-generate-root-k7m2": "prod-generate-root-k7m2", "stage-rekey": "stage-rekey-k7m3",
	} {
		if got, err := command.Resolve(typed, all, false); got != want || err != nil {
			t.Errorf("%q is %q, %v; want %q", typed, got, err, want)
		}
	}
	if _, err := command.Resolve("zzzz", all, false); !errors.Is(err, refusal.NoSuchID) {
		t.Errorf("an unknown id: %v", err)
	}
	if _, err := command.Resolve("prod", append(all, mk("prod-rekey-bbbb", rules.PhaseApproved)), false); !errors.Is(err, refusal.ManyIDs) {
		t.Errorf("an ambiguous id: %v", err)
	}
	if _, err := command.OnlyOpen(all); !errors.Is(err, refusal.ManyOpen) {
		t.Errorf("two are open, none named: %v", err)
	}
	if id, err := command.OnlyOpen(all[:2]); id != "prod-rekey-k7m2" || err != nil {
		t.Errorf("the only open one: %q, %v", id, err)
	}
	if _, err := command.OnlyOpen(nil); !errors.Is(err, refusal.NoneOpen) {
		t.Errorf("none is open: %v", err)
	}
}

// FuzzSlashText holds two properties: every text is either a command with a known
// verb or an error with words, and no command carries what trips the wire.
func FuzzSlashText(f *testing.F) {
	for _, seed := range seeds(f, "slash") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		cmd, err := command.ParseCommand(typed, nil)
		switch {
		case err != nil:
			if !ordinary(err) || explain(err).What == "" {
				t.Fatalf("%q: error without words: %v", typed, err)
			}
		case command.Misuse(cmd.Verb) == nil || strings.ContainsAny(cmd.ID+cmd.Cluster, " \n\t"):
			t.Fatalf("%q is %+v", typed, cmd)
		case command.Guard(cmd.Verb, cmd.ID+" "+cmd.Cluster+" "+cmd.Text+" "+cmd.Accessor+" otp="+cmd.Options["otp"], nil, nil) != nil:
			t.Fatalf("%q: something secret got through: %+v", typed, cmd)
		}
	})
}
