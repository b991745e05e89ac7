package stage

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Wait returns when something holds, which it asks again after every change in
// the workspace. The error says what was waited for, and what there was instead.
func (s *Stage) Wait(ctx context.Context, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	if p := s.current(); p != nil {
		defer context.AfterFunc(p.died, func() {
			if err := context.Cause(p.died); errors.Is(err, ErrBotDied) {
				fail(err)
			}
		})()
	}
	if err := s.Slack.WaitFor(ctx, holds); err != nil {
		return fmt.Errorf("wait for %s: %w\n%s", what, context.Cause(ctx), s.scene())
	}
	return nil
}

func (s *Stage) current() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

// scene is what there is to see, for whoever has to find out why something did
// not happen.
func (s *Stage) scene() string {
	var b strings.Builder
	if board, ok := s.Board(); ok {
		fmt.Fprintf(&b, "--- status post\n%s\n", board.Text)
	}
	fmt.Fprintf(&b, "--- %s\n%s", s.LogFile(), s.lastWords())
	return b.String()
}
