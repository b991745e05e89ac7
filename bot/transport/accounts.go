package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
	"conclave/ceremony"
)

// freshness is how long Slack's answer about an account or a channel is trusted. An
// account that was deactivated has no part any more, at the latest after this.
const freshness = time.Minute

// slackbot is the account of Slackbot, whose is_bot is false.
const slackbot = "USLACKBOT"

// Claim is what an envelope says about its sender.
type Claim struct {
	User  string
	Teams []string // every team that the envelope names; empty ones are left out
	// Shared is set when the envelope says that other organisations can read along.
	Shared bool
}

// Accounts asks Slack whose account a user id is, and remembers the answer for a while.
type Accounts struct {
	api   *slack.Client
	team  string               // ours
	known *Memory[*slack.User] // user id → answer
}

// NewAccounts returns the accounts of one workspace or organisation.
func NewAccounts(api *slack.Client, team string) *Accounts {
	return &Accounts{api: api, team: team, known: NewMemory[*slack.User]()}
}

// Account returns the account behind a claim, or a denial. The account's team is
// always ours: it is what the configuration pins.
func (a *Accounts) Account(ctx context.Context, c Claim) (ceremony.Account, error) {
	if c.Shared {
		return ceremony.Account{}, refusal.SharedChannel
	}
	u, err := a.User(ctx, c.User)
	if err != nil {
		return ceremony.Account{}, err
	}
	if err := a.Judge(u); err != nil {
		return ceremony.Account{}, err
	}
	for _, t := range c.Teams {
		if !a.belongs(u, t) {
			return ceremony.Account{}, refusal.Outsider
		}
	}
	return ceremony.Account{Team: a.team, User: u.ID}, nil
}

// Judge returns a denial when an account may not take part at all. It looks at no
// names, since people choose them.
// Source: docs.slack.dev "User object"; of a connected organisation's people
// is_stranger may be false, so that the team decides.
func (a *Accounts) Judge(u *slack.User) error {
	switch {
	case u.Deleted:
		return refusal.Deactivated
	case u.ID == slackbot, u.IsBot, u.IsWorkflowBot, u.IsConnectorBot:
		return refusal.Machine
	case u.IsStranger, !a.belongs(u, a.team):
		return refusal.Outsider
	case u.IsRestricted, u.IsUltraRestricted:
		return refusal.Guest
	case u.IsInvitedUser:
		return refusal.Invited
	}
	return nil
}

// belongs reports whether a team is one of the user's: the workspace that the
// account was made in or, in an Enterprise organisation, the organisation and
// every workspace of it that the user is in.
func (a *Accounts) belongs(u *slack.User, team string) bool {
	return team == u.TeamID || (u.Enterprise.EnterpriseID != "" && team == u.Enterprise.EnterpriseID) ||
		slices.Contains(u.Enterprise.Teams, team)
}

// User returns Slack's description of an account. It wraps ErrSlackSilent when Slack
// does not answer, and is refusal.UnknownUser when Slack does not know the account.
func (a *Accounts) User(ctx context.Context, id string) (*slack.User, error) {
	u, err := a.known.Get(ctx, id, time.Now().Add(-freshness), func() (*slack.User, error) {
		return Read(ctx, func() (*slack.User, error) { return a.api.GetUserInfoContext(ctx, id) })
	})
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		switch said.Err {
		case "user_not_found", "user_not_visible":
			return nil, refusal.UnknownUser
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ask Slack who %s is: %w", id, err)
	}
	return u, nil
}

// Knows reports whether an answer of Slack's about an account is remembered.
func (a *Accounts) Knows(id string) bool {
	_, known := a.known.Recall(id)
	return known
}

// Forget drops what is known about an account. It is called when Slack says that the
// account has changed.
func (a *Accounts) Forget(id string) { a.known.Forget(id) }

// Claimed returns the account of a sender who was turned away, as far as the envelope
// tells.
func (c Claim) Claimed(team string) ceremony.Account {
	if len(c.Teams) > 0 {
		team = c.Teams[len(c.Teams)-1]
	}
	return ceremony.Account{Team: team, User: c.User}
}
