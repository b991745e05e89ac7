package command_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/bot/command"
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
