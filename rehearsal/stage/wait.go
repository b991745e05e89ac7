package stage

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Wait returns when holds reports true. holds is called again after every change in the workspace. The error names what
// was waited for and what was there instead.
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

// scene returns a description of what there is to see, to help find out why something did not happen.
func (s *Stage) scene() string {
	var b strings.Builder
	if board, ok := s.Board(); ok {
		fmt.Fprintf(&b, "--- status post\n%s\n", board.Text)
	}
	fmt.Fprintf(&b, "--- %s\n%s", s.LogFile(), s.lastWords())
	return b.String()
}
