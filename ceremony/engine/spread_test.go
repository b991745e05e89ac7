package engine_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/engine"
)

// asked counts the questions to all Vaults, by the tenth of a second in which they are put.
type asked struct {
	mu    sync.Mutex
	began time.Time
	tenth map[int64]int
}

func (a *asked) note() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tenth[int64(time.Since(a.began)/(100*time.Millisecond))]++
}

// counted is a Vault whose questions are counted.
type counted struct {
	ceremony.Vault
	all *asked
}

func (v counted) Nodes(ctx context.Context) ([]ceremony.Node, error) {
	v.all.note()
	return v.Vault.Nodes(ctx)
}

func (v counted) Progress(ctx context.Context, op ceremony.Operation, step ceremony.Step) (ceremony.Progress, error) {
	v.all.note()
	return v.Vault.Progress(ctx, op, step)
}

func (v counted) KeyStatus(ctx context.Context) (ceremony.KeyStatus, error) {
	v.all.note()
	return v.Vault.KeyStatus(ctx)
}

// A hundred clusters are not asked all at once, and each is asked within its interval.
func TestWatchesOfManyClustersSpreadTheirQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := &asked{began: time.Now(), tenth: map[int64]int{}}
		const clusters, poll = 100, 15 * time.Second
		var list []ceremony.Cluster
		for i := range clusters {
			list = append(list, ceremony.Cluster{
				Name: fmt.Sprintf("prod-%d", i), Vault: counted{ceremonytest.NewFakeVault(), all},
				Operations: ceremony.Operations(), Poll: poll, Window: time.Hour, Watch: true, Interference: true,
			})
		}
		e := engine.NewEngine(engine.Config{
			Clusters: list, OpenPGP: &ceremonytest.FakeOpenPGP{}, Signatures: ceremonytest.SpokenSignatures{},
			Notifier: ceremonytest.NewFakeNotifier(), Journal: ceremonytest.OpenJournal(t, t.TempDir()),
			Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
		ctx, stop := context.WithTimeout(t.Context(), 3*poll)
		defer stop()
		if err := e.Run(ctx); err != nil {
			t.Fatal(err)
		}
		most, sum := 0, 0
		for _, n := range all.tenth {
			most, sum = max(most, n), sum+n
		}
		t.Logf("%d questions in %s, at most %d within a tenth of a second", sum, 3*poll, most)
		// Spread evenly one cluster begins each 150 ms, with what its two watches ask.
		if most > 12 || sum < 3*clusters {
			t.Errorf("%d questions within a tenth of a second, of %d in all", most, sum)
		}
	})
}
