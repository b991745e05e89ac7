package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Posts carry their ceremony, key and line as metadata, so that one whose answer was lost is
// found again, and how far the journal was, so that an older copy of it is noticed. A key is
// made of a line's number, which a journal that was put back from a copy gives to another
// line; the line's hash tells them apart.
// Everybody in the workspace can read it: it has ids and hashes only.
const (
	metadataType     = "conclave"
	metadataCeremony = "ceremony"
	metadataKey      = "key"
	metadataLine     = "line"
	metadataMark     = "mark"
)

const (
	// clockSkew is how far Slack's clock may be from ours when a post is looked for.
	clockSkew = 10 * time.Minute
	// page is how many messages are read in one call.
	page = 200
)

// notifier is the way out: the engine's Notifier, for Slack.
type notifier struct {
	api            *slack.Client
	health         *transport.Monitor
	directMessages *transport.DirectMessages
	channels       *transport.Channels
	accounts       *transport.Accounts
	config         Config // mu guards its channels, which a reload changes
	pace           *transport.Pace
	self           *transport.Memory[myself] // under one key
	finder         *finder

	mu    sync.Mutex
	drawn map[ceremony.Ref]drawing // status post → what it shows
	moved map[ceremony.Ref]string  // status post that took another one's place → its key
	where Config                   // of which only the channels count: a reload changes them
}

// drawing is what a status post shows.
type drawing struct {
	blocks string
	seq    int // of the last event in it
}

func newNotifier(
	api *slack.Client, directMessages *transport.DirectMessages, channels *transport.Channels,
	accounts *transport.Accounts, pace *transport.Pace, health *transport.Monitor, config Config,
) *notifier {
	return &notifier{
		health: health,
		api:    api, directMessages: directMessages, channels: channels, accounts: accounts, config: config,
		pace: pace, self: transport.NewMemory[myself](), finder: newFinder(),
		drawn: map[ceremony.Ref]drawing{}, moved: map[ceremony.Ref]string{},
	}
}

// rankOf returns how soon a message goes. People come before pictures.
func rankOf(m rules.Message) transport.Rank {
	switch {
	case m.Kind == rules.BoardMessage:
		return transport.RankBoard
	case m.To == nil:
		return transport.RankLine
	case m.Kind == rules.ReceiptMessage:
		return transport.RankReceipt
	}
	return transport.RankRequest
}

// errOvertaken means that a message had waited until the ceremony did not tell it any more.
var errOvertaken = fmt.Errorf("events have overtaken it: %w", ceremony.ErrNotPosted)

// Deliver posts one message. See engine.Notifier.
func (n *notifier) Deliver(
	ctx context.Context, now func() rules.State, m rules.Message, maybe bool,
) (ceremony.Ref, error) {
	ctx = transport.Ranked(ctx, rankOf(m))
	c := now()
	channel, thread, err := n.address(ctx, c, m)
	if err != nil {
		return ceremony.Ref{}, fmt.Errorf("deliver %s: %w", m.Key, err)
	}
	if files, text, err := n.bring(c, m); err != nil || len(files) > 0 {
		if err != nil {
			return ceremony.Ref{}, fmt.Errorf("deliver %s: %w: %w", m.Key, ceremony.ErrUndeliverable, err)
		}
		ref, err := n.share(ctx, channel, thread, files, text, maybe, m.Entry.At)
		if err != nil {
			return ceremony.Ref{}, fmt.Errorf("deliver %s: %w", m.Key, err)
		}
		return ref, nil
	}
	ref, err := n.write(ctx, channel, thread, now, m, maybe)
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok && m.To != nil && said.Err == "channel_not_found" {
		if _, why := n.directMessages.With(ctx, m.To.Account.User); why != nil {
			err = notPosted(why, true) // it says which of many reasons it is
		}
	}
	if err != nil {
		return ceremony.Ref{}, fmt.Errorf("deliver %s: %w", m.Key, err)
	}
	if m.To != nil {
		n.directMessages.Learn(m.To.Account.User, ref.Channel)
	}
	return ref, nil
}

