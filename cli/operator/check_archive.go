package operator

import (
	"context"

	"conclave/app"
	"conclave/archive"
	"conclave/config"
	"conclave/host"
)

// checkArchives tries the archives; with local only the directory. An archive that does
// not work stops no ceremony, but its evidence would be poorer.
func checkArchives(ctx context.Context, c *config.Config, f *findings, local bool) {
	places, err := app.NewArchives(c)
	if f.failed("archive", err) {
		return
	}
	if len(places) == 0 {
		f.add(note, "archive", "none: whoever rules this host can change what it keeps, and nobody could tell; "+
			"see archive in the configuration")
	}
	for _, p := range places {
		about := "archive, " + p.Name()
		directory, here := p.(*archive.Directory)
		if local && !here {
			f.add(note, about, "not asked")
			continue
		}
		text, err := p.Check(ctx)
		if err == nil && here {
			err = host.Writable(directory.Path)
		}
		if !f.failed(about, err) {
			f.add(ok, about, "%s", text)
		}
	}
}
