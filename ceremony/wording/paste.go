package wording

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// Pasted is a command that people paste into a shell. It is made in this package alone, of a
// form that is written here and of words that each have their shape. If a word does not
// have its shape, for example a fingerprint that is a command, no command is made.
//
// A command with something of a ceremony in it is shown in no message: it is in an [Order],
// which the identity signs, and people copy it from where gpg has printed that.
type Pasted struct{ Text string }

// Made reports whether there is a command.
func (p Pasted) Made() bool { return p.Text != "" }

// String returns the command, or words that say to paste nothing.
func (p Pasted) String() string {
	if !p.Made() {
		return PasteNothing
	}
	return p.Text
}

// PasteNothing stands in the place of a command, where nothing around it is marked up.
const PasteNothing = "# PASTE NOTHING AND SEND NOTHING. " + OddWords

// OddWords are said in the place of a command that was not made.
const OddWords = "What belongs here does not look as it always does; somebody may be interfering. Tell your security team."

// Blank is a word of a command. Fits is set when the word has its shape.
type Blank struct {
	Word string
	Fits bool
}

// Paste returns a form, whose verbs are all %s, with its blanks filled in.
func Paste(form string, blanks ...Blank) Pasted {
	words := make([]any, len(blanks))
	for i, b := range blanks {
		if !b.Fits {
			return Pasted{}
		}
		words[i] = b.Word
	}
	return Pasted{fmt.Sprintf(form, words...)}
}

var (
	fileShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	// quotedShape matches what stands for itself between quotes, and in printf's format.
	quotedShape = regexp.MustCompile(`^[A-Za-z0-9 .:_-]+$`)
	armorShape  = regexp.MustCompile(`^(?:-----(?:BEGIN|END) PGP [A-Z ]+-----|[A-Za-z]+: [ -~]*|[A-Za-z0-9+/=]*)$`)
	plainWord   = regexp.MustCompile(`^[A-Za-z0-9+./~][A-Za-z0-9+./~_-]*$`)
	// windowsShape matches what stands for itself between double quotes, in cmd and
	// PowerShell.
	windowsShape = regexp.MustCompile(`^[\pL\pN.~\\/][\pL\pM\pN .:~\\/_()+',;@#&={}\[\]-]*$`)
	unprintable  = regexp.MustCompile(`[^\pL\pM\pN\pP\pS ]`)
)

// File is the name of a file in the folder at hand.
func File(name string) Blank { return Blank{name, fileShape.MatchString(name)} }

// quoted is a text that stands between single quotes.
func quoted(text string) Blank { return Blank{text, quotedShape.MatchString(text)} }

// AKey is the fingerprint of a key.
func AKey(f ceremony.Fingerprint) Blank { return Blank{f.String(), f.Valid()} }

// anyFile returns the path of a file as the shell of this system reads it.
func anyFile(name string) Blank { return fileOn(runtime.GOOS, name) }

func fileOn(system, name string) Blank {
	switch {
	case plainWord.MatchString(name):
		return Blank{name, true}
	case system == "windows": // its cmd knows no single quotes, and PowerShell has these as well
		return Blank{`"` + name + `"`, windowsShape.MatchString(name)}
	}
	return Blank{inQuotes(name), name != "" && !strings.HasPrefix(name, "-") && !unprintable.MatchString(name)}
}

