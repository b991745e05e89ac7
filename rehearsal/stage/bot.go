package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"conclave/ceremony"
)

// ErrBotDied means that the bot has ended although it was not told to.
var ErrBotDied = errors.New("the bot has died")

// process is one life of the bot.
type process struct {
	cmd    *exec.Cmd
	died   context.Context // ends with the process; its cause says how, if the process was not told to end
	asked  bool            // to end; guarded by the stage's mutex
	status error           // of Wait, once died has ended
}

// StartBot starts the bot and returns when it is connected to Slack.
func (s *Stage) StartBot(ctx context.Context) error {
	if s.hasDied() {
		// A connection of the last process would look like one of the new. What is sent over it gets no answer.
		if err := s.Wait(ctx, "the last connection to close", func() bool { return s.Slack.Sockets() == 0 }); err != nil {
			return err
		}
	}
	if err := s.launch(); err != nil {
		return fmt.Errorf("start the bot: %w", err)
	}
	return s.Wait(ctx, "the bot to connect", func() bool { return s.Slack.Sockets() > 0 })
}

func (s *Stage) launch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil && s.process.died.Err() == nil {
		return errors.New("it is running")
	}
	log, err := os.OpenFile(s.LogFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.conclave, "run", "--config", s.ConfigFile())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = s.environment()
	if err := cmd.Start(); err != nil {
		return err
	}
	died, end := context.WithCancelCause(context.Background())
	p := &process{cmd: cmd, died: died}
	s.process = p
	go func() {
		err := cmd.Wait()
		s.mu.Lock()
		p.status = err
		if !p.asked {
			err = fmt.Errorf("%w: %s\n%s", ErrBotDied, cmd.ProcessState, s.lastWords())
		}
		s.mu.Unlock()
		end(err)
	}()
	return nil
}

// environment returns a nearly empty environment: the bot reads its configuration and nothing else.
func (s *Stage) environment() []string {
	return append([]string{"HOME=" + s.dir, DetectorSettings()}, s.extra...)
}

// StopBot tells the bot to end (SIGTERM) and returns when it has ended. It returns an error unless the exit code is 0.
func (s *Stage) StopBot(ctx context.Context) error {
	p := s.ask(syscall.SIGTERM)
	if p == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	select {
	case <-p.died.Done():
	case <-ctx.Done():
		return fmt.Errorf("stop the bot: %w\n%s", ctx.Err(), s.lastWords())
	}
	if p.status != nil {
		return fmt.Errorf("stop the bot: %w\n%s", p.status, s.lastWords())
	}
	return nil
}

// KillBot kills the bot (SIGKILL) in the middle of its work, and returns when it is gone.
func (s *Stage) KillBot() error {
	p := s.ask(syscall.SIGKILL)
	if p == nil {
		return nil
	}
	<-p.died.Done()
	return nil
}

// ask sends a signal. It returns nil if no bot runs.
func (s *Stage) ask(signal os.Signal) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.process
	if p == nil || p.died.Err() != nil {
		return nil
	}
	p.asked = true
	_ = p.cmd.Process.Signal(signal) // it may have ended by itself just now
	return p
}

// hasDied reports whether the bot was started and has ended.
func (s *Stage) hasDied() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process != nil && s.process.died.Err() != nil
}

// BotDied is done when the bot of the last start has ended.
func (s *Stage) BotDied() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	return s.process.died.Done()
}

// Pid returns the process id of the bot that was started last.
func (s *Stage) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.cmd.Process.Pid
}

// LogFile returns the path of the file with all output of the bot, over all its starts.
func (s *Stage) LogFile() string { return filepath.Join(s.dir, "conclave.log") }

// lastWords returns the last lines of the log.
func (s *Stage) lastWords() string {
	log, err := os.ReadFile(s.LogFile())
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-12):], []byte("\n")))
}

// Run runs the program with other arguments and returns what it printed.
func (s *Stage) Run(ctx context.Context, args ...string) (string, error) {
	return s.runIn(ctx, s.dir, args...)
}

func (s *Stage) runIn(ctx context.Context, dir string, args ...string) (string, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, s.conclave, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env, cmd.Dir = &out, &said, s.environment(), dir
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("conclave %s: %w\n%s", strings.Join(args, " "), err, &said)
	}
	return out.String(), nil
}

// Verify lets the program check the whole journal, as an auditor does, and returns its output.
func (s *Stage) Verify(ctx context.Context) (string, error) {
	return s.Run(ctx, "verify", s.JournalDir())
}

// parseIdentity returns the fingerprint in the line that "conclave identity" prints for scripts.
func parseIdentity(out string) (ceremony.Fingerprint, error) {
	for line := range strings.Lines(out) {
		if f, ok := strings.CutPrefix(line, "identity "); ok {
			return ceremony.ParseFingerprint(strings.TrimSpace(f))
		}
	}
	return "", errors.New("conclave identity printed no fingerprint")
}
