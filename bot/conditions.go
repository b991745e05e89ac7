package bot

import (
	"context"
	"errors"

	"github.com/slack-go/slack"

	"conclave/bot/render"
	"conclave/bot/transport"
)

// conditions are what is wrong with the connections and was not told yet. Of several only
// the newest is: an older one is over.
type conditions chan transport.Condition

// put never blocks. It is called by one goroutine.
func (c conditions) put(what transport.Condition) {
	select {
	case <-c:
	default:
	}
	c <- what
}

// tellConditions posts in the ops channel what is wrong with the connections, once. Other
// connections of the app, and its tokens, are nothing that the log alone should know of: who
// waits for an answer looks into Slack.
func (b *Bot) tellConditions(ctx context.Context) error {
	for ctx.Err() == nil {
		select {
		case c := <-b.conditions:
			b.tellCondition(ctx, c)
		case <-ctx.Done():
		}
	}
	return nil
}

// tellCondition posts a condition, and tries again until Slack takes it or another one has
// come.
func (b *Bot) tellCondition(ctx context.Context, c transport.Condition) {
	for len(b.conditions) == 0 {
		channel := b.notifier.channel("") // of no cluster: a reload may have changed it
		err := b.notifier.tell(transport.Ranked(ctx, transport.RankAnswer), channel, conditionMessage(c))
		if err == nil || ctx.Err() != nil {
			return
		}
		b.log.Error("not told in the channel what is wrong with the connections", "condition", string(c.Kind), "error", err)
		if _, refused := errors.AsType[slack.SlackErrorResponse](err); refused {
			return
		}
		_ = transport.Sleep(ctx, b.rhythm.MostGap)
	}
}

// conditionMessage returns the words of a condition.
func conditionMessage(c transport.Condition) render.Message {
	switch {
	case c.Kind == transport.Foreign && c.Over:
		return render.Say(":white_check_mark: Slack counts no connections of this app any more but mine.")
	case c.Kind == transport.Foreign:
		return render.Say(":rotating_light: *Another program uses this app.* Slack counts %d connections of it, and at most %d of them are mine. "+
			"Slack gives each message, click and command to one of them: the other program takes a part of what people do. "+
			"Whoever gets no answer within a minute should send it again.\n"+
			"Look for a second Conclave (on another host, in a test, in a terminal) and end it. If there is none to be found, "+
			"delete the app-level token in the app's settings and give me a new one.", c.Counted, c.Held)
	case c.Over:
		return render.Say(":white_check_mark: I hear people in Slack again. Whoever got no answer should send it again.")
	}
	return render.Say(":rotating_light: *I hear nobody in Slack.* It opens no connection for me: %s.\n"+
		"I go on trying. Put it right without a restart where you can: a restart makes every open request void, and each holder "+
		"is asked anew.", c.Why)
}
