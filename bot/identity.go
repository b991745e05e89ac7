package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// freshness is how long Slack's answer about an account is trusted: somebody who
// was deactivated has no part any more, at the latest after this.
const freshness = time.Minute

// slackbot is Slack's own voice. Its is_bot is false.
const slackbot = "USLACKBOT"

// claim is who an envelope says it comes from.
type claim struct {
	user  string
	teams []string // every team that the envelope names; empty ones are left out
	// shared is set when the envelope says that other organisations can read along.
	shared bool
}

// registry asks Slack who somebody is.
type registry struct {
	api  *slack.Client
	team string // ours

	mu    sync.Mutex
	known map[string]asked // user id → answer
}

type asked struct {
	user *slack.User
	at   time.Time
}

func newRegistry(api *slack.Client, team string) *registry {
	return &registry{api: api, team: team, known: map[string]asked{}}
}

// account answers who is behind a claim, or a denial. The account's team is
// always ours: it is what the configuration pins.
func (r *registry) account(ctx context.Context, c claim) (ceremony.Account, error) {
	if c.shared {
		return ceremony.Account{}, sharedChannel
	}
	u, err := r.user(ctx, c.user)
	if err != nil {
		return ceremony.Account{}, err
	}
	if err := r.judge(u); err != nil {
		return ceremony.Account{}, err
	}
	for _, t := range c.teams {
		if !r.belongs(u, t) {
			return ceremony.Account{}, outsider
		}
	}
	return ceremony.Account{Team: r.team, User: u.ID}, nil
}

// judge says whether an account may take part at all. Names are not looked at:
// people choose them.
// Source: docs.slack.dev "User object"; of a connected organisation's people
// is_stranger may be false, so that the team decides.
func (r *registry) judge(u *slack.User) error {
	switch {
	case u.Deleted:
		return deactivated
	case u.ID == slackbot, u.IsBot, u.IsWorkflowBot, u.IsConnectorBot:
		return machine
	case u.IsStranger, !r.belongs(u, r.team):
		return outsider
	case u.IsRestricted, u.IsUltraRestricted:
		return guest
	case u.IsInvitedUser:
		return invited
	}
	return nil
}

// belongs says whether a team is one of the user's: the workspace that the
// account was made in or, in an Enterprise organisation, the organisation and
// every workspace of it that the user is in.
func (r *registry) belongs(u *slack.User, team string) bool {
	return team == u.TeamID || (u.Enterprise.EnterpriseID != "" && team == u.Enterprise.EnterpriseID) ||
		slices.Contains(u.Enterprise.Teams, team)
}

func (r *registry) user(ctx context.Context, id string) (*slack.User, error) {
	r.mu.Lock()
	known, ok := r.known[id]
	r.mu.Unlock()
	if ok && time.Since(known.at) < freshness {
		return known.user, nil
	}
	u, err := read(ctx, func() (*slack.User, error) { return r.api.GetUserInfoContext(ctx, id) })
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		switch said.Err {
		case "user_not_found", "user_not_visible":
			return nil, unknownUser
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ask Slack who %s is: %w", id, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[id] = asked{u, time.Now()}
	return u, nil
}

// forget drops what is known about an account, since Slack says that it changed.
func (r *registry) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, id)
}
