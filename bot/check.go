package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
	"conclave/bot/transport"
)

// Finding is the result of one check of Slack.
type Finding struct {
	Subject string // what was looked at
	Detail  string // what was found, in words for the operator
	Err     error  // nil when all is well; otherwise what to do about it
}

// Check checks whether the bot could work: tokens, scopes, workspace, channels, and the
// accounts of people (name → user id). Many accounts take a while. It posts nothing. It
// asks for one socket address and never connects to it, and opens the direct messages
// with each person without a message in them.
func (b *Bot) Check(ctx context.Context, people map[string]string) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		token := b.checkBotToken(ctx)
		findings := append([]Finding{b.checkAppToken(ctx)}, token...)
		for _, id := range b.config.channels() {
			findings = append(findings, b.checkChannel(ctx, id))
		}
		for _, f := range findings {
			if !yield(f) {
				return
			}
		}
		if token[0].Err != nil {
			return // of each account Slack would say the same
		}
		for i, name := range slices.Sorted(maps.Keys(people)) {
			if i >= b.rhythm.Accounts && transport.Sleep(ctx, b.rhythm.AccountGap) != nil {
				return
			}
			if !yield(b.checkAccount(ctx, name, people[name])) {
				return
			}
		}
	}
}

// checkAccount asks Slack about an account: whose it is, whether it may take part, and
// whether the bot can open direct messages with it.
func (b *Bot) checkAccount(ctx context.Context, name, id string) Finding {
	f := Finding{Subject: "account of " + name, Detail: id}
	u, err := b.accounts.User(ctx, id)
	if err == nil {
		f.Detail = fmt.Sprintf("%s is @%s (%s)", id, u.Name, cmp.Or(u.RealName, u.Profile.RealName))
		err = b.accounts.Judge(u)
	}
	if denied, ok := errors.AsType[refusal.Denial](err); ok {
		f.Err = fmt.Errorf("%s Correct people.%s.slack, or have the account put right", explainDenial(denied).What, name)
		return f
	}
	if err == nil {
		_, err = b.directMessages.With(ctx, id)
	}
	f.Err = err
	return f
}

func (b *Bot) checkAppToken(ctx context.Context) Finding {
	f := Finding{Subject: "Slack app token", Detail: "Socket Mode can be opened"}
	options := []slack.Option{
		slack.OptionAppLevelToken(b.config.AppToken), slack.OptionHTTPClient(transport.NewRateLimitedClient(b.http, b.notifier.pace, b.health)),
	}
	if b.config.APIURL != "" {
		options = append(options, slack.OptionAPIURL(b.config.APIURL))
	}
	_, _, err := slack.New(b.config.BotToken, options...).StartSocketModeContext(ctx)
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		if advice, ok := transport.Fatal(said.Err); ok {
			err = fmt.Errorf("%w: %s", err, advice)
		}
	}
	if err != nil {
		f.Detail, f.Err = "Socket Mode can't be opened", fmt.Errorf("open a socket: %w", err)
	}
	return f
}

func (b *Bot) checkBotToken(ctx context.Context) []Finding {
	token := Finding{Subject: "Slack bot token"}
	me, err := b.api.AuthTestContext(ctx)
	if err != nil {
		token.Detail, token.Err = "Slack does not accept it", fmt.Errorf("auth.test: %w", err)
		return []Finding{token}
	}
	token.Detail = fmt.Sprintf("%s in workspace %s (%s)", me.User, me.Team, me.TeamID)
	if me.TeamID != b.config.Team && me.EnterpriseID != b.config.Team {
		token.Err = fmt.Errorf("the configuration says workspace %s: %w", b.config.Team, ErrWorkspace)
	}
	return []Finding{token, checkScopes(me.Header), checkEvents(me.Header)}
}

// granted returns the scopes of the token with which Slack was asked.
// Source: docs.slack.dev "Scopes", header X-OAuth-Scopes.
func granted(h http.Header) map[string]bool {
	have := map[string]bool{}
	for s := range strings.SplitSeq(h.Get("X-OAuth-Scopes"), ",") {
		have[strings.TrimSpace(s)] = true
	}
	return have
}

// checkScopes compares the scopes of the token with those that the bot needs.
func checkScopes(h http.Header) Finding {
	f := Finding{Subject: "Slack scopes"}
	have := granted(h)
	var missing []string
	for _, s := range scopes() {
		if !have[s.name] {
			missing = append(missing, fmt.Sprintf("%s (without it: no %s)", s.name, s.why))
		}
	}
	if len(missing) > 0 {
		f.Detail = fmt.Sprintf("%d of %d granted", len(scopes())-len(missing), len(scopes()))
		f.Err = fmt.Errorf("missing: %s; update the app from `conclave manifest` and install it again",
			strings.Join(missing, ", "))
		return f
	}
	f.Detail = fmt.Sprintf("all %d granted", len(scopes()))
	return f
}

// checkEvents names each event that Slack does not send for want of a scope. Nothing tells
// an app which events it subscribes to: apps.manifest.export takes a token of the person
// who manages the app. So the finding says what to look for, and claims nothing.
func checkEvents(h http.Header) Finding {
	f := Finding{Subject: "Slack events"}
	have := granted(h)
	var missing, needed []string
	for _, e := range subscriptions() {
		needed = append(needed, fmt.Sprintf("%s (without it: %s)", e.name, e.lost))
		if !have[e.scope] {
			missing = append(missing, fmt.Sprintf("%s needs %s (without it: %s)", e.name, e.scope, e.lost))
		}
	}
	if len(missing) > 0 {
		f.Detail = "Slack can't send all of them"
		f.Err = fmt.Errorf("%s; update the app from `conclave manifest` and install it again", strings.Join(missing, ", "))
		return f
	}
	f.Detail = "not known: Slack tells an app its scopes, not its events. Compare them with the app's page: " +
		strings.Join(needed, ", ") + ". The running bot logs it when its own posts in a channel don't come back"
	return f
}

func (b *Bot) checkChannel(ctx context.Context, id string) Finding {
	f := Finding{Subject: "Slack channel " + id}
	ch, err := b.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
	if err != nil {
		f.Detail, f.Err = "not readable", fmt.Errorf("conversations.info: %w; invite the bot to the channel", err)
		return f
	}
	f.Detail = "#" + ch.Name
	switch {
	case ch.IsArchived:
		f.Err = errors.New("the channel is archived")
	case transport.Outside(ch):
		f.Err = errors.New("the channel is shared with others than this workspace: use one that only its own people can read")
	case !ch.IsMember:
		f.Err = errors.New("the bot is no member: invite it")
	}
	return f
}
