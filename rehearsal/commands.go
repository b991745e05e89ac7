package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

func (p *practice) command(ctx context.Context, args string) error {
	said, err := p.me().Commands(ctx, args)
	if err != nil {
		return err
	}
	p.reads(p.who, said)
	return nil
}

func (p *practice) inbox(context.Context, string) error {
	notes := p.me().Notes()
	if len(notes) == 0 {
		p.say("%s has no messages", p.who)
	}
	for i, n := range notes {
		p.print(fmt.Sprintf("%3d  %s", i+1, p.headline(n.Text)))
	}
	return nil
}

func (p *practice) read(_ context.Context, number string) error {
	notes := p.me().Notes()
	if len(notes) == 0 {
		return fmt.Errorf("%s has no messages", p.who)
	}
	i := len(notes)
	if number != "" {
		var err error
		if i, err = strconv.Atoi(number); err != nil || i < 1 || i > len(notes) {
			return fmt.Errorf("%s has the messages 1 to %d", p.who, len(notes))
		}
	}
	p.reads(p.who, notes[i-1].Text)
	return nil
}

// finds waits for a message and shows it before it is acted on.
func (p *practice) finds(ctx context.Context, what string, fits func(stage.Note) bool) (stage.Note, error) {
	n, err := p.me().Finds(ctx, what, fits)
	p.watcher.draw()
	return n, err
}

// buttons are the actions of the buttons under messages to people.
var buttons = []string{"approve", "reject", "resume", "cancel", "delete", "freeze", "proceed", "agree", "disagree"}

// click presses a button in the newest message that has it.
func (p *practice) click(ctx context.Context, action string) error {
	if !slices.Contains(buttons, action) {
		return fmt.Errorf("click one of %s", strings.Join(buttons, ", "))
	}
	n, err := p.finds(ctx, "a message with the button "+action, func(n stage.Note) bool {
		// Each question of a gate is answered once. Another one follows.
		return n.HasButton(action) && (n.Kind != rules.GateMessage || n.TS > p.done[p.who])
	})
	if err != nil {
		return err
	}
	if n.Kind == rules.GateMessage {
		p.done[p.who] = n.TS
	}
	said, err := p.me().Clicks(ctx, n, action)
	if err != nil {
		return err
	}
	p.hears(p.who, said)
	return nil
}

// share answers the newest request that was not answered yet. A request from before a new share was handed out, or from
// before the end, is void.
func (p *practice) share(ctx context.Context, _ string) error {
	ask, err := p.finds(ctx, "a request for a share", func(n stage.Note) bool {
		return n.Kind == rules.AskMessage && n.TS > p.done[p.who] &&
			!slices.ContainsFunc(p.me().Notes(), func(later stage.Note) bool {
				return later.TS > n.TS && later.Ceremony == n.Ceremony &&
					(later.Kind == rules.DeliveryMessage || later.Kind == rules.EndedMessage)
			})
	})
	if err != nil {
		return err
	}
	if ask.Step() == ceremony.StepOTP {
		p.done[p.who] = ask.TS
		return p.me().SendsPassword(ctx, ask)
	}
	receipt, err := p.me().Answers(ctx, ask)
	if err != nil {
		return err
	}
	p.done[p.who] = ask.TS
	p.hears(p.who, receipt.Text)
	return nil
}

// sign does what the newest message that needs the PGP key asks for: agrees to a plan, answers the roll call, lets a
// step happen, or states something.
func (p *practice) sign(ctx context.Context, _ string) error {
	ask, err := p.finds(ctx, "a message that asks for a signature", func(n stage.Note) bool {
		return n.TS > p.done[p.who] && (n.Kind == rules.RollCallMessage || n.AsksForStatement())
	})
	if err != nil {
		return err
	}
	does := p.me().Signs
	if ask.Kind == rules.RollCallMessage {
		does = p.me().Presents
	}
	said, err := does(ctx, ask)
	if err != nil {
		return err
	}
	p.done[p.who] = ask.TS
	p.hears(p.who, said.Text)
	return nil
}

// take does what the newest delivery says.
func (p *practice) take(ctx context.Context, _ string) error {
	n, err := p.finds(ctx, "a new share or a token", func(n stage.Note) bool {
		return n.Kind == rules.DeliveryMessage || n.Kind == rules.TokenMessage
	})
	if err != nil {
		return err
	}
	if n.Kind == rules.DeliveryMessage {
		if _, err := p.me().Receives(ctx, n.Ceremony); err != nil {
			return err
		}
		if err := p.keepKeys(ctx); err != nil {
			return err
		}
		p.act(p.who, "has checked the bot's signature, can open the new share, and keeps it in %s",
			stage.NewShareFile(n.Ceremony))
		return nil
	}
	token, err := p.me().TakesToken(ctx, n.Ceremony)
	if err != nil {
		return err
	}
	p.token = token
	if !strings.HasPrefix(string(n.Ceremony), stage.ClusterName+"-"+string(ceremony.GenerateRoot)+"-") {
		p.act(p.who, "has the token in the open now, as nobody else")
		return nil
	}
	root, err := p.stage.Vault.IsRootToken(ctx, token)
	if err != nil {
		return err
	}
	if !root {
		return finding("what was decrypted is no root token")
	}
	p.act(p.who, "has the token in the open now, and Vault says that it is a root token")
	return nil
}

