package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
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
	config         Config
	posts          *transport.Pacer // channel → next post
	redraws        *transport.Pacer // status post → next edit

	mu    sync.Mutex
	drawn map[ceremony.Ref]string // status post → what it shows
	moved map[ceremony.Ref]string // status post that took another one's place → its key
	self  myself                  // once Slack was asked
	where Config                  // of which only the channels count: a reload changes them
}

func newNotifier(
	api *slack.Client, directMessages *transport.DirectMessages, channels *transport.Channels,
	accounts *transport.Accounts, health *transport.Monitor, config Config,
) *notifier {
	return &notifier{
		health: health,
		api:    api, directMessages: directMessages, channels: channels, accounts: accounts, config: config,
		posts:   transport.NewPacer(cmp.Or(config.Pace, transport.PostPace)),
		redraws: transport.NewPacer(cmp.Or(config.Pace, transport.RedrawPace)),
		drawn:   map[ceremony.Ref]string{}, moved: map[ceremony.Ref]string{}, where: config,
	}
}

// Deliver posts one message. See engine.Notifier.
func (n *notifier) Deliver(ctx context.Context, c rules.State, m rules.Message, maybe bool) (ceremony.Ref, error) {
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
	if maybe {
		found, err := n.find(ctx, c, m.Key, m.Entry, channel, thread)
		if err != nil {
			return ceremony.Ref{}, fmt.Errorf("look for %s: %w", m.Key, err)
		}
		if found.TS != "" {
			return found, nil
		}
	}
	var what render.Message
	if m.Kind == rules.BoardMessage {
		what = render.StatusPost(c, rules.Live{}, time.Now())
	} else if what, err = render.Notification(c, m, n.config.Sign); err != nil {
		// Nothing that a later try would change; the journal has what was to be said.
		return ceremony.Ref{}, fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
	}
	ref, err := n.post(ctx, channel, thread, c, m.Key, m.Entry, what)
	if err != nil {
		return ceremony.Ref{}, fmt.Errorf("deliver %s: %w", m.Key, err)
	}
	return ref, nil
}

