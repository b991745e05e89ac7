package render

import (
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// renderRollCall asks a person to show that they can read what Vault will encrypt to them,
// and to sign that they have read the plan. They send back a hash of what they decrypt:
// if something else stood in the challenge's place, it would stay with them.
func renderRollCall(c rules.State, to ceremony.Person, by wording.Signer) (Message, error) {
	i := -1
	if called := c.Called(); called != nil {
		i = slices.IndexFunc(called.Challenges, func(ch ceremony.Challenge) bool { return ch.For == to })
	}
	if i < 0 || c.Ended() || c.Closing != nil {
		return renderReplacedRequest(c), nil
	}
	challenge := c.Called().Challenges[i]
	signed, err := wording.OrderAnswer(c, to, challenge, "").Sign(by)
	if err != nil {
		return Message{}, fmt.Errorf("render roll call: %w", err)
	}
	const send = "Send me what it prints, here, as text or as a file."
	blocks := []slack.Block{
		title("Roll call: please show that you can use your key"),
		section("*%s* (`%s`), %s. Nothing begins before the roll call is answered. Until %s.", wording.Subject(c.Plan),
			c.ID(), wording.AgreedBy(c), wording.When(c.Plan.Closes)),
		section("Something will be encrypted to you that nobody else can read. Show first that you can: decrypt the challenge with the key that Vault will be given, and sign its hash together with the plan's. With your signature you also take on to keep what you will get."),
		section("The plan has the hash `%s` (%s).", wording.Short(c.PlanHash), ceremony.SpokenHash(c.PlanHash, wording.SpokenWords)),
		throughConclave("conclave seal", send),
		footnote("What is sent is a hash of what you have decrypted, never that itself. If you did not expect this, or can't do it, `/ceremony freeze %s` stops everything.", c.ID()),
		divider(),
	}
	blocks = append(blocks, throughGPG(c.Plan.Identity, signed, send, c.Called().Certificate)...)
	blocks = append(blocks,
		divider(),
		footnote("This is the same roll call as `conclave` reads it, and the challenge:"),
		copied(challenge.Notice),
		copied(challenge.Ciphertext),
	)
	return Message{Line: "Roll call: please show that you can use your key, for " + wording.Subject(c.Plan), Blocks: blocks}, nil
}
