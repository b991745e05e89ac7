package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

// options are the command line.
type options struct {
	auto     bool
	list     bool
	play     play
	vault    string
	token    string // in the open, from its file
	shares   []string
	ca       []byte
	dir      string
	conclave string
	speed    float64
	yes      bool
}

const usage = `A key ceremony from beginning to end, with the real bot, in this terminal.

  go run ./rehearsal --auto     watch a rekey, of which everything is asked that a
                                policy can ask, and a generate-root
  go run ./rehearsal --audit    watch an auditor check a transcript, and find what was forged
  go run ./rehearsal            be any of the people yourself: type "help" there
  go run ./rehearsal --list     every operation that can be played or practised:
  go run ./rehearsal --auto --operation NAME
  go run ./rehearsal --operation NAME

It needs nothing but Go: Slack, Vault and everybody's PGP keys are made for the
occasion. With --vault the ceremonies happen on a development server of yours:

  go run ./rehearsal --auto --vault http://127.0.0.1:8200 \
      --vault-token-file root-token --unseal-key-file unseal-keys

The rekey is real there: the old unseal keys stop working, and the new ones are
written to a file whose path is told at the end. Never use it on a server whose
data anybody needs.

Flags:
`

// parseOptions reads the command line and the files that it names.
func parseOptions(args []string, t terminal) (options, error) {
	var o options
	var operation, token, keys, ca string
	flags := flag.NewFlagSet("rehearsal", flag.ContinueOnError)
	flags.SetOutput(t.out)
	flags.Usage = func() {
		fmt.Fprint(t.out, usage)
		flags.PrintDefaults()
	}
	speed, audit := 0.0, false
	if t.styled {
		speed = 1
	}
	flags.BoolVar(&o.auto, "auto", false, "play by itself; exit 0 only if everything held")
	flags.StringVar(&operation, "operation", "", "`name` of what is played; default: a rekey and a generate-root")
	flags.BoolVar(&audit, "audit", false, "the auditor's walk: the same as --auto --operation audit")
	flags.BoolVar(&o.list, "list", false, "name everything that can be played, and what happens there")
	flags.StringVar(&o.vault, "vault", "", "`address` of a development server; default: an emulated Vault")
	flags.StringVar(&token, "vault-token-file", "", "`file` with a root token of that server")
	flags.StringVar(&keys, "unseal-key-file", "",
		"`file` with all its unseal keys, one a line, at most five; without it, the server must be uninitialised")
	flags.StringVar(&ca, "vault-ca-file", "", "`file` in PEM with the authority of its certificate")
	flags.StringVar(&o.dir, "dir", "", "`folder` for configuration, journal and log; default: a new one")
	flags.StringVar(&o.conclave, "conclave", "", "`program` to rehearse with; default: it is built from this checkout")
	flags.Float64Var(&o.speed, "speed", speed,
		"pace of --auto: 2 is twice as fast, 0 has no pauses; default: 1 in a terminal, else 0")
	flags.BoolVar(&o.yes, "yes", false, "with --vault: don't ask whether that server may be changed")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q is not a flag; see --help", flags.Arg(0))
	case audit && operation != "":
		return o, errors.New("--audit is an operation of its own: leave --operation out")
	case o.speed < 0:
		return o, errors.New("--speed can't be negative")
	case o.vault == "" && (token != "" || keys != "" || ca != ""):
		return o, errors.New("--vault-token-file, --unseal-key-file and --vault-ca-file go with --vault")
	case (token == "") != (keys == ""):
		return o, errors.New("a server that is initialised needs both --vault-token-file and --unseal-key-file; one that is not needs neither")
	}
	if audit {
		o.auto, operation = true, "audit"
	}
	var err error
	if o.play = both; o.auto {
		o.play = watched()
	}
	if operation != "" {
		if o.play, err = findPlay(operation); err != nil {
			return o, err
		}
	}
	if o.vault != "" && !o.play.anywhere {
		return o, fmt.Errorf("--operation %s needs a Vault that is made for it: leave --vault out", operation)
	}
	if token != "" {
		lines, err := readLines(token)
		switch {
		case err != nil:
			return o, fmt.Errorf("--vault-token-file: %w", err)
		case len(lines) != 1:
			return o, fmt.Errorf("--vault-token-file: %s has %d lines, not one", token, len(lines))
		}
		o.token = lines[0]
	}
	if keys != "" {
		if o.shares, err = readLines(keys); err != nil {
			return o, fmt.Errorf("--unseal-key-file: %w", err)
		}
	}
	if ca != "" {
		if o.ca, err = os.ReadFile(ca); err != nil {
			return o, fmt.Errorf("--vault-ca-file: %w", err)
		}
	}
	if o.vault == "" || o.yes || o.list {
		return o, nil
	}
	return o, agree(o.vault, t)
}

// agree asks the user whether the server may be changed.
func agree(server string, t terminal) error {
	if !t.live {
		return errors.New("--vault changes that server for good, its keys for example; say --yes if it may be")
	}
	fmt.Fprintf(t.out, "This changes %s for good, its keys for example. Type yes if nobody needs what is in it: ", server)
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

func readLines(path string) ([]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(content)), nil
}
