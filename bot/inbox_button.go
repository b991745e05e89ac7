package bot

import (
	"context"
	"errors"
	"strings"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// click does what a button says. The button's value names the ceremony and the hash of
// the plan that it stood under, and where it matters the freeze, the gate or the round.
// What the message around it says now is not read.
func (in *inbox) click(
	ctx context.Context, by ceremony.Account, click slack.InteractionCallback,
) (render.Message, error) {
	if !in.listed(by) {
		return render.Message{}, refusal.Unlisted
	}
	action := click.ActionCallback.BlockActions[0]
	id, _, _ := strings.Cut(action.Value, " ")
	c, _, err := in.engine.Ceremony(ceremony.ID(id))
	if err != nil {
		return render.Message{}, refusal.OldButton
	}
	cmd := command.Command{Verb: command.Verb(action.ActionID), ID: id}
	var value string
	switch cmd.Verb {
	case command.VerbApprove:
		cmd.Hash, value = c.PlanHash, wording.ButtonValue(c)
	case command.VerbProceed:
		value = wording.GateValue(c)
	case command.VerbReject, command.VerbDelete, command.VerbRevoked, command.VerbFreeze,
		command.VerbAgree, command.VerbDisagree, command.VerbAcknowledge:
		value = wording.ButtonValue(c)
	case command.VerbReverify:
		value = render.RoundValue(c)
	case command.VerbResume, command.VerbCancel:
		value = wording.FreezeValue(c)
	}
	if action.Value != value {
		return render.Message{}, refusal.OldButton
	}
	said, err := in.execute(ctx, by, cmd, trigger{})
	if err == nil || settled(err) {
		in.retire(ctx, click)
	}
	return said, err
}

// settled reports whether an error means that the buttons have nothing left to do.
func settled(err error) bool {
	r, _ := ceremony.RefusalOf(err)
	switch r {
	case ceremony.Closed, ceremony.NotProposed, ceremony.AlreadyApproved, ceremony.NotFrozen, ceremony.AlreadyStated:
		return true
	}
	return errors.Is(err, refusal.DeletionAsked) || errors.Is(err, refusal.VaultIsAsked) ||
		errors.Is(err, ceremony.ErrUnknownCeremony)
}

// retire takes the buttons off a message once they have been used. An answer that only
// this person sees is removed as a whole, since it can't be edited. When that fails, the
// buttons stay and are refused, which does no harm.
func (in *inbox) retire(ctx context.Context, click slack.InteractionCallback) {
	if click.Container.IsEphemeral {
		if _, _, err := in.api.PostMessageContext(ctx, "", slack.MsgOptionDeleteOriginal(click.ResponseURL)); err != nil {
			in.log.Warn("buttons not removed", "error", withoutURL(err))
		}
		return
	}
	var rest []slack.Block
	for _, b := range click.Message.Blocks.BlockSet {
		if b.BlockType() != slack.MBTAction {
			rest = append(rest, b)
		}
	}
	if click.Container.MessageTs == "" || len(rest) == 0 {
		return
	}
	_, _, _, err := in.api.UpdateMessageContext(ctx, click.Container.ChannelID, click.Container.MessageTs,
		slack.MsgOptionText(click.Message.Text, false), slack.MsgOptionBlocks(rest...))
	if err != nil {
		in.log.Warn("buttons not removed", "error", err)
	}
}
