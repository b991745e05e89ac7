package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// endOfPaste ends a here-document. No armor has a line like it.
const endOfPaste = "CONCLAVE"

func pasteInto(command, text string) string {
	return fmt.Sprintf("%s <<'%s'\n%s\n%s", command, endOfPaste, strings.TrimRight(text, "\n"), endOfPaste)
}

// request is what is wanted of somebody in one step.
type request struct {
	what string // the title
	line string // what a phone shows
	news string // a paragraph more; may be empty
	do   string // the step that sends it
	file string // in which it is kept, as far as Conclave knows
	note string // about that file
}

// requestOf says what a step wants of somebody.
func requestOf(c ceremony.Ceremony, to ceremony.Person, step ceremony.Step) request {
	r := request{
		what: "Your share of the key in force is needed",
		do:   "Encrypt and sign your share, and send me what this prints, " + howToSend(c.Plan) + ":",
		file: "share.asc",
		note: "`share.asc` stands for the file in which you keep your share, encrypted to you. Your share passes from gpg to gpg: it is never in a file, in your shell's history or in Slack.",
	}
	switch step {
	case ceremony.Verify:
		r.what, r.file = "Please prove that you can use your new share", shareFile(c.ID())
		r.note = "`" + r.file + "` is the file that you have just been given. Your share passes from gpg to gpg: it is never in a file, in your shell's history or in Slack."
	case ceremony.Enter:
		r.what = "Your share is needed to unseal " + c.Plan.Cluster
		r.line, r.news = r.what, wantedNodes(c, to)
	case ceremony.Practice:
		r.what = "A drill: please prove that you can use your share"
		r.line = r.what + " for " + c.Plan.Cluster
		r.news = "Nothing is done with it: Conclave makes sure that your message opens, that you have signed it and that there is a share in it, and throws the share away. Vault is asked nothing."
	case ceremony.Password:
		r.what, r.file = "Your one-time password is needed", "otp.txt"
		r.news = "Vault combines your token with it. It has to be the one whose commitment the plan has."
		r.do = "Or with gpg: encrypt the password, and send me what this prints, " + howToSend(c.Plan) + ":"
		r.note = "`otp.txt` stands for the file that `conclave otp new` has made. The password itself is never in Slack."
	case ceremony.Update:
		r.news = unverified(c.Plan)
		if c.Plan.Operation == ceremony.RekeyRecovery {
			r.what = "Your share of the recovery key is needed"
		}
	}
	if r.line == "" {
		r.line = r.what + ": " + subject(c.Plan)
	}
	return r
}

// wantedNodes says which nodes a share is for, and why it is wanted again.
func wantedNodes(c ceremony.Ceremony, to ceremony.Person) string {
	var sealed []string
	for _, n := range c.Nodes {
		if n.Reached && n.Sealed && !slices.ContainsFunc(n.With, func(p ceremony.Person) bool { return p.Account == to.Account }) {
			sealed = append(sealed, n.Address)
		}
	}
	again := slices.ContainsFunc(c.Round.Counted, func(s ceremony.Contribution) bool { return s.By.Account == to.Account })
	switch {
	case len(sealed) == 0:
		return ""
	case again:
		return fmt.Sprintf(":lock: *Once more, please:* %s came sealed after you had sent yours, and nobody keeps a share.", listAnd(nodeNames(sealed)))
	}
	return fmt.Sprintf(":lock: Sealed: %s. You send your share once, and every one of them gets it.", listAnd(nodeNames(sealed)))
}

// renderAsk tells somebody exactly what to run. The recipient is the ceremony's
// own subkey and not the identity: of several subkeys gpg takes the newest, which
// is another ceremony's when two are open.
func renderAsk(c ceremony.Ceremony, to ceremony.Person, key ceremony.Announced) message {
	if c.Key == nil || c.Key.Subkey != key.Subkey || c.Ended() {
		return renderReplacedAsk(c)
	}
	if !pasteable.MatchString(key.Prefix(c.ID())) {
		return renderOddNonce(c)
	}
	r := requestOf(c, to, key.Step)
	blocks := []slack.Block{
		title(r.what),
		section("*%s* (`%s`), %s. Until %s.", subject(c.Plan), c.ID(), agreedBy(c), when(key.Expires)),
	}
	if r.news != "" {
		blocks = append(blocks, section("%s", r.news))
	}
	blocks = append(blocks,
		section("*1.* Take the key of this ceremony:"),
		listing(pasteInto("gpg --import", key.Certificate)),
		section("*2.* Read what you agree to. gpg must say `Good signature` by the key that you were given once and have pinned:"),
		listing(grouped(key.Identity)),
		listing(pasteInto("gpg -d", key.Announcement)),
		section("The plan in it has the hash `%s` (%s).", short(c.PlanHash), ceremony.SpokenHash(c.PlanHash, spokenWords)),
	)
	if key.Step == ceremony.Password {
		blocks = append(blocks, sendPassword(c, to, key, r)...)
	} else {
		blocks = append(blocks, sendShare(c, to, key, r)...)
	}
	return message{line: r.line, blocks: blocks}
}

