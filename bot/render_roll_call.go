package bot

import (
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// renderRollCall asks somebody to show that they can read what Vault will encrypt to
// them, and to sign that they have read the plan. What they send back is a hash of
// what they decrypt: were something else in the challenge's place, it stays with them.
func renderRollCall(c ceremony.Ceremony, to ceremony.Person) message {
	i := -1
	if called := c.Called(); called != nil {
		i = slices.IndexFunc(called.Challenges, func(ch ceremony.Challenge) bool { return ch.For == to })
	}
	if i < 0 || c.Ended() || c.Closing != nil {
		return renderReplacedAsk(c)
	}
	challenge := c.Called().Challenges[i]
	return message{
		line: "Roll call: please show that you can use your key, for " + subject(c.Plan),
		blocks: []slack.Block{
			title("Roll call: please show that you can use your key"),
			section("*%s* (`%s`), %s. Nothing begins before the roll call is answered. Until %s.", subject(c.Plan), c.ID(), agreedBy(c), when(c.Plan.Closes)),
			section("Something will be encrypted to you that nobody else can read. Show first that you can: decrypt this with the key that Vault will be given, and sign it together with the plan's hash. With your signature you also take on to keep what you will get."),
			section("*1.* Take the key that I sign with, if your gpg does not have it:"),
			copied(ImportCommand(c.Called().Certificate)),
			section("*2.* Read what you agree to. gpg must say `Good signature` by the key that you were given once and have pinned:"),
			listing(grouped(c.Plan.Identity)),
			copied(ReadCommand(challenge.Notice)),
			section("The plan in it has the hash `%s` (%s).", short(c.PlanHash), ceremony.SpokenHash(c.PlanHash, spokenWords)),
			section("*3.* Decrypt, sign, and send me what this prints, here, as text or as a file:"),
			copied(AnswerCommand(c, to, challenge, "")),
			footnote("What is sent is a hash of what you have decrypted, never that itself. If you did not expect this, or can't do it, `/ceremony freeze %s` stops everything.", c.ID()),
			divider(),
			footnote("Or with the program `conclave`: paste this whole message into `conclave seal`. It checks all of this for you, by the identity that you have pinned."),
		},
	}
}

// rollCallWords says who has answered and who is waited for.
func rollCallWords(c ceremony.Ceremony) string {
	var missing []ceremony.Person
	for _, p := range c.Plan.RollCall {
		if !c.IsPresent(p.Account) {
			missing = append(missing, p)
		}
	}
	return fmt.Sprintf(":raising_hand: *Roll call*: %d of %d have shown that they can use their keys. Nothing has been sent to Vault.\nWaiting for: %s",
		len(c.Present), c.Plan.Present, listAnd(wanted(c, missing)))
}
