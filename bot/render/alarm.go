package render

import (
	"fmt"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
	"conclave/plural"
)

// renderAlarmPost returns the status post of an alarm: what was noticed, since when, and
// what to do about it.
func renderAlarmPost(c rules.State, live rules.Live) Message {
	blocks := []slack.Block{title(wording.Subject(c.Plan))}
	if still := wording.StandsStill(live); still != "" {
		blocks = append(blocks, section("%s", still))
	}
	blocks = append(blocks, section("%s", wording.StateWords(c)))
	findings := c.Findings()
	if more := len(findings) - wording.MaxFindings; more > 0 {
		findings = findings[more:]
		blocks = append(blocks, footnote("%s before these are in this post's thread.", plural.Of(more, "finding")))
	}
	for _, e := range findings {
		blocks = append(blocks, section("%s\n_noticed %s_", wording.NoticedWords(c.Plan, e), wording.When(e.At)))
	}
	if !c.Ended() {
		for _, todo := range wording.Todos(c.Plan, findings) {
			blocks = append(blocks, section("%s", todo))
		}
		blocks = append(blocks, section("Whoever looks after it types `/ceremony acknowledge %s` and, if they like, what it was.\nMay do it: %s", c.ID(), wording.ListOr(wording.MayAcknowledge(c.Plan))))
	}
	if unasked := wording.NotAsked(c); unasked != "" {
		blocks = append(blocks, section("%s", unasked))
	}
	last := fmt.Sprintf("What is noticed from now on is added here, until somebody acknowledges it or until %s.",
		wording.When(c.Plan.Closes))
	if c.Ended() {
		last = "What is noticed from now on is another alarm."
	}
	blocks = append(blocks, footnote("`%s` · %s", c.ID(), last))
	return Message{Line: wording.StatusLine(c), Blocks: blocks}
}

// Alarm tells an owner of the cluster what was noticed.
func Alarm(c rules.State, e event.Entry) Message {
	blocks := []slack.Block{title(wording.Subject(c.Plan)),
		section("%s\n_noticed %s_", wording.NoticedWords(c.Plan, e), wording.When(e.At))}
	for _, todo := range wording.Todos(c.Plan, []event.Entry{e}) {
		blocks = append(blocks, section("%s", todo))
	}
	switch {
	case c.Acknowledged != nil:
		blocks = append(blocks, section("%s", wording.StateWords(c)))
	case !c.Ended():
		blocks = append(blocks,
			slack.NewActionBlock("decide", button(command.VerbAcknowledge, wording.ButtonValue(c), "I look after it", slack.StylePrimary,
				confirm("Do you look after it?", "Nobody is told of it any more; whatever is noticed later is another alarm.",
					"I do", "Not yet"))),
			footnote("Or type `/ceremony acknowledge %s` and what it was. It is told to %s.", c.ID(),
				wording.ListAnd(wording.Names(c.Plan.Owners))))
	}
	return Message{Line: wording.Subject(c.Plan) + ": please look", Blocks: blocks}
}
