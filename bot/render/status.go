package render

import (
	"time"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// StatusPost returns the status post. It mentions nobody: it is redrawn all the time, and
// people whose help is wanted have a direct message.
func StatusPost(c rules.State, live rules.Live, now time.Time) Message {
	if c.Plan.Operation == ceremony.Alarm {
		return renderAlarmPost(c, live)
	}
	blocks := []slack.Block{title(wording.Subject(c.Plan))}
	if still := wording.StandsStill(live); still != "" {
		blocks = append(blocks, section("%s", still))
	}
	blocks = append(blocks, section("%s", wording.StateWords(c)))
	if !c.Ended() {
		for _, caution := range wording.Cautions(c.Plan) {
			blocks = append(blocks, section("%s", caution))
		}
	}
	for _, part := range []string{
		wording.Progress(c), wording.NotAsked(c), wording.UnknownYet(c), wording.FreezeWords(c),
		wording.HandedOut(c), wording.Revocation(c), wording.BackupLeft(c),
	} {
		if part != "" {
			blocks = append(blocks, section("%s", part))
		}
	}
	blocks = append(blocks, facts(wording.StatusFacts(c, live, now)...))
	if c.Plan.Reason != "" {
		blocks = append(blocks, section("*Reason*\n%s", wording.Escape(c.Plan.Reason)))
	}
	if c.Phase == rules.PhaseVerifying {
		blocks = append(blocks, footnote("`/ceremony reverify %s` has everybody prove their new share anew, should the proof be stuck.", c.ID()))
	}
	if c.Plan.Operation == ceremony.Unseal && c.Wants() {
		blocks = append(blocks, footnote("`/ceremony reset %s` has the sealed nodes forget what they have counted, should a share that is not ours be among it.", c.ID()))
	}
	blocks = append(blocks, footnote("What happened, step by step, is in this post's thread."))
	return Message{Line: wording.StatusLine(c), Blocks: blocks}
}
