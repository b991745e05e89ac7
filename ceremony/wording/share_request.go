package wording

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// Request holds the words of a request for a share or a password.
type Request struct {
	What string // the title
	Line string // what a phone shows
	News string // a paragraph more; may be empty
	File string // in which it is kept, as far as Conclave knows
	Note string // about that file
}

// RequestOf returns the request of a step to a person.
func RequestOf(c rules.State, to ceremony.Person, step ceremony.Step) Request {
	r := Request{
		What: "Your share of the key in force is needed",
		File: "share.asc",
		Note: "`share.asc` stands for the file in which you keep your share, encrypted to you. As Vault itself prints one, in base64 or digits without `BEGIN PGP MESSAGE`, gpg can't read it; `conclave seal` can. Your share passes from gpg to gpg: it is never in a file, in your shell's history or in Slack.",
	}
	switch step {
	case ceremony.StepVerify:
		r.What, r.File = "Please prove that you can use your new share", ShareFile(c, c.Seq())
		r.Note = "`" + r.File + "` is the file that you have just been given, as `conclave open` has called it too. Your share passes from gpg to gpg: it is never in a file, in your shell's history or in Slack."
	case ceremony.StepUnseal:
		r.What = "Your share is needed to unseal " + c.Plan.Cluster
		r.Line, r.News = r.What, wantedNodes(c, to)
	case ceremony.StepDrill:
		r.What = "A drill: please prove that you can use your share"
		r.Line = r.What + " for " + c.Plan.Cluster
		r.News = "Nothing is done with it: Conclave makes sure that your message opens, that you have signed it and that there is a share in it, and throws the share away. Vault is asked nothing."
	case ceremony.StepOTP:
		r.What, r.File = "Your one-time password is needed", "otp.txt"
		r.News = "Vault combines your token with it. It has to be the one whose commitment the plan has."
		r.Note = "`otp.txt` stands for the file that `conclave otp new` has made. The password itself is never in Slack."
	case ceremony.StepUpdate:
		r.News = unverified(c.Plan)
		if c.Plan.Operation == ceremony.RekeyRecovery {
			r.What = "Your share of the recovery key is needed"
		}
	}
	if r.Line == "" {
		r.Line = r.What + ": " + Subject(c.Plan)
	}
	return r
}

// wantedNodes says which nodes a share is for, and why it is wanted again.
func wantedNodes(c rules.State, to ceremony.Person) string {
	var sealed []string
	for _, n := range c.Nodes {
		if n.Reached && n.Sealed && !slices.ContainsFunc(n.With, func(p ceremony.Person) bool { return p.Account == to.Account }) {
			sealed = append(sealed, n.Address)
		}
	}
	again := slices.ContainsFunc(c.Round.Counted, func(s rules.Contribution) bool { return s.By.Account == to.Account })
	switch {
	case len(sealed) == 0:
		return ""
	case again:
		return fmt.Sprintf(":lock: *Once more, please:* %s came sealed after you had sent yours, and nobody keeps a share.", ListAnd(nodeNames(sealed)))
	}
	return fmt.Sprintf(":lock: Sealed: %s. You send your share once, and every one of them gets it.", ListAnd(nodeNames(sealed)))
}

// MayCome reports whether a plan lets an envelope come this way.
func MayCome(p ceremony.Plan, way ceremony.Intake) bool {
	return len(p.Ways) == 0 || slices.Contains(p.Ways, way)
}

// HowToSend says which ways a plan allows besides the form, which has a button.
func HowToSend(p ceremony.Plan) string {
	text, file := MayCome(p, ceremony.ByText), MayCome(p, ceremony.ByFile)
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

// AgreedBy says who proposed a ceremony and who approved it.
func AgreedBy(c rules.State) string {
	if len(c.Approvals) == 0 {
		return "opened by " + Initiator(c.Plan)
	}
	all := make([]string, len(c.Approvals))
	for i, a := range c.Approvals {
		all[i] = Escape(a.By.Name)
	}
	return fmt.Sprintf("proposed by %s and approved by %s", Initiator(c.Plan), ListAnd(all))
}

// Grouped returns a fingerprint in groups, as gpg prints it for comparing.
func Grouped(f ceremony.Fingerprint) string {
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
