package operator

import (
	"strings"
	"time"

	"conclave/app"
	"conclave/config"
)

// checkRunning adds that the bot with this journal follows an older configuration, if it does.
// After a bot that was killed this is about what it followed.
func checkRunning(c *config.Config, f *findings) {
	r, err := app.ReadRunning(c.Journal.Directory)
	if err != nil {
		return // no bot has run, or it has stopped
	}
	if changed := r.Due(); len(changed) > 0 {
		f.add(note, "running bot", "a reload is due: these were changed since it read them, %s:\n%s\nconclave reload --config %s",
			r.Read.UTC().Format(time.RFC3339), strings.Join(changed, "\n"), r.Configuration)
		return
	}
	f.add(ok, "running bot", "it follows the files as they are, read %s", r.Read.UTC().Format(time.RFC3339))
}