// address returns where a message belongs: a person's direct messages, the ops channel,
// or the status post's thread.
func (n *notifier) address(ctx context.Context, c rules.State, m rules.Message) (channel, thread string, err error) {
	if m.To != nil {
		if err := n.reaches(ctx, m.To.Account.User); err != nil {
			return "", "", err
		}
		channel, err := n.directMessages.With(ctx, m.To.Account.User)
		if err != nil {
			return "", "", notPosted(err, true)
		}
		return channel, "", nil
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
	if own, ok := n.where.Channels[cluster]; ok {
		return own
	}
	return n.where.Channel
}

// post posts a message with its metadata, when its channel's turn has come.
func (n *notifier) post(
	ctx context.Context, channel, thread string, c rules.State, key string, of event.Entry, what render.Message,
) (ceremony.Ref, error) {
	if err := n.posts.Wait(ctx, channel); err != nil {
		return ceremony.Ref{}, fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	options := append(what.Options(), n.metadata(c, key, of))
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	began := time.Now() // the event may come before the answer
	in, ts, err := n.api.PostMessageContext(ctx, channel, options...)
	if err != nil {
		return ceremony.Ref{}, classifyPost(err)
	}
	if n.isOps(in) {
		n.health.Note(func(h *transport.Health) { h.LastChannelPost = began })
	}
	return ceremony.Ref{Channel: in, TS: ts}, nil
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
	n.mu.Lock()
	self := n.self
	n.mu.Unlock()
	if self != (myself{}) {
		return self, nil
	}
	answer, err := transport.Read(ctx, func() (*slack.AuthTestResponse, error) { return n.api.AuthTestContext(ctx) })
	if err != nil {
		return myself{}, fmt.Errorf("ask Slack who we are: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.self = myself{bot: answer.BotID, user: answer.UserID}
	return n.self, nil
}

// find looks for a post of ours about an entry by its metadata. A post of an earlier version
// names no line.
func (n *notifier) find(
	ctx context.Context, c rules.State, key string, of event.Entry, channel, thread string,
) (ceremony.Ref, error) {
	self, err := n.me(ctx)
	if err != nil {
		return ceremony.Ref{}, err
	}
	oldest := strconv.FormatInt(of.At.Add(-clockSkew).Unix(), 10)
	cursor := ""
	for {
		messages, next, err := n.page(ctx, channel, thread, oldest, cursor)
		if err != nil {
			return ceremony.Ref{}, err
		}
		for _, m := range messages {
			had := m.Metadata.EventPayload
			line, named := had[metadataLine]
			if m.BotID == self.bot && m.Metadata.EventType == metadataType && had[metadataCeremony] == string(c.ID()) &&
				had[metadataKey] == key && (!named || line == of.Hash) {
				return ceremony.Ref{Channel: channel, TS: m.Timestamp}, nil
			}
		}
		if next == "" {
			return ceremony.Ref{}, nil
		}
		cursor = next
	}
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
func (n *notifier) Redraw(ctx context.Context, c rules.State, live rules.Live, at ceremony.Ref) (ceremony.Ref, error) {
	stand := at.Channel
	if stand == ceremony.Terminal {
		stand = n.channel(c.Plan.Cluster)
	}
	if err := n.channels.Check(ctx, stand); errors.Is(err, refusal.OpsChannelShared) {
		return at, fmt.Errorf("redraw %s: %w", c.ID(), err)
	}
	what := render.StatusPost(c, live, time.Now())
	shown, err := json.Marshal(what.Blocks)
	if err != nil {
		return at, fmt.Errorf("redraw %s: %w", c.ID(), err)
	}
	if n.shows(at, string(shown)) {
		return at, nil
	}
	if err := n.update(ctx, c, at, what); err != nil {
		if !uneditable(err) {
			return at, fmt.Errorf("redraw %s: %w", c.ID(), err)
		}
		if at, err = n.replace(ctx, c, at, what); err != nil {
			return at, fmt.Errorf("replace the status post of %s: %w", c.ID(), err)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drawn[at] = string(shown)
	if c.Ended() {
		delete(n.drawn, at)
	}
	return at, nil
}

func (n *notifier) shows(at ceremony.Ref, blocks string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.drawn[at] == blocks
}

// errElsewhere means that a status post was shown at a terminal, where it can't be edited.
var errElsewhere = errors.New("the status post is not in Slack")

func (n *notifier) update(ctx context.Context, c rules.State, at ceremony.Ref, what render.Message) error {
	return n.updateAs(ctx, c, at, n.keyAt(c, at), what)
}

// updateAs edits a post. Slack keeps nothing of the metadata that was there.
func (n *notifier) updateAs(ctx context.Context, c rules.State, at ceremony.Ref, key string, what render.Message) error {
	if at.Channel == ceremony.Terminal {
		return errElsewhere
	}
	if err := n.redraws.Wait(ctx, at.Channel+"/"+at.TS); err != nil {
		return err
	}
	_, _, _, err := n.api.UpdateMessageContext(ctx, at.Channel, at.TS, append(what.Options(), n.metadata(c, key, c.History[0]))...)
	return err
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
func (n *notifier) replace(ctx context.Context, c rules.State, old ceremony.Ref, what render.Message) (ceremony.Ref, error) {
	channel := n.channel(c.Plan.Cluster)
	key := replacementKey(old)
	found, err := n.find(ctx, c, key, c.History[0], channel, "")
	if err != nil {
		return old, err
	}
	if found.TS != "" {
		n.move(found, key)
		if err := n.updateAs(ctx, c, found, key, what); !uneditable(err) {
			return found, err
		}
		return n.replace(ctx, c, found, what)
	}
	ref, err := n.post(ctx, channel, "", c, key, c.History[0], what)
	if err != nil {
		return old, err
	}
	n.move(ref, key)
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
