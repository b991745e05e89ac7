package stage

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Build compiles the bot into a folder and returns the program's path. It must be called from inside this module. With
// race, the race detector watches the bot too.
func Build(ctx context.Context, dir string, race bool) (string, error) {
	program, err := filepath.Abs(filepath.Join(dir, "conclave"))
	if err != nil {
		return "", fmt.Errorf("build conclave: %w", err)
	}
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	args := []string{"build", "-buildvcs=false", "-o",
		program} // git refuses to tell the version of another user's checkout
	if race {
		args = append(args, "-race")
	}
	if out, err := exec.CommandContext(ctx, "go", append(args, "conclave")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build conclave: %w\n%s", err, out)
	}
	return program, nil
}
