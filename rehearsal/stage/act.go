package stage

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

var ceremonyID = regexp.MustCompile("`(" + ClusterName + "-[a-z0-9-]+)`")

// Propose lets a person type "/ceremony start …" and returns the ceremony's id from the bot's answer.
func (s *Stage) Propose(ctx context.Context, who, what string) (ceremony.ID, error) {
	said, err := s.Person(who).Commands(ctx, "start "+what)
	if err != nil {
		return "", err
	}
	id := ceremonyID.FindStringSubmatch(said)
	if id == nil {
		return "", fmt.Errorf("%s proposed %s and was told: %s", who, what, said)
	}
	return ceremony.ID(id[1]), nil
}

// Approve lets a person read the plan that they were sent, and press the button under it or sign its hash, as the plan
// asks.
func (s *Stage) Approve(ctx context.Context, who string, id ceremony.ID) error {
	p := s.Person(who)
	plan, err := p.Told(ctx, id, rules.ApprovalMessage)
	if err != nil {
		return err
	}
	if !plan.HasButton("approve") {
		said, err := p.Signs(ctx, plan)
		if err != nil {
			return err
		}
		if !strings.Contains(said.Text, "is in the journal") {
			return fmt.Errorf("%s signed the plan of %s and was told: %s", who, id, said.Text)
		}
		return nil
	}
	said, err := p.Clicks(ctx, plan, "approve")
	if err != nil {
		return err
	}
	if !regexp.MustCompile(`(?i)\byou approved\b`).MatchString(said) {
		return fmt.Errorf("%s approved %s and was told: %s", who, id, said)
	}
	return nil
}

// Present lets each of the people answer the roll call.
func (s *Stage) Present(ctx context.Context, id ceremony.ID, who ...string) error {
	return s.together(who, func(p *Person) error {
		call, err := p.Told(ctx, id, rules.RollCallMessage)
		if err != nil {
			return err
		}
		receipt, err := p.Presents(ctx, call)
		if err == nil && receipt.refuses() {
			err = fmt.Errorf("%s answered the roll call of %s and was told: %s", p.Name, id, receipt.Text)
		}
		return err
	})
}

// Answer lets people answer a step's requests, one after the other. An answer that is refused is an error.
func (s *Stage) Answer(ctx context.Context, id ceremony.ID, step ceremony.Step, who ...string) error {
	for _, name := range who {
		ask, err := s.Person(name).Asked(ctx, id, step)
		if err != nil {
			return err
		}
		receipt, err := s.Person(name).Answers(ctx, ask)
		if err != nil {
			return err
		}
		if receipt.refuses() {
			return fmt.Errorf("%s answered %s of %s and was told: %s", name, step, id, receipt.Text)
		}
	}
	return nil
}

// AnswerFirst lets as many holders bring their share in force as are needed.
func (s *Stage) AnswerFirst(ctx context.Context, id ceremony.ID) error {
	seal, err := s.Seal(ctx)
	if err != nil {
		return err
	}
	return s.Answer(ctx, id, ceremony.StepUpdate, s.settings.Holders[:seal.Threshold]...)
}

// Receive lets all receivers take their new share.
func (s *Stage) Receive(ctx context.Context, id ceremony.ID) error {
	return s.together(s.Receivers(), func(p *Person) error {
		_, err := p.Receives(ctx, id)
		return err
	})
}

// Adopt lets all receivers put the new share in place of the old one, as they are told when a rekey is completed.
func (s *Stage) Adopt(id ceremony.ID) error {
	return s.together(s.Receivers(), func(p *Person) error { return p.Keys.Adopt(id) })
}

// Receivers returns the names of the people who get the new shares of a rekey.
func (s *Stage) Receivers() []string {
	if len(s.settings.Receivers) > 0 {
		return slices.Clone(s.settings.Receivers)
	}
	return slices.Clone(s.settings.Holders)
}

func (s *Stage) together(who []string, act func(*Person) error) error {
	faults := make([]error, len(who))
	var all sync.WaitGroup
	for i, name := range who {
		all.Go(func() { faults[i] = act(s.Person(name)) })
	}
	all.Wait()
	return errors.Join(faults...)
}

// Ended waits until a ceremony's status post says how it ended, in the words of
// the person who reads it ("Completed", "Cancelled", "Expired").
func (s *Stage) Ended(ctx context.Context, id ceremony.ID, word string) error {
	says := regexp.MustCompile(`(?i)\*` + word + `\*`)
	return s.Wait(ctx, "the status post of "+string(id)+" to say "+word, func() bool {
		board, ok := s.BoardOf(id)
		return ok && says.MatchString(board.Text)
	})
}

// Rekey plays a whole rekey in which nothing goes wrong: the first holders bring
// the old shares, the last receivers prove the new ones. Everybody has both
// shares afterwards, until Adopt. It is the kind of rekey that the configuration
// allows.
func (s *Stage) Rekey(ctx context.Context) (ceremony.ID, error) {
	rekeys := func(op string) bool { return ceremony.Operation(op).Rekeys() }
	i := slices.IndexFunc(s.settings.Operations, rekeys)
	if i < 0 {
		return "", errors.New("the configuration allows no rekey")
	}
	id, err := s.Propose(ctx, Olga, s.settings.Operations[i]+" "+ClusterName+" OPS-412: the yearly rekey")
	if err != nil {
		return "", err
	}
	if err := s.Approve(ctx, Paul, id); err != nil {
		return id, err
	}
	if err := s.AnswerFirst(ctx, id); err != nil {
		return id, err
	}
	if err := s.Receive(ctx, id); err != nil {
		return id, err
	}
	if s.settings.Verification {
		to := s.Receivers()
		if err := s.Answer(ctx, id, ceremony.StepVerify, to[len(to)-s.settings.Threshold:]...); err != nil {
			return id, err
		}
	}
	return id, s.Ended(ctx, id, "Completed")
}

// GenerateRoot plays a whole generate-root and returns the token.
func (s *Stage) GenerateRoot(ctx context.Context) (ceremony.ID, string, error) {
	id, err := s.Propose(ctx, Olga, "generate-root "+ClusterName+" OPS-413: the last admin has left")
	if err != nil {
		return "", "", err
	}
	if err := s.Approve(ctx, Paul, id); err != nil {
		return id, "", err
	}
	if err := s.AnswerFirst(ctx, id); err != nil {
		return id, "", err
	}
	token, err := s.Person(Olga).TakesToken(ctx, id)
	if err != nil {
		return id, "", err
	}
	return id, token, s.Ended(ctx, id, "Completed")
}
