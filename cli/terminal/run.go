package terminal

import (
	"context"
	"errors"
	"fmt"

	"conclave/app"
	"conclave/ceremony"
	"conclave/ceremony/engine"
	"conclave/cli"
	"conclave/config"
)

// beginning is how a session comes to its ceremonies.
type beginning func(context.Context) error

// runSession runs a session with everything that the configuration says but Slack.
func runSession(ctx context.Context, c *config.Config, std cli.Streams, out string, begin func(*session) beginning) (err error) {
	keys, opener, err := app.ReadOpenPGP(c)
	if err != nil {
		return err
	}
	folder, err := openFolder(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	file, err := folder.openLog()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	s := &session{
		opener: opener, people: map[string]ceremony.Person{}, nags: map[ceremony.ID]bool{},
		screen: newScreen(std.Out), folder: folder, log: app.NewLog(c.Log, file), input: readInput(ctx, std.In),
	}
	byAccount := map[ceremony.Account]ceremony.Person{}
	for name := range c.People {
		p := app.People(c, []string{name}, keys)[0]
		s.people[name], byAccount[p.Account] = p, p
	}
	for _, cluster := range c.Clusters {
		cluster.Watch, cluster.Interference = false, false // they open ceremonies by themselves, and nobody here has asked for them
	}
	person := func(who ceremony.Account) (ceremony.Person, bool) { p, ok := byAccount[who]; return p, ok }
	backend, err := app.NewBackend(c, keys, engine.Config{
		Opener: opener, Log: s.log,
		Courier: newMessenger(s.screen, folder, opener.SignDelivery, person),
	})
	if errors.Is(err, ceremony.ErrLocked) {
		return cli.WithHint(fmt.Errorf("the bot, or somebody at another terminal, holds the ceremonies of this journal: %w", err),
			"Stop it first; or do there what is to be done.")
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	s.engine = backend.Engine
	return s.run(ctx, begin(s))
}
