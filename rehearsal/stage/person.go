package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// Person is a person of the cast: a Slack account and a keyring.
type Person struct {
	Name  string
	Slack *slacktest.Person
	Keys  Keyring

	stage *Stage
}

// Commands types a slash command in the ops channel, without "/ceremony", and returns what the bot answered.
func (p *Person) Commands(ctx context.Context, args string) (string, error) {
	return p.reply(ctx, "/ceremony "+args, p.Slack.Command(p.stage.Ops, "/ceremony", args))
}

// Clicks presses a button of a message and returns what the bot answered.
func (p *Person) Clicks(ctx context.Context, n Note, action string) (string, error) {
	reply, err := p.Slack.Clicks(n.Message, action)
	if err != nil {
		return "", fmt.Errorf("%s clicks %s: %w", p.Name, action, err)
	}
	return p.reply(ctx, action, reply)
}

func (p *Person) reply(ctx context.Context, what string, reply slacktest.Reply) (string, error) {
	if reply.Error != "" {
		return "", fmt.Errorf("%s, %s: slack says %s", p.Name, what, reply.Error)
	}
	err := p.stage.Wait(ctx, "the answer to "+p.Name+"'s "+what, func() bool { return len(reply.Messages()) > 0 })
	if err != nil {
		return "", err
	}
	return p.stage.Slack.Read(reply.Messages()[0]), nil
}

// Notes returns what the bot has written to this person alone, oldest first.
func (p *Person) Notes() []Note { return p.stage.notes(p.Slack.Inbox()) }

// Finds waits for a note and returns the newest one that fits.
func (p *Person) Finds(ctx context.Context, what string, fits func(Note) bool) (found Note, err error) {
	err = p.stage.Wait(ctx, what+" for "+p.Name, func() bool {
		for _, n := range slices.Backward(p.Notes()) {
			if fits(n) {
				found = n
				return true
			}
		}
		return false
	})
	return found, err
}

// Told waits for a note of one kind about a ceremony.
func (p *Person) Told(ctx context.Context, id ceremony.ID, kind rules.MessageKind) (Note, error) {
	return p.Finds(ctx, fmt.Sprintf("%s of %s", kind, id), func(n Note) bool { return n.Ceremony == id && n.Kind == kind })
}

// Asked waits for a request for the person's share.
func (p *Person) Asked(ctx context.Context, id ceremony.ID, step ceremony.Step) (Note, error) {
	return p.AskedAfter(ctx, id, step, Note{})
}

// AskedAfter waits for a request that is newer than a known one, which is void when a round begins again and when the
// bot was restarted.
func (p *Person) AskedAfter(ctx context.Context, id ceremony.ID, step ceremony.Step, old Note) (Note, error) {
	return p.Finds(ctx, fmt.Sprintf("request for a share (%s of %s)", step, id), func(n Note) bool {
		return n.Ceremony == id && n.Kind == rules.AskMessage && n.TS > old.TS && n.Step() == step
	})
}

// Answers does what a request says and sends the output. It returns the receipt.
func (p *Person) Answers(ctx context.Context, ask Note) (Note, error) {
	envelope, err := p.Keys.Answer(ctx, ask)
	if err != nil {
		return Note{}, fmt.Errorf("%s answers: %w", p.Name, err)
	}
	return p.Sends(ctx, envelope)
}

// Presents does what a roll call says and sends the output. It returns the receipt.
func (p *Person) Presents(ctx context.Context, call Note) (Note, error) {
	answer, err := p.Keys.Present(ctx, call)
	if err != nil {
		return Note{}, fmt.Errorf("%s answers the roll call: %w", p.Name, err)
	}
	return p.Sends(ctx, answer)
}

// Signs runs the command of a message that asks for a signed statement, and sends the output. It returns what the bot
// answered.
func (p *Person) Signs(ctx context.Context, ask Note) (Note, error) {
	word, err := p.Keys.Sign(ctx, ask)
	if err != nil {
		return Note{}, fmt.Errorf("%s signs: %w", p.Name, err)
	}
	return p.Sends(ctx, word)
}

// Sends writes to the bot directly and returns the receipt, or any other answer.
func (p *Person) Sends(ctx context.Context, text string) (Note, error) {
	sent, err := p.Slack.DMs(text)
	if err != nil {
		return Note{}, fmt.Errorf("%s writes: %w", p.Name, err)
	}
	return p.receipt(ctx, sent[len(sent)-1])
}

func (p *Person) receipt(ctx context.Context, sent slacktest.Message) (Note, error) {
	return p.Finds(ctx, "answer to a message", func(n Note) bool {
		return n.TS > sent.TS && n.To == "" && (n.Kind == rules.ReceiptMessage || n.Kind == "")
	})
}

// Receives waits for the new share that a ceremony brings, and does what the
// message says: checks it and puts it away.
func (p *Person) Receives(ctx context.Context, id ceremony.ID) (Note, error) {
	n, err := p.Told(ctx, id, rules.DeliveryMessage)
	if err != nil {
		return n, err
	}
	if err := p.Keys.Receive(ctx, n); err != nil {
		return n, fmt.Errorf("%s receives the new share: %w", p.Name, err)
	}
	share, err := p.Keys.Open(ctx, NewShareFile(id))
	if err != nil {
		return n, fmt.Errorf("%s opens the new share: %w", p.Name, err)
	}
	p.stage.Know(fmt.Sprintf("%s's new share of %s", p.Name, id), share)
	return n, nil
}

// TakesToken waits for the token that a ceremony brings, does what the message says, and returns the token.
func (p *Person) TakesToken(ctx context.Context, id ceremony.ID) (string, error) {
	n, err := p.Told(ctx, id, rules.TokenMessage)
	if err != nil {
		return "", err
	}
	open := p.Keys.Token
	if _, combined := decodes(n); combined {
		open = p.decode
	}
	token, err := open(ctx, n)
	if err != nil {
		return "", fmt.Errorf("%s takes the token: %w", p.Name, err)
	}
	p.stage.Know(fmt.Sprintf("the token of %s", id), token)
	return token, nil
}

// ChangesKey moves the person's share to a new PGP key, as on a new computer. The configuration still has the old key.
func (p *Person) ChangesKey(ctx context.Context,
	keyring func(ctx context.Context, dir, name string) (Keyring, error)) error {
	share, err := p.Share(ctx, "")
	if err != nil {
		return fmt.Errorf("%s changes the key: %w", p.Name, err)
	}
	keys, err := keyring(ctx, p.stage.homeOf(p.Name), p.Name)
	if err != nil {
		return fmt.Errorf("%s changes the key: %w", p.Name, err)
	}
	before := p.Keys
	p.Keys = keys
	message, err := encryptTo(keys.Certificate(), []byte(share))
	if err == nil {
		err = keys.Keep(ShareFile, message)
	}
	return errors.Join(err, keys.Pin(ctx, p.stage.printed, p.stage.Identity), before.Close())
}

// Share returns the person's share in plain text: the one that they hold, or with a ceremony the one that it brought.
// It is for checks afterwards.
func (p *Person) Share(ctx context.Context, of ceremony.ID) (string, error) {
	file := ShareFile
	if of != "" {
		file = NewShareFile(of)
	}
	return p.Keys.Open(ctx, file)
}
