// Package operator has the commands of who runs the bot: run, reload, check, policy,
// manifest, journal, identity and version. It is the only command room, beside terminal, that is linked with
// Slack and Vault.
package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conclave/app"
	"conclave/ceremony"
	"conclave/ceremony/journal"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/rules"
	"conclave/cli"
	"conclave/config"
	"conclave/host"
	"conclave/plural"
)

// CheckCommand returns conclave check.
func CheckCommand(std cli.Streams) *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Try everything that can be tried without changing anything",
		Long: `Try everything that a ceremony will need: the configuration, the identity, the
journal, each person's PGP key for as long as a ceremony may take, Slack's scopes
and channels, each person's account and whether a direct message can be sent to it,
each Vault node and the token's rights, and where transcripts are kept. Nothing is
changed or posted, and a bot that runs is not disturbed. Where the journal lies a
file is written, read back and removed; a time-stamping server is given a random
number to stamp.

Each line begins with ok, with note for what somebody should know, or with STOP
for what would stop a ceremony. Exit code 1 when there is a STOP.`,
		Args: cli.Arguments(cobra.NoArgs),
	}
	path := cli.ConfigFlag(cmd)
	cmd.Flags().BoolVar(&offline, "offline", false, "leave Slack, Vault and what keeps transcripts elsewhere out")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := config.Load(*path)
		if err != nil {
			return err
		}
		f := &findings{out: host.Printable{Writer: std.Out}} // some words come from Vault and from Slack
		f.add(ok, "configuration", *path)
		host.ForgoPrivileges() // as run does
		checkHost(f)
		checkAll(cmd.Context(), c, f, offline)
		return f.conclude()
	}
	return cmd
}

// grade is how much a finding matters.
type grade string

const (
	ok   grade = "ok"
	note grade = "note" // worth knowing before a ceremony
	stop grade = "STOP" // a ceremony would come to a stop
)

// column is the width of the subject of a finding, such as "Slack channel C0123456789".
const column = 25

// findings prints each finding as soon as it is found: asking Vault may take a while. It
// counts those that would stop a ceremony.
type findings struct {
	out   io.Writer
	stops int
}

func (f *findings) add(g grade, about, text string, args ...any) {
	if g == stop {
		f.stops++
	}
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	// The second line and those after it begin in the column of the first.
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+strings.Repeat(" ", len("STOP  ")+column+1))
	fmt.Fprintf(f.out, "%-5s %-*s %s\n", g, column, about, text)
}

// failed adds an error, if there is one, as a stop. It reports whether there was one.
func (f *findings) failed(about string, err error) bool {
	if err != nil {
		f.add(stop, about, "%v", err)
	}
	return err != nil
}

// conclude prints how many findings would stop a ceremony, and returns a
// [cli.ReportedError] when there are any.
func (f *findings) conclude() error {
	if f.stops == 0 {
		fmt.Fprintln(f.out, "\nNothing was found that would stop a ceremony.")
		return nil
	}
	fmt.Fprintf(f.out, "\n%s would stop a ceremony.\n", plural.Of(f.stops, "finding"))
	return cli.ReportedError{}
}

// checkAll tries everything that the configuration names. With offline it leaves out what
// is elsewhere.
func checkAll(ctx context.Context, c *config.Config, f *findings, offline bool) {
	ceremonies := checkJournal(c, f)
	checkRunning(c, f)
	pgp := checkIdentity(c, f)
	checkMarks(c, f, pgp)
	if pgp != nil {
		checkAuthorship(f, ceremonies, pgp)
		checkExposed(c, f, pgp)
	}
	checkPeople(c, f, time.Now())
	checkShares(c, f)
	checkArchives(ctx, c, f, offline)
	if offline {
		f.add(note, "Slack", "not asked")
		f.add(note, "Vault", "not asked")
		return
	}
	if pgp != nil {
		checkSlack(ctx, c, f, pgp)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		open := slices.DeleteFunc(slices.Clone(ceremonies), func(r journal.Report) bool {
			return r.Cluster != name || r.State == rules.PhaseEnded
		})
		checkVault(ctx, c.Clusters[name], f, "Vault "+name, open)
	}
}

// checkIdentity reads the bot's own key. It returns nil when that fails.
func checkIdentity(c *config.Config, f *findings) *openpgp.OpenPGP {
	id, err := app.LoadIdentity(c.Identity)
	if f.failed("identity", err) {
		return nil
	}
	f.add(ok, "identity", "%s", id.Fingerprint())
	return openpgp.New(id, nil)
}

// checkPeople makes sure that every key can be used until the end of a ceremony that is
// proposed now.
func checkPeople(c *config.Config, f *findings, now time.Time) {
	keys, err := app.ReadKeys(c)
	if problems, is := errors.AsType[*config.Problems](err); is {
		for _, p := range problems.List {
			f.add(stop, p.Path, "%s", p.What)
		}
		return
	}
	window := longestWindows(c)
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		key := keys[name]
		if !f.failed("key of "+name, key.CheckUntil(now, now.Add(window[name]))) {
			f.add(ok, "key of "+name, "%s %s", key.Fingerprint(), strings.Join(key.UserIDs(), ", "))
		}
	}
	for _, x := range app.ExpiringKeys(keys, now) {
		if !x.Until.IsZero() {
			f.add(note, "key of "+x.Person, "expires on %s, in %s: have it extended, put the new file in its place, and reload",
				x.Until.Format(time.DateOnly), plural.Of(int(x.Until.Sub(now).Hours()/24), "day"))
		}
	}
}

// checkShares adds the clusters whose next rekey leaves no share to spare.
func checkShares(c *config.Config, f *findings) {
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		cluster := c.Clusters[name]
		if n := len(cluster.KeyReceivers()); n > 0 && cluster.Threshold == n && cluster.Any(ceremony.Operation.MakesShares) {
			f.add(note, "clusters."+name, "threshold %d of %s: one share that is lost closes the cluster for ever; "+
				"make threshold less than the receivers", n, plural.Of(n, "receiver"))
		}
	}
}

// longestWindows returns how long each person's key may be needed: name → the longest
// window of the clusters in which they take part.
func longestWindows(c *config.Config) map[string]time.Duration {
	longest := map[string]time.Duration{} // name → window
	for _, cluster := range c.Clusters {
		for _, name := range slices.Concat(cluster.Initiators, cluster.Approvers, cluster.Holders, cluster.Receivers) {
			longest[name] = max(longest[name], cluster.Window)
		}
	}
	return longest
}

// checkSlack tries Slack's tokens, scopes and channels, and every person's account.
func checkSlack(ctx context.Context, c *config.Config, f *findings, pgp *openpgp.OpenPGP) {
	b, err := app.NewBot(c, pgp, pgp, nil, app.NewLog(c.Log, io.Discard))
	if f.failed("Slack", err) {
		return
	}
	people := map[string]string{} // name → Slack's user id
	for name, p := range c.People {
		people[name] = p.Slack
	}
	for finding := range b.Check(ctx, people) {
		if finding.Err != nil {
			f.add(stop, finding.Subject, "%s: %v", finding.Detail, finding.Err)
		} else {
			f.add(ok, finding.Subject, "%s", finding.Detail)
		}
	}
}

// checkHost adds how this process protects its memory, and what to do where it does not.
// This is the process of the check: a bot that is started in another way, by systemd for
// example, has its own findings in the first line of its log.
func checkHost(f *findings) {
	for _, p := range host.Protections() {
		if p.Holds {
			f.add(ok, p.Name, "%s", p.Text)
		} else {
			f.add(note, p.Name, "%s;\n%s", p.Text, p.Advice)
		}
	}
}
