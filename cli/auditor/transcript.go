package auditor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/transcript"
	"conclave/ceremony/transcript/page"
	"conclave/ceremony/wording"
	"conclave/plural"
)

// transcripts says how transcripts are checked, and what is made of them.
type transcripts struct {
	identity string // fingerprint that the auditor pins, as typed
	page     string // file to write the page to; empty: none
	json     bool   // print what was found as JSON
	stamp    stamped
	author   author
}

// errNotPinned means that --identity is missing.
var errNotPinned = errors.New("a transcript is checked against the fingerprint of Conclave's identity: " +
	"give it with --identity, from where the keys are kept, and not from the transcript or from Slack")

// pinned returns the identity whose signature a transcript must have.
func (t transcripts) pinned() (ceremony.Fingerprint, error) {
	if t.identity == "" {
		return "", errNotPinned
	}
	return ceremony.ParseFingerprint(t.identity)
}

// verify checks the file of a transcript and prints what was found. The error has every
// reason why the transcript does not hold.
func (t transcripts) verify(out io.Writer, path string, file []byte) error {
	identity, err := t.pinned()
	if err != nil {
		return err
	}
	audit := transcript.VerifyTranscript(file, identity, openpgp.Signatures{})
	if t.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(audit); err != nil {
			return err
		}
	} else {
		printAudit(out, path, audit)
	}
	faults := faultsOf(path, audit)
	if t.stamp.given() {
		faults = errors.Join(faults, t.stamp.verify(out, file, time.Now()))
	}
	if t.page != "" {
		if err := t.write(file, audit); err != nil {
			return errors.Join(faults, err)
		}
		if !t.json {
			fmt.Fprintf(out, "%s: the page is in %s\n", path, t.page)
		}
	}
	return faults
}

// write makes the page of a transcript. It does not replace a file that is there.
func (t transcripts) write(file []byte, audit transcript.Audit) error {
	html, err := page.Render(file, audit, wording.Tell)
	if err != nil {
		return fmt.Errorf("no page can be made of it: %w", err)
	}
	f, err := os.OpenFile(t.page, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	_, err = f.Write(html)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// faultsOf returns an error with the reasons why a transcript does not hold, or nil.
func faultsOf(path string, audit transcript.Audit) error {
	if audit.Passed() {
		return nil
	}
	var faults []error
	for _, fault := range audit.Faults() {
		faults = append(faults, fmt.Errorf("%s: %s", path, fault))
	}
	return errors.Join(faults...)
}

// printAudit prints what was checked, and what a transcript leaves unproven.
func printAudit(out io.Writer, path string, a transcript.Audit) {
	verdict := "is what the identity signed, and what people signed in it says the same"
	if !a.Passed() {
		verdict = "DOES NOT HOLD"
	}
	fmt.Fprintf(out, "%s: the transcript %s\n", path, verdict)
	if a.Events > 0 {
		fmt.Fprintf(out, "%s: %s, %s from %s to %s\n",
			a.Ceremony, orNone(string(a.Outcome), "not ended"), plural.Of(a.Events, "event"),
			a.From.UTC().Format(time.RFC3339), a.To.UTC().Format(time.RFC3339))
		fmt.Fprintf(out, "  plan     %s\n  head     %s\n", a.PlanHash, a.Head)
	}
	fmt.Fprintf(out, "  file     %s\n  identity %s\n", a.SHA256, a.Identity)
	for _, line := range wording.Conditions(a.Conditions) {
		fmt.Fprintf(out, "  %s\n", line)
	}
	fmt.Fprintln(out)
	keyless := func(p ceremony.Person) bool { return p.Key == "" }
	if keys := slices.DeleteFunc(slices.Clone(a.People), keyless); len(keys) > 0 {
		fmt.Fprint(out, "People's signatures were checked by the keys that the plan names:\n")
		for _, p := range keys {
			fmt.Fprintf(out, "  %s  %s\n", p.Key, p.Name)
		}
		fmt.Fprintln(out)
	}
	for _, c := range a.Checks {
		mark := "ok  "
		switch {
		case !c.Passed():
			mark = "FAIL"
		case c.Count == 0:
			mark = "none"
		}
		fmt.Fprintf(out, "  %s  %-14s %s", mark, c.Name, c.Words)
		if c.Count > 1 {
			fmt.Fprintf(out, " (%d)", c.Count)
		}
		fmt.Fprintln(out)
	}
	if len(a.NotProven) > 0 {
		fmt.Fprint(out, "\nNot proven by it:\n")
		for _, gap := range a.NotProven {
			fmt.Fprintf(out, "  - %s\n", gap.Words)
		}
	}
}

// orNone returns s, or none when s is blank.
func orNone(s, none string) string {
	if strings.TrimSpace(s) == "" {
		return none
	}
	return s
}

// signed checks that a journal whose ceremony has ended has a signed transcript, and that
// the transcript holds. Without a pinned identity it checks nothing.
func (t transcripts) signed(out io.Writer, path string) error {
	if t.identity == "" {
		return nil
	}
	identity, err := t.pinned()
	if err != nil {
		return err
	}
	audit, owed, err := transcript.AuditJournal(path, identity, openpgp.Signatures{})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case audit == nil && owed:
		return fmt.Errorf("%s: it has ended, and no transcript of it was signed", path)
	case audit == nil:
		fmt.Fprintln(out, "  no transcript yet: it has not ended")
		return nil
	}
	if err := faultsOf(path, *audit); err != nil {
		return err
	}
	fmt.Fprintf(out, "  transcript of %s signed by %s, and holds\n", plural.Of(audit.Events, "event"), identity)
	for _, gap := range audit.NotProven {
		fmt.Fprintf(out, "    not proven: %s\n", gap.Words)
	}
	if owed {
		return fmt.Errorf("%s: something has happened since its transcript was signed that is in none", path)
	}
	return nil
}
