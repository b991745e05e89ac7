// Package holder has the commands of who holds a share or requests a token: seal, open,
// pin, otp and decode. They run on a person's own computer, with their key, and are linked
// with neither Slack nor Vault.
package holder

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"conclave/ceremony/leak"
	"conclave/ceremony/paste"
	"conclave/cli"
	"conclave/host"
)

// DecodeCommand returns conclave decode.
func DecodeCommand(std cli.Streams) *cobra.Command {
	var otp string
	var remove bool
	cmd := &cobra.Command{
		Use:   "decode --otp FILE [ENCODED]",
		Short: "For a requester without a PGP key: read the token that Vault has made",
		Long: `Read the token that Vault has combined with your one-time password, on your own
computer. ENCODED is what Conclave's direct message has; the whole message can be
given as well, or pasted into standard input. It is not secret, the password is.

The token alone goes to standard output.`,
		Example: `  export VAULT_TOKEN="$(conclave decode --otp otp.txt --remove ENCODED)"
  pbpaste | conclave decode --otp otp.txt`,
		Args: cli.Arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cli.NeedFlags(cmd, "otp"); err != nil {
				return err
			}
			return decode(std, args, host.Path(otp), remove)
		},
	}
	cmd.Flags().StringVar(&otp, "otp", "", "file with your one-time password")
	cmd.Flags().BoolVar(&remove, "remove", false, "remove the password's file once the token is out")
	return cmd
}

// decode prints the token, and removes the password's file after it when remove is set. It
// reads what is pasted first: without the file, the paste would be typed into the shell.
func decode(std cli.Streams, args []string, otp host.Path, remove bool) error {
	var text []byte
	var err error
	if len(args) > 0 && args[0] != "-" {
		text = []byte(args[0])
	} else if text, err = readPasted(std); err != nil {
		return err
	}
	password, err := readPassword(otp)
	if err != nil {
		return err
	}
	defer clear(password)
	token, err := decodeToken([]byte(paste.Text(text)), password)
	if err != nil {
		return err
	}
	line := append(token, '\n') // decodeToken has left room, so that there is no second copy
	defer clear(line)
	if _, err := std.Out.Write(line); err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	adviseOnToken(std.Err, token)
	if !remove {
		fmt.Fprintf(std.Err,
			"\nRemove %s: the password is for one token, and a second one under it would give both away.\n", otp)
		return nil
	}
	if err := os.Remove(string(otp)); err != nil {
		return fmt.Errorf("remove one-time password: %w", err)
	}
	fmt.Fprintf(std.Err, "\n%s is removed.\n", otp)
	return nil
}

// Errors about an encoded token. None of them repeats what was given: it could be the
// password, or a token in the open.
var (
	errNoEncoded = errors.New("there is no encoded token in it that fits the password")
	errNoToken   = errors.New("the password and the encoded token don't belong together: what comes out is no token")
)

// decodeToken finds the encoded token in text, which may be the word alone or a whole
// message, and returns the token. Vault's encoded_token is base64 without padding of token
// and password, byte for byte exclusive-or (command/operator_generate_root.go, decode).
// The password is as long as the token, and random: of all the words of a message only the
// right one turns into something that looks like a token. The caller wipes the token.
func decodeToken(text, password []byte) ([]byte, error) {
	encoding := base64.RawStdEncoding.Strict()
	token := make([]byte, len(password), len(password)+1)
	words, longest, candidates := 0, 0, 0
	for word := range bytes.FieldsFuncSeq(text, func(r rune) bool { return !inBase64(r) }) {
		words++
		longest = max(longest, len(word))
		if len(word) != encoding.EncodedLen(len(password)) {
			continue
		}
		candidates++
		if _, err := encoding.Decode(token, word); err != nil {
			continue
		}
		subtle.XORBytes(token, token, password)
		if leak.IsToken(token) {
			return token, nil
		}
	}
	clear(token)
	switch {
	case candidates > 0:
		return nil, cli.WithHint(errNoToken,
			"Is it the file whose commitment the plan has (conclave otp show FILE)? Was the encoded token copied as it is?")
	case words == 1:
		return nil, cli.WithHint(
			fmt.Errorf("%w: it has %d characters, and would have %d with a password of %d",
				errNoEncoded, longest, encoding.EncodedLen(len(password)), len(password)),
			"Was it copied whole? Is it the file whose commitment the plan has (conclave otp show FILE)?",
		)
	}
	return nil, cli.WithHint(
		fmt.Errorf("%w: %d characters of base64", errNoEncoded, encoding.EncodedLen(len(password))),
		"Copy it from Conclave's direct message. "+
			"A token that comes as a PGP message is encrypted to a key: gpg -d opens it.",
	)
}

// inBase64 reports whether a character is one of base64, without the padding.
func inBase64(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/'
}

// adviseOnToken prints what such a token may do, and how to get rid of it.
func adviseOnToken(w io.Writer, token []byte) {
	if bytes.HasPrefix(token, []byte("hvr.")) || bytes.HasPrefix(token, []byte("r.")) {
		fmt.Fprintln(w, "\nThis token may do everything on a server in recovery mode, until that server is restarted. "+
			"Restart it as soon as you are done.")
		return
	}
	fmt.Fprint(w, `
This is a root token: it may do everything, and nothing but its revocation ends
it. With the token in VAULT_TOKEN:
  vault token lookup -format=json | jq -r .data.accessor    what names it without giving it away
  /ceremony accessor ID ACCESSOR                            in Slack: Conclave watches until it is gone
  vault token revoke -self                                  when you have done what it was made for
`)
}
