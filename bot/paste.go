package bot

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// Pasted is a command that people paste into a shell. It is made here alone, of a form
// that is written in this file and of words each of which has its shape. Of anything
// else, a fingerprint that is a command of somebody else's, no command is made.
type Pasted struct{ text string }

// Made reports whether there is a command.
func (p Pasted) Made() bool { return p.text != "" }

// String is the command, or words that say to paste nothing.
func (p Pasted) String() string {
	if !p.Made() {
		return "# PASTE NOTHING AND SEND NOTHING. " + oddWords
	}
	return p.text
}

const oddWords = "What belongs here does not look as it always does; somebody may be interfering. Tell your security team."

// blank is a word of a command, and whether it is of its shape.
type blank struct {
	word string
	fits bool
}

// paste fills in a form, whose verbs are all %s.
func paste(form string, blanks ...blank) Pasted {
	words := make([]any, len(blanks))
	for i, b := range blanks {
		if !b.fits {
			return Pasted{}
		}
		words[i] = b.word
	}
	return Pasted{fmt.Sprintf(form, words...)}
}

var (
	fileShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	// quotedShape is what stands for itself between quotes, in printf's format too.
	quotedShape = regexp.MustCompile(`^[A-Za-z0-9 .:_-]+$`)
	armorShape  = regexp.MustCompile(`^(?:-----(?:BEGIN|END) PGP [A-Z ]+-----|[A-Za-z]+: [ -~]*|[A-Za-z0-9+/=]*)$`)
	plainWord   = regexp.MustCompile(`^[A-Za-z0-9+./~][A-Za-z0-9+./~_-]*$`)
	// windowsShape is what stands for itself between double quotes, in cmd and PowerShell.
	windowsShape = regexp.MustCompile(`^[\pL\pN.~\\/][\pL\pM\pN .:~\\/_()+',;@#&={}\[\]-]*$`)
	unprintable  = regexp.MustCompile(`[^\pL\pM\pN\pP\pS ]`)
)

func file(name string) blank    { return blank{name, fileShape.MatchString(name)} }
func quoted(text string) blank  { return blank{text, quotedShape.MatchString(text)} }
func encoded(text string) blank { return blank{text, encodedShape.MatchString(text)} }
func aKey(f ceremony.Fingerprint) blank {
	return blank{f.String(), f.Valid()}
}
func anID(id ceremony.ID) blank { return blank{string(id), id.Valid()} }

// anyFile is a file wherever it is, in quotes where it needs them.
func anyFile(name string) blank { return fileOn(runtime.GOOS, name) }

func fileOn(system, name string) blank {
	switch {
	case plainWord.MatchString(name):
		return blank{name, true}
	case system == "windows": // its cmd knows no single quotes, and PowerShell has these as well
		return blank{`"` + name + `"`, windowsShape.MatchString(name)}
	}
	return blank{inQuotes(name), name != "" && !strings.HasPrefix(name, "-") && !unprintable.MatchString(name)}
}

