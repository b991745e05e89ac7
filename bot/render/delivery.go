package render

import (
	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Delivery hands a share, encrypted, to its holder.
func Delivery(c rules.State, m rules.Message, p ceremony.Parcel, s ceremony.SignedParcel) Message {
	name, what := wording.DeliveredFile(c, m), wording.DeliveryTitle(c.Plan)
	blocks := []slack.Block{title(what)}
	if news := wording.DeliveryNews(c, m.Entry); news != "" {
		blocks = append(blocks, section("%s", news))
	}
	blocks = append(blocks,
		section("Share %d of %d, encrypted by Vault to your key. Only you can open it:", p.Index, p.Total),
		listing(wording.Grouped(p.Recipient)),
		section("*1.* Save it. A file that is there is not replaced: then you have saved it before."),
		Copied(wording.SaveCommand(name, s.Armor)),
		section("*2.* Check that it is yours and that you can open it. The first command shows Conclave's signed line, which ends with the number that the second prints:"),
		Copied(wording.ReadCommand(s.Line)),
		Copied(wording.Paste("gpg --dearmor < %s | sha256sum", wording.File(name))),
		Copied(wording.Paste("gpg -qd %s > /dev/null && echo 'it opens'", wording.File(name))),
		section("*3.* Keep the file safe, off this computer if you can. Don't decrypt it to disk. %s",
			wording.Keep(c.Plan, m.Entry)),
		footnote("Or with the program `conclave`: paste this whole message into `conclave open`. It checks all of this for you, keeps the share, and tries that it opens."),
		footnote("`%s` · signed by %s", c.ID(), c.Plan.Identity),
	)
	return Message{Line: wording.Escape(what), Blocks: blocks}
}