// write posts a message, in several parts if it is too long for one. The last one is the
// message; each has a key of its own, so that a part whose answer was lost is found as well.
func (n *notifier) write(
	ctx context.Context, channel, thread string, now func() rules.State, m rules.Message, maybe bool,
) (ref ceremony.Ref, err error) {
	compose := func() (rules.State, []render.Message, error) {
		c := now()
		if !c.Tells(m) {
			return c, nil, errOvertaken
		}
		parts, err := n.compose(c, m)
		return c, parts, err
	}
	_, parts, err := compose()
	for i := range parts {
		key, last := m.Key, i == len(parts)-1
		if !last {
			key += fmt.Sprintf(" part %d", i+1)
		}
		if maybe {
			if ref, err = n.lies(ctx, now(), m, key, channel, thread); err != nil {
				return ref, err
			}
			if ref.TS != "" {
				continue
			}
		}
		ref, err = n.post(ctx, channel, thread, key, m.Entry, func() (rules.State, render.Message, error) {
			c, parts, err := compose() // by now there may be less of them, or more
			switch {
			case err != nil:
				return c, render.Message{}, err
			case last:
				return c, parts[len(parts)-1], nil
			}
			return c, parts[min(i, len(parts)-1)], nil
		})
		if err != nil {
			return ceremony.Ref{}, err
		}
	}
	return ref, err
}

// compose makes a message of what is true now, in the parts as which it is posted. A status
// post is one post, which is edited.
func (n *notifier) compose(c rules.State, m rules.Message) ([]render.Message, error) {
	if m.Kind == rules.BoardMessage {
		return []render.Message{render.StatusPost(c, rules.Live{}, time.Now())}, nil
	}
	what, err := render.Notification(c, m, n.config.Sign)
	if err != nil {
		// Nothing that a later try would change; the journal has what was to be said.
		return nil, fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
	}
	return what.Parts(), nil
}

// lies returns where a post of a message lies already, or nothing.
func (n *notifier) lies(
	ctx context.Context, c rules.State, m rules.Message, key, channel, thread string,
) (ceremony.Ref, error) {
	if m.To != nil {
		var err error
		if channel, err = n.directMessages.With(ctx, m.To.Account.User); err != nil {
			return ceremony.Ref{}, notPosted(err, true)
		}
	}
	found, err := n.find(ctx, c, key, m.Entry, channel, thread)
	if err != nil {
		return ceremony.Ref{}, fmt.Errorf("look for %s: %w", key, err)
	}
	return found, nil
}

// address returns where a message belongs: a person, whose id stands for the direct messages
// with them, the ops channel, or the status post's thread.
func (n *notifier) address(ctx context.Context, c rules.State, m rules.Message) (channel, thread string, err error) {
	if m.To != nil {
		if err := n.reaches(ctx, m.To.Account.User); err != nil {
			return "", "", err
		}
		return m.To.Account.User, "", nil
	}
	channel = n.channel(c.Plan.Cluster)
	if post, ok := c.Board(); ok && (m.Kind == rules.HistoryMessage || m.Kind == rules.TranscriptMessage) {
		if post.Channel == ceremony.Terminal {
			return "", "", fmt.Errorf("the status post was shown at a terminal and takes a place in Slack first: %w",
				ceremony.ErrNotPosted)
		}
		channel, thread = post.Channel, post.TS
	}
	if err := n.channels.Check(ctx, channel); err != nil {
		return "", "", fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	return channel, thread, nil
}

// lookTimeout is how long a message waits for Slack's answer about an account.
const lookTimeout = 3 * time.Second

// reaches returns an error when a person would never read a message. Slack takes one for
// an account that was deactivated, once the direct messages with it are open, and nobody
// reads it. When Slack can't say whose account it is, the message goes out: a share or a
// receipt that is not delivered costs more.
// Source: slackapi/python-slack-sdk issue 1156.
func (n *notifier) reaches(ctx context.Context, user string) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	u, err := n.accounts.User(ctx, user)
	if err == nil {
		err = n.accounts.Judge(u)
	}
	switch denied, _ := errors.AsType[refusal.Denial](err); denied {
	case refusal.Deactivated, refusal.Machine, refusal.UnknownUser:
		return fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
	}
	return nil // a guest gets it, whatever becomes of their answer
}