// otp makes the one-time password, before the ceremony is proposed: its hash goes into the plan.
func (p *practice) otp(ctx context.Context, _ string) error {
	commitment, err := p.me().MakesPassword(ctx)
	if err != nil {
		return err
	}
	p.act(p.who, "has made a one-time password, and can propose with its commitment:")
	p.print(fmt.Sprintf("/ceremony start %s %s otp=%s", ceremony.GenerateRoot, stage.ClusterName, commitment))
	return nil
}

var errNoToken = errors.New("nobody has taken a token yet")

func (p *practice) accessor(ctx context.Context, _ string) error {
	if p.token == "" {
		return errNoToken
	}
	accessor, err := p.stage.AccessorOf(ctx, p.token)
	if err != nil {
		return err
	}
	p.print(accessor)
	return nil
}

func (p *practice) revoke(ctx context.Context, _ string) error {
	if p.token == "" {
		return errNoToken
	}
	if err := p.stage.Revoke(ctx, p.token); err != nil {
		return err
	}
	p.act(p.who, "has revoked the token")
	p.token = ""
	return nil
}

func (p *practice) seal(context.Context, string) error {
	if p.emulator == nil {
		return errors.New("somebody's own server is not sealed here")
	}
	for i := range p.stage.Addrs() {
		p.emulator.Node(i + 1).Restart()
	}
	p.say("Vault's nodes were restarted")
	return nil
}

// adoptAll lets every person who took a new share use it from now on.
func (p *practice) adoptAll(ctx context.Context, _ string) error {
	board, ok := p.stage.Board()
	if !ok {
		return errors.New("there was no ceremony yet")
	}
	if err := p.stage.Adopt(board.Ceremony); err != nil {
		return fmt.Errorf("somebody has not taken the new share yet: %w", err)
	}
	p.say("everybody uses the share of %s from now on", board.Ceremony)
	return p.keepKeys(ctx)
}

func (p *practice) tell(ctx context.Context, text string) error {
	n, err := p.me().Sends(ctx, text)
	if err != nil {
		return err
	}
	p.reads(p.who, n.Text)
	return nil
}

func (p *practice) board(context.Context, string) error {
	n, ok := p.stage.Board()
	if !ok {
		return errors.New("there was no ceremony yet")
	}
	p.ops(p.readable(fields(n.Text)))
	return nil
}

func (p *practice) thread(context.Context, string) error {
	n, ok := p.stage.Board()
	if !ok {
		return errors.New("there was no ceremony yet")
	}
	for _, line := range p.stage.History(n.Ceremony) {
		p.ops([]string{p.headline(line.Text)})
	}
	return nil
}

func (p *practice) wait(ctx context.Context, word string) error {
	if word == "" {
		return errors.New("wait for which word?")
	}
	return p.stage.Wait(ctx, "the status post to say "+word, func() bool {
		board, ok := p.stage.Board()
		return ok && strings.Contains(strings.ToLower(board.Text), strings.ToLower(word))
	})
}

func (p *practice) vault(ctx context.Context, _ string) error {
	seal, err := p.stage.Seal(ctx)
	if err != nil {
		return err
	}
	state := "unsealed"
	if seal.Sealed {
		state = "sealed"
	}
	p.say("Vault %s, %s, %d shares of which %d are needed", seal.Version, state, seal.Shares, seal.Threshold)
	return nil
}

func (p *practice) crash(ctx context.Context, _ string) error {
	if err := p.stage.KillBot(); err != nil {
		return err
	}
	// The keys that were asked for died with the process.
	for _, who := range p.stage.People() {
		for _, n := range who.Notes() {
			p.done[who.Name] = max(p.done[who.Name], n.TS)
		}
	}
	if err := p.stage.StartBot(ctx); err != nil {
		return err
	}
	p.say("the bot was killed and is back; a ceremony that was open goes on, with a new key")
	return nil
}

func (p *practice) help(context.Context, string) error {
	for _, d := range actions() {
		p.print(fmt.Sprintf("  %s %s", p.paint(bold, fmt.Sprintf("%-38s", strings.TrimSpace(d.name+" "+d.how))), d.what))
	}
	return nil
}
