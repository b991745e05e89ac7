package transport

import (
	"errors"
	"testing"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
)

// TestAccountsAreJudgedByWhatSlackSays has what a workspace in a test can't
// show: accounts that Slack describes in odd ways, and Enterprise organisations.
func TestAccountsAreJudgedByWhatSlackSays(t *testing.T) {
	r := NewAccounts(nil, "T1")
	for name, c := range map[string]struct {
		user slack.User
		want error
	}{
		"member":                     {slack.User{ID: "U1", TeamID: "T1"}, nil},
		"deactivated":                {slack.User{ID: "U1", TeamID: "T1", Deleted: true}, refusal.Deactivated},
		"deactivated without a team": {slack.User{ID: "U1", Deleted: true}, refusal.Deactivated},
		"bot":                        {slack.User{ID: "U1", TeamID: "T1", IsBot: true}, refusal.Machine},
		"Slackbot, who is no bot":    {slack.User{ID: "USLACKBOT", TeamID: "T1"}, refusal.Machine},
		"workflow":                   {slack.User{ID: "U1", TeamID: "T1", IsWorkflowBot: true}, refusal.Machine},
		"guest":                      {slack.User{ID: "U1", TeamID: "T1", IsRestricted: true}, refusal.Guest},
		"guest of one channel":       {slack.User{ID: "U1", TeamID: "T1", IsUltraRestricted: true}, refusal.Guest},
		"invited":                    {slack.User{ID: "U1", TeamID: "T1", IsInvitedUser: true}, refusal.Invited},
		"stranger":                   {slack.User{ID: "U1", TeamID: "T2", IsStranger: true}, refusal.Outsider},
		"connected, not strange":     {slack.User{ID: "U1", TeamID: "T2"}, refusal.Outsider},
		"of our organisation":        {slack.User{ID: "W1", TeamID: "T2", Enterprise: slack.EnterpriseUser{EnterpriseID: "E1", Teams: []string{"T2", "T1"}}}, nil},
		"of it, but not here":        {slack.User{ID: "W1", TeamID: "T2", Enterprise: slack.EnterpriseUser{EnterpriseID: "E1", Teams: []string{"T2"}}}, refusal.Outsider},
	} {
		if got := r.Judge(&c.user); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestOrganisationAsTeamTakesItsWorkspaces(t *testing.T) {
	r := NewAccounts(nil, "E1")
	if err := r.Judge(&slack.User{ID: "W1", TeamID: "T2",
		Enterprise: slack.EnterpriseUser{EnterpriseID: "E1"}}); err != nil {
		t.Error(err)
	}
	if err := r.Judge(&slack.User{ID: "W1", TeamID: "T2", Enterprise: slack.EnterpriseUser{EnterpriseID: "E2"}}); !errors.Is(err, refusal.Outsider) {
		t.Error(err)
	}
}