// channel returns the channel in which a cluster's ceremonies are shown.
func (n *notifier) channel(cluster string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if own, ok := n.config.Channels[cluster]; ok {
		return own
	}
	return n.config.Channel
}

// draft makes a message of what is true now.
type draft func() (rules.State, render.Message, error)

// post posts a message with its metadata, when its channel's turn has come. What it says is
// made then. If Slack asks to slow down, it is made once more.
func (n *notifier) post(
	ctx context.Context, channel, thread, key string, of event.Entry, make draft,
) (ceremony.Ref, error) {
	for try := 1; ; try++ {
		if err := n.waits(ctx, transport.Posts(channel)); err != nil {
			return ceremony.Ref{}, fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
		}
		c, what, err := make()
		if err != nil {
			return ceremony.Ref{}, err
		}
		options := append(what.Options(), n.metadata(c, key, of))
		if thread != "" {
			options = append(options, slack.MsgOptionTS(thread))
		}
		began := time.Now() // the event may come before the answer
		in, ts, err := n.api.PostMessageContext(transport.Taken(ctx), channel, options...)
		if _, limited := errors.AsType[*slack.RateLimitedError](err); limited && try < maxTries {
			continue
		}
		if err != nil {
			err = classifyPost(err)
		}
		if !errors.Is(err, ceremony.ErrNotPosted) {
			n.finder.try(postKey{c.ID(), key, of.Hash})
		}
		if err != nil {
			return ceremony.Ref{}, err
		}
		if n.isOps(in) {
			n.health.Note(func(h *transport.Health) { h.LastChannelPost = began })
		}
		return ceremony.Ref{Channel: in, TS: ts}, nil
	}
}

// tell writes to a person what is no news of a ceremony.
func (n *notifier) tell(ctx context.Context, user string, what render.Message) error {
	for _, part := range what.Parts() {
		if err := n.tellPart(ctx, user, part); err != nil {
			return err
		}
	}
	return nil
}

func (n *notifier) tellPart(ctx context.Context, user string, what render.Message) error {
	for try := 1; ; try++ {
		if err := n.waits(ctx, transport.Posts(user)); err != nil {
			return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
		}
		_, _, err := n.api.PostMessageContext(transport.Taken(ctx), user, what.Options()...)
		if _, limited := errors.AsType[*slack.RateLimitedError](err); !limited || try == maxTries {
			return err
		}
	}
}

// maxTries is how often a message is tried while Slack asks to slow down.
const maxTries = 5

// waits returns when the turn has come that a context's rank gives.
func (n *notifier) waits(ctx context.Context, keys []string) error {
	rank := transport.RankOf(ctx)
	return n.pace.Wait(ctx, func() transport.Rank { return rank }, keys...)
}

// metadata returns what a post about an entry of a ceremony carries.
func (n *notifier) metadata(c rules.State, key string, of event.Entry) slack.MsgOption {
	return slack.MsgOptionMetadata(slack.SlackMetadata{EventType: metadataType, EventPayload: map[string]any{
		metadataCeremony: string(c.ID()), metadataKey: key, metadataLine: of.Hash, metadataMark: n.config.Mark(c),
	}})
}

// classifyPost returns an error that tells what became of a post (P5). It wraps
// ErrNotPosted when the post certainly is not there, and ErrUndeliverable when it never
// will be; any other error means that it is not known.
func classifyPost(err error) error {
	if _, ok := errors.AsType[transport.ErrWaited](err); ok {
		return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	if _, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		if status.Code < http.StatusInternalServerError {
			return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
		}
		return err
	}
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		switch {
		case said.Err == "ratelimited":
			return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
		case transport.ServerTrouble(said.Err):
			return err
		case permanent(said.Err):
			return fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
		}
		return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	return err
}

