package whole_test

import (
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest/operator"
	"conclave/vault/vaulttest/realvault"
)

// Three servers come back sealed. The seal watch opens one unseal. One share from each of three holders unseals all
// three, although the bot dies after the first.
func TestThreeNodesAreUnsealedByOneShareOfEachOfThreeHolders(t *testing.T) {
	t.Parallel()
	s, nodes := onCluster(t, func(to *stage.Settings) {
		allowing(ceremony.Unseal)(to)
		to.Watch = true
	})
	for _, n := range nodes {
		n.Restart(t)
	}
	killed := s.killAtFirst(event.Entered{})
	s.start()
	s.until("the seal watch to open an unseal", func() bool { return len(s.journals()) > 0 })
	c := s.completed(s.journals()[0])
	killed()

	if c.Plan.Initiator != ceremony.SealWatch {
		t.Errorf("opened by %s", c.Plan.Initiator.Name)
	}
	var sent []string
	for _, e := range c.History {
		if entered, ok := e.Event.(event.Entered); ok {
			sent = append(sent, entered.By.Name)
			if len(entered.At) != len(nodes) {
				t.Errorf("%s's share counts on %v", entered.By.Name, entered.At)
			}
		}
	}
	if len(sent) != stage.Threshold {
		t.Errorf("shares of %v, where %d are needed", sent, stage.Threshold)
	}
	for _, n := range nodes {
		answer, err := s.At(n.Addr()).Do(s.ctx(), "GET", "sys/seal-status", nil)
		s.check(err)
		if answer.Bool("sealed") {
			t.Errorf("%s is sealed", n.Addr())
		}
	}
	if all := s.journals(); len(all) != 1 {
		t.Errorf("announced as %v", all)
	}
}

// A leader that steps down takes the shares of a rekey with it. The ceremony says so, and goes on with the approval
// that it has.
func TestP6LeaderStepsDownInTheMiddleOfARekey(t *testing.T) {
	t.Parallel()
	s, nodes := onCluster(t, allowing(ceremony.Rekey))
	s.start()
	s.until("every node to have a vote", func() bool { return s.votes() == len(nodes) })
	id := s.opened(ceremony.Rekey)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice", "bob"))

	before := s.leader(nodes)
	answer, err := s.At(before).Do(s.ctx(), "PUT", "sys/step-down", nil)
	s.check(err)
	if answer.Status >= 300 {
		t.Fatalf("step down: status %d: %v", answer.Status, answer.Errors)
	}
	s.freezes(id, event.AttemptGone, "does not have the attempt any more")
	s.resumes(id)
	c := s.completed(id)
	if after := s.leader(nodes); after == before || after == "" {
		t.Errorf("%q leads, as %q did", after, before)
	}
	if c.Attempt.Number != 2 || len(c.Approvals) != 1 {
		t.Errorf("attempt %d with %d approvals: %s", c.Attempt.Number, len(c.Approvals), story(c))
	}
	s.newKeyInForce(id)
}

// votes returns the number of nodes that may elect a leader. A new node becomes one of them after a while.
func (s *scene) votes() int {
	s.t.Helper()
	configuration, _ := s.reading("sys/storage/raft/configuration").Body["config"].(map[string]any)
	servers, _ := configuration["servers"].([]any)
	n := 0
	for _, server := range servers {
		fields, _ := server.(map[string]any)
		if (operator.Answer{Body: fields}).Bool("voter") {
			n++
		}
	}
	return n
}

// leader returns the address of the node that leads.
func (s *scene) leader(nodes []*realvault.Real) string {
	s.t.Helper()
	for _, n := range nodes {
		answer, err := s.At(n.Addr()).Do(s.ctx(), "GET", "sys/leader", nil)
		s.check(err)
		if answer.Bool("is_self") {
			return n.Addr()
		}
	}
	s.t.Logf("none of %d nodes leads", len(nodes))
	return ""
}
