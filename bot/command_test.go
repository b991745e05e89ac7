package bot

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
)

const (
	hexShare  = "5f2a9c1b7d3e8f604152637485960718293a4b5c6d7e8f90a1b2c3d4e5f6071899"
	baseShare = "XyqcG30+j2BBUmN0hZYHGCk6S1xtfo+QobLD1OX2BxiZ"

	accessor   = "zh3jTqRz0mTuTZmZY6M63sBX"
	oneTime    = "q7Wm2ZpX4vRkT9sLbN3cYd8HfGjA" // a one-time password of Vault's length
	commitment = "3f5a1c7e9b2d4f608172839405a6b7c8d9eafb0c1d2e3f405162738495a6b7c8"
)

func TestCommandsAreUnderstood(t *testing.T) {
	for _, c := range []struct {
		typed string
		want  command
	}{
		{"", command{verb: verbHelp}},
		{"   ", command{verb: verbHelp}},
		{"help", command{verb: verbHelp}},
		{"HELP Shares", command{verb: verbHelp, topic: "shares"}},
		{"start rekey prod", command{verb: verbStart, operation: ceremony.Rekey, cluster: "prod"}},
		{"start rekey prod OPS-412: dave leaves", command{verb: verbStart, operation: ceremony.Rekey, cluster: "prod", text: "OPS-412: dave leaves"}},
		{"Start Generate-Root PROD “break glass”", command{verb: verbStart, operation: ceremony.GenerateRoot, cluster: "prod", text: "break glass"}},
		{"start generate–root prod", command{verb: verbStart, operation: ceremony.GenerateRoot, cluster: "prod"}},
		{"start rekey prod R&amp;D &lt;b&gt;", command{verb: verbStart, operation: ceremony.Rekey, cluster: "prod", text: "R&D <b>"}},
		{"approve prod-rekey-k7m2", command{verb: verbApprove, id: "prod-rekey-k7m2"}},
		{"approve\u00a0k7m2\u00a0266F2915", command{verb: verbApprove, id: "k7m2", hash: "266f2915"}},
		{"approve `k7m2` " + strings.Repeat("ab", 32), command{verb: verbApprove, id: "k7m2", hash: strings.Repeat("ab", 32)}},
		{"reject k7m2 not today", command{verb: verbReject, id: "k7m2", text: "not today"}},
		{"reject k7m2", command{verb: verbReject, id: "k7m2"}},
		{"status", command{verb: verbStatus}},
		{"status prod—rekey—k7m2", command{verb: verbStatus, id: "prod-rekey-k7m2"}},
		{"list", command{verb: verbList}},
		{"history prod", command{verb: verbHistory, cluster: "prod"}},
		{"submit", command{verb: verbSubmit}},
		{"cancel k7m2 wrong\nday", command{verb: verbCancel, id: "k7m2", text: "wrong day"}},
		{"resume k7m2", command{verb: verbResume, id: "k7m2"}},
		{"holders", command{verb: verbHolders}},
		{"start generate-root prod otp=" + strings.ToUpper(commitment) + " no key yet", command{verb: verbStart, operation: ceremony.GenerateRoot, cluster: "prod",
			options: map[string]string{"otp": commitment}, text: "no key yet"}},
		{"start rotate-config prod Interval=720H enabled=“yes” max-operations=3000000 OPS-9: rotate = good", command{verb: verbStart, operation: ceremony.RotateConfig, cluster: "prod",
			options: map[string]string{"interval": "720h", "enabled": "yes", "max-operations": "3000000"}, text: "OPS-9: rotate = good"}},
		{"start rekey prod pgp=off because", command{verb: verbStart, operation: ceremony.Rekey, cluster: "prod", options: map[string]string{"pgp": "off"}, text: "because"}},
		{"start rekey prod --force=yes", command{verb: verbStart, operation: ceremony.Rekey, cluster: "prod", options: map[string]string{"--force": "yes"}}},
		{"start rekey prod enabled=", command{verb: verbStart, operation: ceremony.Rekey, cluster: "prod", options: map[string]string{"enabled": ""}}},
		{"start rekey prod https://tickets.example/?id=9 otp=soon", command{verb: verbStart, operation: ceremony.Rekey, cluster: "prod", text: "https://tickets.example/?id=9 otp=soon"}},
		{"reverify k7m2", command{verb: verbReverify, id: "k7m2"}},
		{"reset k7m2", command{verb: verbReset, id: "k7m2"}},
		{"delete k7m2", command{verb: verbDelete, id: "k7m2"}},
		{"accessor k7m2 " + accessor, command{verb: verbAccessor, id: "k7m2", accessor: accessor}},
		{"accessor k7m2 `" + accessor + ".a1B2c`", command{verb: verbAccessor, id: "k7m2", accessor: accessor + ".a1B2c"}},
		{"accessor k7m2 2c84f488–2133–4ced–87b0–570f93a76830", command{verb: verbAccessor, id: "k7m2", accessor: "2c84f488-2133-4ced-87b0-570f93a76830"}},
		{"revoked k7m2", command{verb: verbRevoked, id: "k7m2"}},
		{"key–status PROD", command{verb: verbKeyStatus, cluster: "prod"}},
	} {
		got, err := parseCommand(c.typed, nil)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(command{})); err != nil || diff != "" {
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
		_, err := parseCommand(typed, nil)
		u, ok := errors.AsType[usage](err)
		if !ok || !strings.Contains(u.hint, hint) {
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
			cmd, err := parseCommand(before+secret, nil)
			if !shows(err) || cmd.verb != "" {
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
		cmd, err := parseCommand(typed, nil)
		if !errors.Is(err, tokenAsAccessor) || cmd.accessor != "" {
			t.Errorf("%q: %+v, %v", typed, cmd, err)
		}
	}
	if said := explain(tokenAsAccessor).String(); !strings.Contains(said, "revoke it now") {
		t.Errorf("whoever shows a token is told %q", said)
	}
	if _, err := parseCommand("accessor k7m2 "+hexShare, nil); !errors.Is(err, inCommand) {
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
		if cmd, err := parseCommand(typed, nil); !errors.Is(err, passwordInCommand) {
			t.Errorf("%q: %+v, %v", typed, cmd, err)
		}
	}
	for _, typed := range []string{"start generate-root prod otp=COMMITMENT why", "start generate-root prod otp=" + commitment[:63], "start generate-root prod otp="} {
		if _, err := parseCommand(typed, nil); err != nil {
			t.Errorf("%q is the engine's to refuse, and was answered %v", typed, err)
		}
	}
}

func TestUnderstoodCommandIsUnderstoodAgain(t *testing.T) {
	for _, typed := range []string{
		"start rekey prod", "start rekey prod a reason = none", "start rotate-config prod enabled=yes interval=12h more traffic",
		"start generate-root prod otp=" + commitment + " break glass",
	} {
		first, err := parseCommand(typed, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseCommand(first.understood(), nil)
		if diff := cmp.Diff(first, again, cmp.AllowUnexported(command{})); err != nil || diff != "" {
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
		if _, err := parseCommand(typed, nil); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

func TestCeremonyIsFoundByPartOfItsID(t *testing.T) {
	mk := func(id ceremony.ID, s ceremony.State) ceremony.Ceremony {
		return ceremony.Ceremony{Plan: ceremony.Plan{Ceremony: id}, State: s}
	}
	all := []ceremony.Ceremony{
		mk("prod-rekey-k7m2", ceremony.StateCollecting), mk("prod-rekey-aaaa", ceremony.StateEnded),
		mk("stage-rekey-k7m3", ceremony.StateProposed), mk("prod-generate-root-k7m2", ceremony.StateEnded),
	}
	for typed, want := range map[string]ceremony.ID{
		"k7m2": "prod-rekey-k7m2", "prod": "prod-rekey-k7m2", "k7m3": "stage-rekey-k7m3", "aaaa": "prod-rekey-aaaa",
		"prod-generate-root-k7m2": "prod-generate-root-k7m2", "stage-rekey": "stage-rekey-k7m3",
	} {
		if got, err := resolve(typed, all, false); got != want || err != nil {
			t.Errorf("%q is %q, %v; want %q", typed, got, err, want)
		}
	}
	if _, err := resolve("zzzz", all, false); !errors.Is(err, noSuchID) {
		t.Errorf("an unknown id: %v", err)
	}
	if _, err := resolve("prod", append(all, mk("prod-rekey-bbbb", ceremony.StateApproved)), false); !errors.Is(err, manyIDs) {
		t.Errorf("an ambiguous id: %v", err)
	}
	if _, err := onlyOpen(all); !errors.Is(err, manyOpen) {
		t.Errorf("two are open, none named: %v", err)
	}
	if id, err := onlyOpen(all[:2]); id != "prod-rekey-k7m2" || err != nil {
		t.Errorf("the only open one: %q, %v", id, err)
	}
	if _, err := onlyOpen(nil); !errors.Is(err, noneOpen) {
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
		cmd, err := parseCommand(typed, nil)
		switch {
		case err != nil:
			if !ordinary(err) || explain(err).what == "" {
				t.Fatalf("%q: error without words: %v", typed, err)
			}
		case misuse(cmd.verb) == nil || strings.ContainsAny(cmd.id+cmd.cluster, " \n\t"):
			t.Fatalf("%q is %+v", typed, cmd)
		case guard(cmd.verb, cmd.id+" "+cmd.cluster+" "+cmd.text+" "+cmd.accessor+" otp="+cmd.options["otp"], nil, nil) != nil:
			t.Fatalf("%q: something secret got through: %+v", typed, cmd)
		}
	})
}
