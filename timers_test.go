package main_test

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// timers are the timers of the product, as FILE CALL → why it may stand still while the machine sleeps, and need not
// notice that its clock was set. Linux stops the clock of Go's timers in suspend. So nothing that is due by the wall
// clock (a window, a reminder, quiet hours, an expiry) may wait for a timer of more than a minute.
var timers = map[string]string{
	"app/expiry.go time.After(pause)":                                 "hours, of the four weeks before a key expires",
	"app/expiry.go time.After(restOf(conf))":                          "a pause between two messages",
	"bot/transport/ratelimit.go time.NewTimer(d)":                     "at most the minute for which Slack turns a method away",
	"bot/transport/socket.go time.AfterFunc(s.Rhythm.Healthy)":        "how long a connection has stood, awake",
	"bot/transport/socket.go time.NewTimer(s.Rhythm.Hello)":           "seconds",
	"vault/session.go time.After(c.session.rest())":                   "at most renewPause, 15 s; then lease.age looks at both clocks",
	"cli/terminal/session.go time.NewTicker(pollInterval)":            "a second",
	"host/garbage.go time.AfterFunc(settling)":                        "milliseconds",
	"ceremony/mark/keeper.go time.NewTimer(d)":                        "a pause between attempts, of seconds",
	"ceremony/engine/notify.go time.After(pause)":                     "a pause between attempts, at most longestPause",
	"ceremony/engine/notify.go time.After(redrawInterval)":            "a minute",
	"ceremony/engine/set_aside.go time.After(asidePause)":             "a pause between attempts",
	"cli/operator/reload.go time.Sleep(answerPace)":                   "milliseconds",
	"app/relay.go time.Sleep(pause)":                                  "a pause between attempts",
	"app/reload.go time.NewTicker(requestPace)":                       "how often a request is looked for, awake",
	"app/reload.go time.NewTicker(duePace)":                           "how often a file is looked at, awake",
	"ceremony/engine/rollback.go time.After(recallPause)":             "15 seconds",
	"ceremony/engine/seal_watch.go time.NewTicker(cluster.Poll)":      "how often Vault is asked, awake",
	"ceremony/engine/actor.go time.NewTimer(min(pause, longestWait))": "half a minute: then the actor looks at the clock again",
	"ceremony/engine/archive.go time.After(time.Until(after))":        "a pause between attempts",
	"ceremony/interference/watch.go time.NewTicker(w.cluster.Poll)":   "how often Vault is asked, awake",
	"ceremony/interference/watch.go time.NewTimer(d)":                 "a pause between attempts, of seconds",
}

func TestNoTimerWaitsForAWallClock(t *testing.T) {
	starts := []string{"After", "NewTimer", "AfterFunc", "NewTicker", "Tick", "Sleep"}
	seen := map[string]bool{}
	for _, root := range []string{"app", "archive", "bot", "ceremony", "cli", "config", "host", "vault", "main.go"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (strings.HasSuffix(path, "test") || d.Name() == "testdata" || d.Name() == "node_modules"):
				return fs.SkipDir // doubles
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				f, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || len(call.Args) == 0 || !slices.Contains(starts, f.Sel.Name) {
					return true
				}
				if of, ok := f.X.(*ast.Ident); !ok || of.Name != "time" {
					return true
				}
				var waits strings.Builder
				if err := format.Node(&waits, files, call.Args[0]); err != nil {
					t.Fatal(err)
				}
				key := filepath.ToSlash(path) + " time." + f.Sel.Name + "(" + waits.String() + ")"
				if seen[key] = true; timers[key] == "" {
					t.Errorf("%s: a timer stands still while the machine sleeps; is it shorter than a minute, or not of the wall clock?",
						key)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for key := range timers {
		if !seen[key] {
			t.Errorf("there is no %s any more", key)
		}
	}
}
