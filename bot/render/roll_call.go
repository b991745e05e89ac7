package render

import (
	"slices"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// renderRollCall asks a person to show that they can read what Vault will encrypt to them,
// and to sign that they have read the plan. They send back a hash of what they decrypt:
// if something else stood in the challenge's place, it would stay with them.
func renderRollCall(c rules.State, to ceremony.Person) Message {
	i := -1
	if called := c.Called(); called != nil {
		i = slices.IndexFunc(called.Challenges, func(ch ceremony.Challenge) bool { return ch.For == to })
	}
	if i < 0 || c.Ended() || c.Closing != nil {
		return renderReplacedRequest(c)
	}
	challenge := c.Called().Challenges[i]
	return Message{
		Line: "Roll call: please show that you can use your key, for " + wording.Subject(c.Plan),
		Blocks: []slack.Block{
			title("Roll call: please show that you can use your key"),
			section("*%s* (`%s`), %s. Nothing begins before the roll call is answered. Until %s.", wording.Subject(c.Plan),
				c.ID(), wording.AgreedBy(c), wording.When(c.Plan.Closes)),
			section("Something will be encrypted to you that nobody else can read. Show first that you can: decrypt this with the key that Vault will be given, and sign it together with the plan's hash. With your signature you also take on to keep what you will get."),
			section("*1.* Take the key that I sign with, if your gpg does not have it:"),
			Copied(wording.ImportCommand(c.Called().Certificate)),
			section("*2.* Read what you agree to. gpg must say `Good signature` by the key that you were given once and have pinned:"),
			listing(wording.Grouped(c.Plan.Identity)),
			Copied(wording.ReadCommand(challenge.Notice)),
			section("The plan in it has the hash `%s` (%s).", wording.Short(c.PlanHash),
				ceremony.SpokenHash(c.PlanHash, wording.SpokenWords)),
			section("*3.* Decrypt, sign, and send me what this prints, here, as text or as a file:"),
			Copied(wording.AnswerCommand(c, to, challenge, "")),
			footnote("What is sent is a hash of what you have decrypted, never that itself. If you did not expect this, or can't do it, `/ceremony freeze %s` stops everything.", c.ID()),
			divider(),
			footnote("Or with the program `conclave`: paste this whole message into `conclave seal`. It checks all of this for you, by the identity that you have pinned."),
		},
	}
}
