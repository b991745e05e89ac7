// Package auditor has the command of who checks a ceremony afterwards: verify. It needs
// evidence, a fingerprint, and neither network nor Slack nor Vault.
package auditor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
	"conclave/ceremony/wording"
	"conclave/cli"
	"conclave/host"
	"conclave/plural"
)

// VerifyCommand returns conclave verify.
func VerifyCommand(std cli.Streams) *cobra.Command {
	var how transcripts
	cmd := &cobra.Command{
		Use:   "verify PATH…",
		Short: "Check a transcript, a ceremony's journal, or a whole directory of them",
		Long: `Of a transcript (JSON), check the identity's signature over all of it, that no line
is missing or was changed, that the events are a story that the rules allow, and
what people themselves have signed: approvals, answers to the roll call, statements,
envelopes. Whatever does not hold is named with its reason. It also says what the
transcript leaves unproven.

Of a journal, check that every line continues the line before it, and that the
events are a story that the rules allow. Of a directory also that no ceremony is
missing between the others. With --identity, also that each ceremony that has ended
has a signed transcript. Who has written a journal is not checked, unless the
identity's key is given: whoever can write to it can make a chain that is whole.

Needs neither the bot nor Slack nor Vault nor a network, and changes nothing. Write
down the hash of the last line that it prints: it stands for everything before it.`,
		Args: cli.Arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, paths []string) error {
			if err := how.author.load(cmd); err != nil {
				return err
			}
			if how.page != "" && len(paths) != 1 {
				return cli.NewUsageError(errors.New("--page takes one transcript"))
			}
			if err := how.stamp.usage(len(paths), how.json); err != nil {
				return err
			}
			var faults []error
			for _, path := range paths {
				faults = append(faults, verifyPath(host.Printable{Writer: std.Out}, path, how))
			}
			if err := errors.Join(faults...); err != nil {
				fmt.Fprintf(host.Printable{Writer: std.Err}, "%v\n", err)
				return cli.ReportedError{}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&how.identity, "identity", "", "`FINGERPRINT` of Conclave's identity, which holders pin")
	cmd.Flags().StringVar(&how.page, "page", "", "make the page of the transcript, as a new `FILE`")
	cmd.Flags().StringVar(&how.stamp.file, "timestamp", "",
		"check the time stamp of the transcript that is in `FILE`, as it lies beside the transcript")
	cmd.Flags().StringVar(&how.stamp.ca, "tsa-ca", "",
		"PEM `FILE` with the authorities that vouch for the time-stamping server")
	cmd.Flags().StringVar(&how.author.keyFile, "identity-key", "",
		"check with the identity's key in `FILE` that it has written a journal; for who runs Conclave")
	cmd.Flags().StringVar(&how.author.passphraseFile, "passphrase-file", "", "`FILE` with the passphrase of that key")
	cmd.Flags().BoolVar(&how.json, "json", false, "print what was found of a transcript as JSON")
	return cmd
}

// verifyPath checks a transcript, a journal or a directory. It prints what holds, and
// returns an error with what does not. It needs the file and nothing else (P8).
func verifyPath(out io.Writer, path string, how transcripts) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() && how.stamp.given() {
		return fmt.Errorf("%s: it is a directory, and a time stamp is about one transcript", path)
	}
	if info.IsDir() {
		return verifyDir(out, path, how)
	}
	file, err := host.ReadEvidence(path)
	if err != nil {
		return err
	}
	if transcript.IsTranscript(file) {
		return how.verify(out, path, file)
	}
	if how.stamp.given() {
		return fmt.Errorf("%s: it is no transcript, and nothing else is stamped", path)
	}
	report, err := journal.VerifyFile(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	printReport(out, report)
	for _, line := range wording.Conditions(report.Conditions) {
		fmt.Fprintf(out, "  %s\n", line)
	}
	return errors.Join(how.author.check(out, path), how.signed(out, path))
}

// verifyDir checks every journal in a directory.
func verifyDir(out io.Writer, path string, how transcripts) error {
	reports, err := journal.VerifyDir(path)
	faults := []error{err}
	for _, report := range reports {
		printReport(out, report)
		faults = append(faults, how.author.check(out, report.Path), how.signed(out, report.Path))
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if len(reports) == 0 {
		return fmt.Errorf("%s: there is no journal in it", path)
	}
	fmt.Fprintf(out, "%s: %s, none missing between them\n", path, plural.Count(len(reports), "ceremony", "ceremonies"))
	return nil
}

// printReport prints a journal's ceremony in a line, and its hashes below.
func printReport(out io.Writer, r journal.Report) {
	state := string(r.State)
	if r.State == rules.PhaseEnded {
		state = string(r.Outcome)
	}
	fmt.Fprintf(out, "%s: %s, %s from %s to %s\n", r.Ceremony, state, plural.Of(r.Events, "event"),
		r.From.UTC().Format(time.RFC3339), r.To.UTC().Format(time.RFC3339))
	if r.Torn {
		fmt.Fprintln(out, "  behind them an unfinished line: the bot died while it wrote, and had done nothing with it")
	}
	fmt.Fprintf(out, "  plan %s\n  head %s\n", r.PlanHash, r.Head)
}
