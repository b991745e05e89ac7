package operator

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"conclave/app"
	"conclave/ceremony"
	"conclave/ceremony/journal"
	"conclave/config"
	"conclave/plural"
	"conclave/vault"
)

// checkVault tries one cluster. open are the ceremonies that are open on it.
func checkVault(
	ctx context.Context, c *config.Cluster, f *findings, about string, open []journal.Report,
) {
	client, err := app.NewVault(c)
	if f.failed(about, err) {
		return
	}
	defer client.Close()
	report := client.Check(ctx, operations(c), c.Backup)
	for _, node := range report.Nodes {
		if node.Err == nil {
			f.add(ok, about, "%s", describeNode(node, report.Product))
		}
	}
	if seal := report.Seal; report.Active != "" {
		if seal.UnsealsItself() {
			f.add(ok, about, "it unseals itself (%s seal); %d of %d shares of its recovery key are enough",
				seal.Type, seal.Threshold, seal.Shares)
		} else {
			f.add(ok, about, "%d of %d shares open it (%s seal)", seal.Threshold, seal.Shares, seal.Type)
		}
		checkSpare(f, about, seal)
		if c.Any(ceremony.Operation.TakesShares) && len(c.Holders) < seal.Threshold {
			f.add(stop, about, "%s listed, fewer than the %d shares that Vault asks for",
				plural.Count(len(c.Holders), "holder is", "holders are"), seal.Threshold)
		}
	}
	if t := report.Token; t.Given && t.Err == nil {
		f.add(ok, about, "%s", describeToken(t, time.Now()))
	}
	for _, finding := range report.Findings {
		if finding.Operation == "" {
			f.add(gradeOf(finding), about, "%s", finding.Text)
		}
	}
	for _, r := range open {
		f.add(note, about, "%s is open: %s", r.Ceremony, r.State)
	}
	if report.Active != "" {
		checkInterference(ctx, c, f, about, client, report.Seal)
	}
	for i, op := range operations(c) {
		checkOperation(f, about, i, op, report, open)
	}
}

// checkSpare adds that the key in force has no share to spare, if it has none.
func checkSpare(f *findings, about string, seal ceremony.Seal) {
	if seal.Shares > 0 && seal.Threshold == seal.Shares {
		f.add(note, about, "%d of %d shares are needed: one that is lost closes the cluster for ever; plan a rekey with "+
			"a share to spare", seal.Threshold, seal.Shares)
	}
}

// checkOperation adds that the operation with this number in the configuration will work,
// or else everything that stands in its way. An attempt of one of the open ceremonies does
// not.
func checkOperation(
	f *findings, about string, i int, op ceremony.Operation, report vault.Report, open []journal.Report,
) {
	at := slices.IndexFunc(report.Operations, func(o vault.OperationReport) bool { return o.Operation == op })
	works := at >= 0
	for _, finding := range report.Findings {
		if finding.Operation != op {
			continue
		}
		g, text := gradeOf(finding), finding.Text
		missing, lacks := errors.AsType[*vault.MissingRight](finding.Err)
		refusal, _ := ceremony.RefusalOf(finding.Err)
		switch {
		case lacks:
			text += ":\n" + missing.Policy()
		case refusal == ceremony.AlreadyStarted:
			if ours := ceremonyOf(open, report.Operations[at].Progress.Nonce); ours != "" {
				g, text = note, "in progress, as "+string(ours)
			}
		case refusal != "":
			text = unsuited(refusal)
		}
		works = works && g != stop
		f.add(g, about, "operations[%d], %s: %s", i, op, text)
	}
	if works {
		f.add(ok, about, "%s: nothing stands in its way%s", op, dialectWords[report.Operations[at].Dialect])
	}
}

// ceremonyOf returns the open ceremony whose attempt has this nonce, or "".
func ceremonyOf(open []journal.Report, nonce string) ceremony.ID {
	for _, r := range open {
		if r.Nonce == nonce {
			return r.Ceremony
		}
	}
	return ""
}

// gradeOf returns the grade of a finding about a cluster.
func gradeOf(f vault.Finding) grade {
	if f.Stops {
		return stop
	}
	return note
}

// dialectWords describe a server's dialect; an open one needs no words.
var dialectWords = map[vault.Dialect]string{
	vault.Closed:  "; the server asks for a token",
	vault.OpenBao: "; OpenBao's own endpoints, which ask for a token",
}

// unsuited returns what to configure in place of an operation that does not suit the
// cluster's seal.
func unsuited(why ceremony.Refusal) string {
	switch why {
	case ceremony.WrongSealType:
		return "the cluster unseals itself, and has no unseal key shares; " +
			"list rekey-recovery to replace its recovery key shares"
	case ceremony.SelfUnsealing:
		return "the cluster unseals itself; nobody's share is needed for it"
	case ceremony.NoRecoveryKey:
		return "the cluster has no recovery key, since people unseal it; " +
			"list rekey to replace its unseal key shares"
	}
	return why.Error()
}

// describeNode describes a node in a line: its role, its version, its TLS.
func describeNode(n vault.NodeReport, product string) string {
	words := []string{n.Role}
	if n.Seal.Version != "" {
		words = append(words, cmp.Or(product, "Vault")+" "+n.Seal.Version)
	}
	if n.TLS != "" {
		words = append(words, n.TLS)
	}
	return n.Address + ": " + strings.Join(words, ", ")
}

// describeToken describes a token by its policies and its end.
func describeToken(t vault.TokenReport, now time.Time) string {
	text := "token with the policies " + strings.Join(t.Policies, ", ")
	switch {
	case !t.Expires:
		return text + ", which does not end"
	case t.Renewed:
		return text + ", which is being renewed"
	}
	return text + ", until " + now.Add(t.TTL).UTC().Format("2006-01-02 15:04 MST")
}