// notPosted classifies the error of a call before the post: whatever became of it, nothing
// was posted.
func notPosted(err error, toPerson bool) error {
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok && toPerson {
		switch said.Err {
		case "user_disabled", "user_not_found", "user_not_visible", "users_not_found", "cannot_dm_bot",
			"invalid_user_combination":
			return fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
		}
	}
	return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
}

// permanent reports whether an error of chat.postMessage means that Slack will never take
// the same message: the person is gone, or the message is malformed. A channel that is
// archived or that the bot was removed from can be put right, and is tried again.
func permanent(code string) bool {
	switch code {
	case "user_disabled", "user_not_found", "user_not_visible", "cannot_dm_bot",
		"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text",
		"metadata_too_large", "invalid_metadata_format", "invalid_metadata_schema":
		return true
	}
	return false
}

// myself holds the ids that the bot's own posts carry.
type myself struct{ bot, user string }

// me returns the ids by which the bot knows its own posts. Every app can give its own
// posts our metadata.
func (n *notifier) me(ctx context.Context) (myself, error) {
	return n.self.Get(ctx, "", time.Time{}, func() (myself, error) {
		answer, err := transport.Read(ctx, func() (*slack.AuthTestResponse, error) { return n.api.AuthTestContext(ctx) })
		if err != nil {
			return myself{}, fmt.Errorf("ask Slack who we are: %w", err)
		}
		return myself{bot: answer.BotID, user: answer.UserID}, nil
	})
}

func (n *notifier) page(ctx context.Context, channel, thread, oldest, cursor string) ([]slack.Message, string, error) {
	if thread != "" {
		messages, more, next, err := n.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: channel, Timestamp: thread, Oldest: oldest, Cursor: cursor, Limit: page, IncludeAllMetadata: true,
		})
		if !more {
			next = ""
		}
		return messages, next, err
	}
	history, err := n.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: channel, Oldest: oldest, Cursor: cursor, Limit: page, IncludeAllMetadata: true,
	})
	if err != nil {
		return nil, "", err
	}
	if !history.HasMore {
		return history.Messages, "", nil
	}
	return history.Messages, history.ResponseMetaData.NextCursor, nil
}

// Redraw brings the status post up to date. See engine.Notifier.
func (n *notifier) Redraw(
	ctx context.Context, now newest, at ceremony.Ref,
) (ceremony.Ref, error) {
	c, _ := now()
	stand := at.Channel
	if stand == ceremony.Terminal {
		stand = n.channel(c.Plan.Cluster)
	}
	ctx = transport.Ranked(ctx, transport.RankDrawing)
	if err := n.channels.Check(ctx, stand); errors.Is(err, refusal.OpsChannelShared) {
		return at, fmt.Errorf("redraw %s: %w", c.ID(), err)
	}
	err := n.update(ctx, at, n.keyAt(c, at), now)
	if uneditable(err) {
		if at, err = n.replace(ctx, at, now); err != nil {
			return at, fmt.Errorf("replace the status post of %s: %w", c.ID(), err)
		}
	}
	if err != nil {
		return at, fmt.Errorf("redraw %s: %w", c.ID(), err)
	}
	return at, nil
}

// newest returns a ceremony as it is, and Vault's answers.
type newest = func() (rules.State, rules.Live)

// draw draws the status post as it is to be now.
func draw(now newest) (rules.State, render.Message, drawing, error) {
	c, live := now()
	what := render.StatusPost(c, live, time.Now())
	blocks, err := json.Marshal(what.Blocks)
	return c, what, drawing{string(blocks), c.Seq()}, err
}

// shown returns what a status post shows, as far as this program has drawn it.
func (n *notifier) shown(at ceremony.Ref) drawing {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.drawn[at]
}

