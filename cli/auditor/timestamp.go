package auditor

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"conclave/archive"
	"conclave/cli"
	"conclave/host"
)

// stamped says how the time stamp of a transcript is checked.
type stamped struct {
	file string // with the time-stamp response, as it lies beside the transcript
	ca   string // PEM file with the authorities that the auditor trusts
}

// given reports whether a time stamp is to be checked.
func (s stamped) given() bool { return s.file != "" || s.ca != "" }

// usage returns an error of usage when a time stamp can't be checked by these flags.
func (s stamped) usage(paths int, json bool) error {
	switch {
	case !s.given():
		return nil
	case s.file == "" || s.ca == "":
		return cli.NewUsageError(errors.New("--timestamp and --tsa-ca go together: " +
			"the time stamp, and who vouches for the server that made it"))
	case paths != 1:
		return cli.NewUsageError(errors.New("--timestamp takes one transcript"))
	case json:
		return cli.NewUsageError(errors.New("--timestamp is told in words, without --json"))
	}
	return nil
}

// verify checks that the time stamp is about this transcript, and prints when it was made.
// It asks nobody.
func (s stamped) verify(out io.Writer, transcript []byte, now time.Time) error {
	authorities, err := host.ReadAuthorities(host.Path(s.ca))
	if err != nil {
		return fmt.Errorf("--tsa-ca: %w", err)
	}
	response, err := host.ReadFile(host.Path(s.file), false)
	if err != nil {
		return fmt.Errorf("--timestamp: %w", err)
	}
	stamp, err := archive.VerifyStamp(response, sha256.Sum256(transcript), authorities, now)
	if err != nil {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	fmt.Fprintf(out, "%s: the transcript was there at %s\n", s.file, stamp)
	return nil
}