func inQuotes(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// armored returns the lines of an armored text as words, each between quotes. So its command
// is a single line. For the last line of a here-document that was not copied, a shell would
// wait, and say nothing.
func armored(text string) Blank {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	fits := isArmored(lines) && !strings.Contains(text, "'")
	return Blank{"'" + strings.Join(lines, "' '") + "'", fits}
}

func isArmored(lines []string) bool {
	return lines[0] != "" && !slices.ContainsFunc(lines, func(l string) bool { return !armorShape.MatchString(l) })
}

// feed writes an armored text into a pipe.
const feed = `printf '%%s\n' %s | `

// pasteInto returns a command that reads an armored text.
func pasteInto(command, text string) Pasted { return Paste(feed+command, armored(text)) }

// IsArmor reports whether a text has the shape of PGP blocks, and of nothing else. People
// paste it into gpg, and never at a shell's prompt.
func IsArmor(text string) bool {
	return isArmored(strings.Split(strings.TrimRight(text, "\n"), "\n")) && strings.HasPrefix(text, "-----BEGIN PGP ")
}

// begun holds back what follows in a pipe until something has come through it, and puts
// the first byte into $a. So no envelope is made of a share that is missing or does not
// open.
const begun = `a=$(dd bs=1 count=1 2>/dev/null); test "$a" && `

// SealCommand makes the envelope of the share in the file from. It prints the envelope, or
// writes it to the file out unless that is empty.
func SealCommand(c rules.State, to ceremony.Person, key ceremony.Announced, from, out string) Pasted {
	whole := c.ID().Valid() && key.Identity.Valid() && ceremony.IsNonce(key.Nonce) && ceremony.IsHash(c.PlanHash)
	bound := func(text string) Blank { return Blank{text, whole && quotedShape.MatchString(text)} }
	prefix, suffix, subkey := bound(key.Prefix(c.ID())), bound(key.Suffix(c.ID(), c.PlanHash)), AKey(ceremony.Fingerprint(key.Subkey))
	if key.Step == ceremony.StepOTP {
		return Paste(`cat %s | (`+begun+`{ printf '%s%%s' "$a"; cat; printf '%s'; } | gpg -ea --trust-model always --no-encrypt-to -r '%s!')%s`,
			File(from), prefix, suffix, subkey, into(out))
	}
	return Paste(`gpg -qd %s | (`+begun+`{ printf '%s%%s' "$a"; cat; printf '%s'; } | gpg -sea --sig-notation '`+ceremony.SignatureNotation+`=%s' --no-encrypt-to -u %s -r '%s!')%s`,
		File(from), prefix, suffix, bound(key.Binding(c.ID(), c.PlanHash)), AKey(to.Key), subkey, into(out))
}

// into returns a redirection to a file, or nothing when the name is empty.
func into(out string) Blank {
	if out == "" {
		return Blank{Fits: true}
	}
	return Blank{" > " + out, fileShape.MatchString(out)}
}

// AnswerCommand answers a roll call with gpg. What is decrypted goes from gpg to gpg, and
// its hash is signed.
func AnswerCommand(c rules.State, to ceremony.Person, challenge ceremony.Challenge, out string) Pasted {
	return Paste(feed+`gpg -qd | (`+begun+`printf '%%s %%s\n' '%s' "$({ printf %%s "$a"; cat; } | gpg --with-colons --print-md sha256 | cut -d: -f3)" | gpg -sa -u %s)%s`,
		armored(challenge.Ciphertext), quoted(c.StatementFor(ceremony.SayPresent).Line()), AKey(to.Key), into(out))
}

// statementCommand signs a statement with gpg. The statement is made of what Conclave has
// chosen, so nothing in it needs quoting.
func statementCommand(w ceremony.Statement, key ceremony.Fingerprint) Pasted {
	return Paste("echo '%s' | gpg -sa -u %s", quoted(w.Line()), AKey(key))
}

// SignCommand signs a statement with gpg into a file, whatever text its signer adds.
func SignCommand(w ceremony.Statement, key ceremony.Fingerprint, out string) Pasted {
	line := w.Line()
	return Paste(`printf '%%s\n' %s | gpg --sign --armor -u %s%s`, Blank{inQuotes(line), !unprintable.MatchString(line)}, AKey(key), into(out))
}

// saveCommand writes a new share to a file, and never replaces one.
func saveCommand(name, armor string) Pasted {
	return Paste(feed+"(set -C; cat > %s)", armored(armor), File(name))
}

// TryCommand tries on this computer whether a file opens, and shows nothing of it.
func TryCommand(name string) Pasted {
	return Paste("gpg -qd %s > "+os.DevNull+" && echo 'it opens'", anyFile(name))
}

// ProveCommand seals the share in a file, with the program.
func ProveCommand(name string) Pasted {
	return Paste("conclave seal --encrypted %s MESSAGE", anyFile(name))
}

// DecodeCommand reads a token that was combined with a one-time password.
func DecodeCommand(name string) Pasted {
	return Paste("conclave decode --otp FILE < %s", anyFile(name))
}