// drew remembers what a post shows. The last drawing is not looked at again.
func (n *notifier) drew(at ceremony.Ref, c rules.State, d drawing) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drawn[at] = d
	if c.Ended() {
		delete(n.drawn, at)
	}
}

// errElsewhere means that a status post was shown at a terminal, where it can't be edited.
var errElsewhere = errors.New("the status post is not in Slack")

// update edits a post when its turn has come, and draws it then: what was to be drawn before
// is not sent any more. Slack keeps nothing of the metadata that was there.
func (n *notifier) update(ctx context.Context, at ceremony.Ref, key string, now newest) error {
	if at.Channel == ceremony.Terminal {
		return errElsewhere
	}
	rank := func() transport.Rank {
		switch c, _ := now(); {
		case c.Ended():
			return transport.RankLast
		case n.shown(at).seq == c.Seq():
			return transport.RankClock
		}
		return transport.RankDrawing
	}
	for try := 1; ; try++ {
		if _, _, d, err := draw(now); err != nil || n.shown(at).blocks == d.blocks {
			return err
		}
		if err := n.pace.Wait(ctx, rank, transport.Edits(at.Channel, at.TS)...); err != nil {
			return err
		}
		c, what, d, err := draw(now)
		if err != nil || c.FrozenFor(event.RolledBack) {
			return err // the post may be newer than the journal
		}
		_, _, _, err = n.api.UpdateMessageContext(transport.Taken(ctx), at.Channel, at.TS,
			append(what.Options(), n.metadata(c, key, c.History[0]))...)
		if _, limited := errors.AsType[*slack.RateLimitedError](err); limited && try < maxTries {
			continue
		}
		if err == nil {
			n.drew(at, c, d)
		}
		return err
	}
}

// keyAt returns the key of the status post at a place, which may have taken another one's
// place.
func (n *notifier) keyAt(c rules.State, at ceremony.Ref) string {
	n.mu.Lock()
	key, moved := n.moved[at]
	n.mu.Unlock()
	if moved {
		return key
	}
	var before *ceremony.Ref
	for _, e := range c.History {
		p, ok := e.Event.(event.Posted)
		switch {
		case !ok || p.Key != rules.BoardKey:
		case p.Ref == at && before != nil:
			return replacementKey(*before)
		default:
			before = &p.Ref
		}
	}
	return rules.BoardKey
}

// replace posts the status post anew, since the old one can't be edited any more. If it
// finds a replacement whose answer was lost, it takes that one.
func (n *notifier) replace(ctx context.Context, old ceremony.Ref, now newest) (ceremony.Ref, error) {
	c, _ := now()
	channel := n.channel(c.Plan.Cluster)
	key := replacementKey(old)
	found, err := n.find(ctx, c, key, c.History[0], channel, "")
	if err != nil {
		return old, err
	}
	if found.TS != "" {
		n.move(found, key)
		if err := n.update(ctx, found, key, now); !uneditable(err) {
			return found, err
		}
		return n.replace(ctx, found, now)
	}
	var shows drawing
	ref, err := n.post(transport.Ranked(ctx, transport.RankBoard), channel, "", key, c.History[0],
		func() (c rules.State, what render.Message, err error) {
			c, what, shows, err = draw(now)
			return c, what, err
		})
	if err != nil {
		return old, err
	}
	n.move(ref, key)
	n.drew(ref, c, shows)
	return ref, nil
}

// move remembers the key of a post whose place the journal may not have yet.
func (n *notifier) move(to ceremony.Ref, key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.moved[to] = key
}

// replacementKey marks the status post that takes another one's place.
func replacementKey(of ceremony.Ref) string { return rules.BoardKey + " after " + of.TS }

// uneditable reports whether a post can't be edited any more: it was deleted, the
// workspace's time for edits is over, or the channel is gone for us.
func uneditable(err error) bool {
	if errors.Is(err, errElsewhere) {
		return true
	}
	said, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return false
	}
	switch said.Err {
	case "message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch", "is_inactive", "channel_not_found", "is_archived", "not_in_channel":
		return true
	}
	return false
}
