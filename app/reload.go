package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/engine"
	"conclave/ceremony/openpgp"
	"conclave/config"
)

const (
	// requestPace is how often a request for a reload is looked for.
	requestPace = time.Second
	// duePace is how often it is looked for files that were changed.
	duePace = 15 * time.Second
	// patience is how long a reload waits for acts that are under way, for Vault above all.
	patience = 20 * time.Second
	// stopping is the answer when the program is told to stop, or has to, meanwhile.
	stopping = "the bot stops; its log says why"
)

// due returns the files that were changed since the configuration was read.
func (c *Conclave) due() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running.Due()
}

// engineRun is an engine that runs.
type engineRun struct {
	stop context.CancelFunc
	done chan error // has its error when it has stopped
}

func launch(ctx context.Context, e *engine.Engine) engineRun {
	ctx, stop := context.WithCancel(ctx)
	run := engineRun{stop, make(chan error, 1)}
	go func() { run.done <- e.Run(ctx) }()
	return run
}

// ended returns a run that has stopped and whose error is still to be taken.
func (r engineRun) ended(err error) engineRun {
	r.done <- err
	return r
}

// supervise runs the engine until ctx ends, and another one in its place after each reload.
func (c *Conclave) supervise(ctx context.Context, hangups <-chan os.Signal) error {
	ctx, stopAll := context.WithCancel(ctx)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stopAll()
	for _, v := range c.vaults {
		v.start(ctx, &clients)
	}
	takeRequest(c.config.Journal.Directory) // to an earlier bot
	c.tell(nil)
	defer func() { _ = os.Remove(filepath.Join(string(c.config.Journal.Directory), runningName)) }()
	run := launch(ctx, c.Engine)
	select {
	case <-c.Engine.Ready():
	case err := <-run.done:
		return err
	}
	requests, changes := time.NewTicker(requestPace), time.NewTicker(duePace)
	defer requests.Stop()
	defer changes.Stop()
	told := ""
	for {
		request := ""
		select {
		case err := <-run.done:
			return err
		case <-changes.C:
			if changed := strings.Join(c.due(), ", "); changed != told {
				told = changed
				c.logDue(changed)
			}
			continue
		case <-hangups:
		case <-requests.C:
			var asked bool
			if request, asked = takeRequest(c.config.Journal.Directory); !asked {
				continue
			}
		}
		var answer Answer
		run, answer = c.reload(ctx, run, &clients)
		answer.Request, answer.At = request, time.Now().UTC()
		c.tell(&answer)
	}
}

// logDue logs which files were changed since they were read, if any.
func (c *Conclave) logDue(changed string) {
	if changed != "" {
		c.log.Warn("the configuration was changed since it was read: a reload is due (conclave reload)", "files", changed)
	}
}

// tell leaves in the journal's folder what the bot says of itself, with the answer to a
// request for a reload.
func (c *Conclave) tell(answer *Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running.Answer = answer
	if err := c.running.write(c.config.Journal.Directory); err != nil {
		c.log.Error("what runs can't be told in the journal's folder: `conclave reload` will not hear of it", "error", err)
	}
}

// reloading is a configuration that was checked and can take the place of the one that is
// followed.
type reloading struct {
	config  *config.Config
	running Running
	keys    Keyring
	vaults  map[string]*connection
	changed []string
}

// prepare reads and checks everything that a reload needs. It changes nothing.
func (c *Conclave) prepare() (reloading, error) {
	next, err := config.Load(c.config.File())
	if err != nil {
		return reloading{}, err
	}
	r := reloading{config: next, running: running(next), changed: c.config.Changes(next)}
	if fixed := config.NeedsRestart(r.changed); len(fixed) > 0 {
		return r, fmt.Errorf("%s: read by a start only; change it back, or restart the bot", strings.Join(fixed, ", "))
	}
	for _, state := range c.Engine.Current() {
		open := state.Plan.Operation != ceremony.Alarm && (!state.Ended() || state.OwesNews())
		if open && next.Clusters[state.Plan.Cluster] == nil {
			return r, fmt.Errorf("clusters.%s is gone, and %s is open: end it first", state.Plan.Cluster, state.ID())
		}
	}
	if r.keys, err = ReadKeys(next); err != nil {
		return r, err
	}
	if r.vaults, err = connect(next, c.vaults); err != nil {
		return r, err
	}
	c.mu.Lock()
	before := c.running
	c.mu.Unlock()
	for _, path := range slices.Sorted(maps.Keys(r.running.Files)) {
		if was, read := before.Files[path]; read && path != next.File() && was != r.running.Files[path] {
			r.changed = append(r.changed, path)
		}
	}
	return r, nil
}

// reload reads the configuration again and puts another engine in the place of the one that
// runs. It returns what runs afterwards. When something is wrong with the configuration,
// nothing is changed, and the answer says why. The new engine takes everything up as a start
// does: open ceremonies are compared with the configuration, and freeze where it speaks
// against them. Only the ceremony keys stay, so that no holder is asked again.
func (c *Conclave) reload(ctx context.Context, run engineRun, clients *sync.WaitGroup) (engineRun, Answer) {
	refuse := func(err error) (engineRun, Answer) {
		c.log.Error("not reloaded: nothing was changed", "error", err)
		return run, Answer{Fault: err.Error()}
	}
	next, err := c.prepare()
	if err != nil {
		return refuse(err)
	}
	if len(next.changed) == 0 {
		c.log.Info("reloaded: nothing has changed")
		c.adopt(next)
		return run, Answer{Done: true}
	}
	release, ok := c.relay.hold(ctx, patience)
	if !ok {
		c.discard(next)
		return refuse(errors.New("an act is under way, in Vault above all; try again"))
	}
	defer release()

	c.made.Keys.Open()
	defer c.made.Keys.Close()
	run.stop()
	if err := <-run.done; err != nil || ctx.Err() != nil {
		return run.ended(err), Answer{Fault: stopping}
	}
	for name, v := range c.vaults {
		if next.vaults[name] != v {
			v.stop()
			v.Close()
		}
	}
	for name, v := range next.vaults {
		if c.vaults[name] != v {
			v.start(ctx, clients)
		}
	}
	pgp := openpgp.New(c.id, slices.Collect(maps.Values(next.keys)))
	c.adopt(next)
	c.sign.Store(pgp)
	c.bot.ShowIn(channels(next.config))
	c.made.OpenPGP = pgp
	c.renew(next.config, next.keys)
	c.log.Info("reloaded", "changed", strings.Join(next.changed, ", "), "configuration", next.config.Hash())
	run = launch(ctx, c.Engine)
	select {
	case <-c.Engine.Ready():
	case err := <-run.done:
		return run.ended(err), Answer{Fault: stopping}
	}
	c.relay.current.Store(c.Engine)
	return run, Answer{Done: true, Changed: next.changed}
}

// adopt makes a checked configuration the one that is followed.
func (c *Conclave) adopt(next reloading) {
	c.vaults = next.vaults
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config, c.keys, c.running = next.config, next.keys, next.running
}

// discard closes the clients that were made for a configuration that is not followed.
func (c *Conclave) discard(next reloading) {
	for name, v := range next.vaults {
		if c.vaults[name] != v {
			v.Close()
		}
	}
}