func inQuotes(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// endOfPaste ends a here-document. No armor has a line like it.
const endOfPaste = "CONCLAVE"

// armored is a here-document's text. A line that ends it early would have the shell
// run what follows.
func armored(text string) blank {
	text = strings.TrimRight(text, "\n")
	fits := text != ""
	for line := range strings.SplitSeq(text, "\n") {
		fits = fits && line != endOfPaste && armorShape.MatchString(line)
	}
	return blank{text, fits}
}

const here = " <<'" + endOfPaste + "'"

func pasteInto(command, text string) Pasted {
	return paste(command+here+"\n%s\n"+endOfPaste, armored(text))
}

// ImportCommand has gpg take a certificate.
func ImportCommand(certificate string) Pasted { return pasteInto("gpg --import", certificate) }

// ReadCommand has gpg show what somebody has signed, and whose signature it is.
func ReadCommand(message string) Pasted { return pasteInto("gpg -d", message) }

// begun holds back what follows in a pipe until something has come through it, and
// has its first byte in $a: of a share that is missing or does not open, no envelope
// is made.
const begun = `a=$(dd bs=1 count=1 2>/dev/null); test "$a" && `

// SealCommand prints the envelope, into a file of the name out unless that is empty.
func SealCommand(c ceremony.Ceremony, to ceremony.Person, key ceremony.Announced, from, out string) Pasted {
	whole := c.ID().Valid() && key.Identity.Valid() && ceremony.IsNonce(key.Nonce) && ceremony.IsHash(c.PlanHash)
	bound := func(text string) blank { return blank{text, whole && quotedShape.MatchString(text)} }
	prefix, suffix, subkey := bound(key.Prefix(c.ID())), bound(key.Suffix(c.ID(), c.PlanHash)), aKey(ceremony.Fingerprint(key.Subkey))
	if key.Step == ceremony.Password {
		return paste(`cat %s | (`+begun+`{ printf '%s%%s' "$a"; cat; printf '%s'; } | gpg -ea --trust-model always --no-encrypt-to -r '%s!')%s`,
			file(from), prefix, suffix, subkey, into(out))
	}
	return paste(`gpg -qd %s | (`+begun+`{ printf '%s%%s' "$a"; cat; printf '%s'; } | gpg -sea --sig-notation '`+ceremony.SignatureNotation+`=%s' --no-encrypt-to -u %s -r '%s!')%s`,
		file(from), prefix, suffix, bound(key.Binding(c.ID(), c.PlanHash)), aKey(to.Key), subkey, into(out))
}

// into is a redirection to a file of this name, and nothing for none.
func into(out string) blank {
	if out == "" {
		return blank{fits: true}
	}
	return blank{" > " + out, fileShape.MatchString(out)}
}

// AnswerCommand is how somebody answers a roll call with gpg: what is decrypted goes
// from gpg to gpg, and its hash is what is signed.
func AnswerCommand(c ceremony.Ceremony, to ceremony.Person, challenge ceremony.Challenge, out string) Pasted {
	return paste(`gpg -qd`+here+` | (`+begun+`printf '%%s %%s\n' '%s' "$({ printf %%s "$a"; cat; } | gpg --with-colons --print-md sha256 | cut -d: -f3)" | gpg -sa -u %s)%s`+"\n%s\n"+endOfPaste,
		quoted(c.WordFor(ceremony.SayPresent).Line()), aKey(to.Key), into(out), armored(challenge.Ciphertext))
}

// signCommand is how a word is signed with gpg. A word is made of what Conclave has
// chosen, so that nothing in it needs quoting.
func signCommand(w ceremony.Word, key ceremony.Fingerprint) Pasted {
	return paste("echo '%s' | gpg -sa -u %s", quoted(w.Line()), aKey(key))
}

// SignCommand is how a word is signed with gpg into a file, whatever its speaker adds.
func SignCommand(w ceremony.Word, key ceremony.Fingerprint, out string) Pasted {
	line := w.Line()
	return paste(`printf '%%s\n' %s | gpg --sign --armor -u %s%s`, blank{inQuotes(line), !unprintable.MatchString(line)}, aKey(key), into(out))
}

// saveCommand keeps a new share, and never in the place of another one.
func saveCommand(name, armor string) Pasted {
	return paste("(set -C; cat > %s)"+here+"\n%s\n"+endOfPaste, file(name), armored(armor))
}

// TryCommand says on this computer whether a file opens, and shows nothing of it.
func TryCommand(name string) Pasted {
	return paste("gpg -qd %s > "+os.DevNull+" && echo 'it opens'", anyFile(name))
}

// ProveCommand seals the share in a file, with the program.
func ProveCommand(name string) Pasted {
	return paste("conclave seal --encrypted %s MESSAGE", anyFile(name))
}

// DecodeCommand reads a token that was combined with a one-time password.
func DecodeCommand(name string) Pasted {
	return paste("conclave decode --otp FILE < %s", anyFile(name))
}

// copied shows a command. It is the only way in which one gets into a message.
func copied(p Pasted) slack.Block {
	if !p.Made() {
		return stop
	}
	return listing(p.text)
}

// inline shows a command within a sentence.
func inline(format string, p Pasted) slack.Block {
	if !p.Made() {
		return stop
	}
	return section(format, p.text)
}

// stop stands in the place of a command that was not made.
var stop slack.Block = section(":octagonal_sign: *Paste nothing and send nothing.* %s", oddWords)

// orStop is the message, or nothing of it but stop where a command was not made.
func (m message) orStop() message {
	if !slices.Contains(m.blocks, stop) {
		return m
	}
	return message{line: "Paste nothing and send nothing. " + oddWords, blocks: []slack.Block{stop}}
}
