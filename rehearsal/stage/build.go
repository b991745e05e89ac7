package stage

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// unwatchedPackages derive a key from a passphrase, in one goroutine. Under the race detector that takes a second at each
// start of the bot, nine times as long as without it. The Makefile leaves out the same packages.
var unwatchedPackages = []string{
	"github.com/ProtonMail/go-crypto/openpgp/s2k", "crypto/internal/fips140/sha256",
}

// DetectorSettings returns the entry of an environment with the settings of the race detector, as this process got them:
// GORACE. A program without the detector does not read it.
func DetectorSettings() string { return "GORACE=" + os.Getenv("GORACE") }

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
	// Git refuses to tell the version of another user's checkout.
	args := []string{"build", "-buildvcs=false", "-o", program}
	if race {
		args = append(args, "-race")
		for _, pkg := range unwatchedPackages {
			args = append(args, "-gcflags="+pkg+"=-race=false")
		}
	}
	if out, err := exec.CommandContext(ctx, "go", append(args, "conclave")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build conclave: %w\n%s", err, out)
	}
	return program, nil
}
