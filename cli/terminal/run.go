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

// beginning finds or proposes the ceremonies of a session.
type beginning func(context.Context) error

// runSession runs a session with everything that the configuration names but Slack. Files
// are written to the directory out.
func runSession(
	ctx context.Context, c *config.Config, std cli.Streams, out string, begin func(*session) beginning,
) (err error) {
	keys, pgp, err := app.ReadOpenPGP(c)
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
		pgp: pgp, people: map[string]ceremony.Person{}, nags: map[ceremony.ID]bool{},
		screen: newScreen(std.Out), folder: folder, log: app.NewLog(c.Log, file), input: readInput(ctx, std.In),
	}
	byAccount := map[ceremony.Account]ceremony.Person{}
	for name := range c.People {
		p := app.People(c, []string{name}, keys)[0]
		s.people[name], byAccount[p.Account] = p, p
	}
	for _, cluster := range c.Clusters {
		// They open ceremonies by themselves, for which nobody here has asked.
		cluster.Watch, cluster.Interference = false, false
	}
	person := func(who ceremony.Account) (ceremony.Person, bool) { p, ok := byAccount[who]; return p, ok }
	backend, err := app.NewBackend(c, keys, engine.Config{
		OpenPGP: pgp, Log: s.log,
		Notifier: newNotifier(s.screen, folder, pgp, person),
	})
	if errors.Is(err, ceremony.ErrLocked) {
		return cli.WithHint(
			fmt.Errorf("the bot, or somebody at another terminal, holds the ceremonies of this journal: %w", err),
			"Stop it first; or do there what is to be done.")
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	s.engine = backend.Engine
	return s.run(ctx, begin(s))
}