func sendShare(c ceremony.Ceremony, to ceremony.Person, key ceremony.Announced, r request) []slack.Block {
	blocks := []slack.Block{section("*3.* %s", r.do), listing(sealCommand(c, to, key, r))}
	blocks = append(blocks, formButton(c)...)
	return append(blocks,
		footnote("%s", r.note),
		divider(),
		footnote("Or with the program `conclave`: paste this whole message into `conclave seal`. It checks all of this for you, by the identity that you have pinned."),
	)
}

// sendPassword is for somebody without a PGP key: they have the program, which has
// made the password, and nothing to sign with.
func sendPassword(c ceremony.Ceremony, to ceremony.Person, key ceremony.Announced, r request) []slack.Block {
	blocks := []slack.Block{
		section("*3.* Paste the two PGP blocks above into this, which checks all of it for you, and send me what it prints, %s:", howToSend(c.Plan)),
		listing("conclave seal --otp " + r.file),
		section("%s", r.do),
		listing(sealCommand(c, to, key, r)),
	}
	blocks = append(blocks, formButton(c)...)
	return append(blocks, footnote("%s", r.note))
}

// sealCommand prints the envelope.
func sealCommand(c ceremony.Ceremony, to ceremony.Person, key ceremony.Announced, r request) string {
	if key.Step == ceremony.Password {
		return fmt.Sprintf("{ printf '%s'; cat %s; printf '%s'; } | gpg -ea --trust-model always --no-encrypt-to -r '%s!'",
			key.Prefix(c.ID()), r.file, key.Suffix(c.ID(), c.PlanHash), strings.ToUpper(key.Subkey))
	}
	return fmt.Sprintf("{ printf '%s'; gpg -qd %s; printf '%s'; } | gpg -sea --sig-notation '%s=%s' --no-encrypt-to -u %s -r '%s!'",
		key.Prefix(c.ID()), r.file, key.Suffix(c.ID(), c.PlanHash),
		ceremony.SignatureNotation, key.Binding(c.ID(), c.PlanHash), to.Key, strings.ToUpper(key.Subkey))
}

// formButton is for people who don't want their message in a conversation, where the
// plan lets it come by a form.
func formButton(c ceremony.Ceremony) []slack.Block {
	if !mayCome(c.Plan, ceremony.ByForm) {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("send", button(verbForm, formValue(c), "Use a form", slack.StyleDefault, nil))}
}

// mayCome says whether a plan lets an envelope come this way.
func mayCome(p ceremony.Plan, way ceremony.Way) bool {
	return len(p.Ways) == 0 || slices.Contains(p.Ways, way)
}

// howToSend says which ways there are besides the form, which has a button.
func howToSend(p ceremony.Plan) string {
	text, file := mayCome(p, ceremony.ByText), mayCome(p, ceremony.ByFile)
	switch {
	case text && file:
		return "here, as text or as a file"
	case text:
		return "here, as text and not as a file"
	case file:
		return "here, as a file and not as text"
	}
	return "with the form and not as a message"
}

// agreedBy says who stands behind a request.
func agreedBy(c ceremony.Ceremony) string {
	if len(c.Approvals) == 0 {
		return "opened by " + initiator(c.Plan)
	}
	all := make([]string, len(c.Approvals))
	for i, a := range c.Approvals {
		all[i] = escape(a.By.Name)
	}
	return fmt.Sprintf("proposed by %s and approved by %s", initiator(c.Plan), listAnd(all))
}

func renderReplacedAsk(c ceremony.Ceremony) message {
	words := "This request was replaced by a newer one. Follow that."
	if c.Ended() {
		words = "Nothing is wanted from you any more. " + outcomeWords(c)
	}
	return message{line: plainText(words), blocks: []slack.Block{section("%s", words), footnote("`%s`", c.ID())}}
}

// pasteable is what may stand between quotes in a command that people paste into
// a shell. The nonce in it is what Vault sent.
var pasteable = regexp.MustCompile(`^[A-Za-z0-9 -]+$`)

func renderOddNonce(c ceremony.Ceremony) message {
	m := say(":octagonal_sign: *Send nothing.* Vault's nonce has characters that no nonce of Vault's has; somebody may be interfering. Tell your security team.")
	m.blocks = append(m.blocks, footnote("`%s`", c.ID()))
	return m
}

// grouped is a fingerprint as gpg prints it for comparing.
func grouped(f ceremony.Fingerprint) string {
	s := f.String()
	var groups []string
	for len(s) > 4 {
		groups = append(groups, s[:4])
		s = s[4:]
	}
	groups = append(groups, s)
	if len(groups) == 10 {
		groups[4] += " "
	}
	return strings.Join(groups, " ")
}

func divider() slack.Block { return slack.NewDividerBlock() }
