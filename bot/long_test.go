package bot

import (
	"fmt"
	"strings"
	"testing"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// crowded is a rekey for so many holders.
func (s *stage) crowded(n int) ceremony.Plan {
	p := s.plan()
	p.Holders = nil
	for i := range n {
		who := ceremony.Person{
			Name:    fmt.Sprintf("holder-number-%03d", i),
			Account: ceremony.Account{Team: s.w.TeamID(), User: fmt.Sprintf("U0HOLDER%03d", i)},
			Key:     ceremony.Fingerprint(fmt.Sprintf("%040x", i+1)),
		}
		p.Holders = append(p.Holders, who)
	}
	p.Receivers = p.Holders
	p.Threshold, p.NewThreshold = n/2, n/2
	return p
}

// TestPlanForManyHoldersIsPostedInParts: Slack takes some 13,200 characters in one message. The
// approver reads the whole plan, and the button comes last.
func TestPlanForManyHoldersIsPostedInParts(t *testing.T) {
	for _, holders := range []int{3, 55, 255} {
		s, _ := posting(t, slacktest.Config{})
		c := s.holds(begin(t, s.crowded(holders)))
		d := s.bot.Notifier()
		m := messageOf(t, c, rules.ApprovalMessage, "bob")
		if holders > 3 { // the first part lies there, and nobody knows
			s.w.Inject(slacktest.Fault{Method: "chat.postMessage", Times: 1, Effect: slacktest.DropAfter()})
			if ref, err := d.Deliver(t.Context(), still(c), m, false); err == nil {
				t.Fatalf("%d holders: posted at %v", holders, ref)
			}
		}
		ref, err := d.Deliver(t.Context(), still(c), m, true)
		if err != nil {
			t.Fatalf("%d holders: %v", holders, err)
		}
		inbox := s.bob.Inbox()
		var read strings.Builder
		for _, in := range inbox {
			read.WriteString(s.w.Read(in) + "\n")
		}
		for _, line := range strings.Split(strings.TrimSpace(c.Plan.Text()), "\n") {
			if n := strings.Count(read.String(), "\n"+line+"\n"); n != 1 {
				t.Errorf("%d holders: the line %q was read %d times", holders, line, n)
			}
		}
		last := inbox[len(inbox)-1]
		if last.TS != ref.TS || !strings.Contains(s.w.Read(last), "Approve") || !strings.Contains(s.w.Read(last), c.PlanHash) {
			t.Errorf("%d holders: the last part is\n%s", holders, s.w.Read(last))
		}
		if (len(inbox) > 1) != (holders > 3) {
			t.Errorf("%d holders: %d messages", holders, len(inbox))
		}
		if v := s.w.Violations(); len(v) > 0 {
			t.Errorf("%d holders: %v", holders, v)
		}
	}
}
