package bot

import (
	"errors"
	"testing"

	"github.com/slack-go/slack"
)

// TestAccountsAreJudgedByWhatSlackSays has what a workspace in a test can't
// show: accounts that Slack describes in odd ways, and Enterprise organisations.
func TestAccountsAreJudgedByWhatSlackSays(t *testing.T) {
	r := newRegistry(nil, "T1")
	for name, c := range map[string]struct {
		user slack.User
		want error
	}{
		"member":                     {slack.User{ID: "U1", TeamID: "T1"}, nil},
		"deactivated":                {slack.User{ID: "U1", TeamID: "T1", Deleted: true}, deactivated},
		"deactivated without a team": {slack.User{ID: "U1", Deleted: true}, deactivated},
		"bot":                        {slack.User{ID: "U1", TeamID: "T1", IsBot: true}, machine},
		"Slackbot, who is no bot":    {slack.User{ID: "USLACKBOT", TeamID: "T1"}, machine},
		"workflow":                   {slack.User{ID: "U1", TeamID: "T1", IsWorkflowBot: true}, machine},
		"guest":                      {slack.User{ID: "U1", TeamID: "T1", IsRestricted: true}, guest},
		"guest of one channel":       {slack.User{ID: "U1", TeamID: "T1", IsUltraRestricted: true}, guest},
		"invited":                    {slack.User{ID: "U1", TeamID: "T1", IsInvitedUser: true}, invited},
		"stranger":                   {slack.User{ID: "U1", TeamID: "T2", IsStranger: true}, outsider},
		"connected, not strange":     {slack.User{ID: "U1", TeamID: "T2"}, outsider},
		"of our organisation":        {slack.User{ID: "W1", TeamID: "T2", Enterprise: slack.EnterpriseUser{EnterpriseID: "E1", Teams: []string{"T2", "T1"}}}, nil},
		"of it, but not here":        {slack.User{ID: "W1", TeamID: "T2", Enterprise: slack.EnterpriseUser{EnterpriseID: "E1", Teams: []string{"T2"}}}, outsider},
	} {
		if got := r.judge(&c.user); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestOrganisationAsTeamTakesItsWorkspaces(t *testing.T) {
	r := newRegistry(nil, "E1")
	if err := r.judge(&slack.User{ID: "W1", TeamID: "T2", Enterprise: slack.EnterpriseUser{EnterpriseID: "E1"}}); err != nil {
		t.Error(err)
	}
	if err := r.judge(&slack.User{ID: "W1", TeamID: "T2", Enterprise: slack.EnterpriseUser{EnterpriseID: "E2"}}); !errors.Is(err, outsider) {
		t.Error(err)
	}
}
