package render

import (
	"fmt"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Delivery hands a share, encrypted, to its holder.
func Delivery(
	c rules.State, m rules.Message, p ceremony.Parcel, s ceremony.SignedParcel, by wording.Signer,
) (Message, error) {
	name, what := wording.DeliveredFile(c, m), wording.DeliveryTitle(c.Plan)
	signed, err := wording.OrderShareKept(c, p.Recipient, name, s.Armor).Sign(by)
	if err != nil {
		return Message{}, fmt.Errorf("render delivery: %w", err)
	}
	blocks := []slack.Block{title(what)}
	if news := wording.DeliveryNews(c, m.Entry); news != "" {
		blocks = append(blocks, section("%s", news))
	}
	blocks = append(blocks,
		section("Share %d of %d, encrypted by Vault to your key. Only you can open it:", p.Index, p.Total),
		listing(wording.Grouped(p.Recipient)),
		throughConclave("conclave open", "It keeps the share in a file, and tries that it opens."),
		section("Keep the file safe, off this computer if you can. Don't decrypt it to disk. %s", wording.Keep(c.Plan, m.Entry)),
		divider(),
	)
	blocks = append(blocks, throughGPG(c.Plan.Identity, signed,
		"One saves the share as `"+name+"`, the other tries that you can open it.")...)
	blocks = append(blocks,
		divider(),
		footnote("This is the same share as `conclave` reads it, and what I have signed about it:"),
		copied(s.Armor),
		copied(s.Line),
		footnote("`%s` · signed by %s", c.ID(), c.Plan.Identity),
	)
	return Message{Line: wording.Escape(what), Blocks: blocks}, nil
}
