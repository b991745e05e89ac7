package engine_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/engine"
	"conclave/ceremony/event"
	"conclave/ceremony/index"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
)

// The most that a program takes to start, and the most bytes of memory that each ended
// ceremony takes.
const (
	longestStart  = time.Second
	largestRecord = 2048
)

// BenchmarkHistory measures what ceremonies cost that have ended: a start without the index,
// which reads them all, a start with it, memory, the question about a digest that stands
// before each acknowledgement, and a share's way through the engine.
func BenchmarkHistory(b *testing.B) {
	for _, ended := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprintf("ended=%d", ended), func(b *testing.B) {
			dir := b.TempDir()
			ceremonytest.WriteEnded(b, dir, ended)
			empty := inUse()
			for b.Loop() {
				began := time.Now()
				started(b, dir).stop()
				first := time.Since(began)
				began = time.Now()
				s := started(b, dir)
				again := time.Since(began)
				memory := inUse() - empty
				digest := s.askDigests()
				shares := s.shares(12)
				s.stop()
				b.ReportMetric(first.Seconds()*1000, "start-without-index-ms")
				b.ReportMetric(again.Seconds()*1000, "start-ms")
				b.ReportMetric(float64(memory)/(1<<20), "memory-MiB")
				b.ReportMetric(float64(digest.Nanoseconds()), "digest-ns")
				b.ReportMetric(float64(shares[len(shares)/2].Microseconds())/1000, "share-median-ms")
				b.ReportMetric(0, "ns/op") // the sum of all; it says nothing
				if again > longestStart {
					b.Errorf("a start takes %v", again)
				}
				if memory > 8<<20+int64(ended*largestRecord) {
					b.Errorf("%d ended ceremonies take %d bytes of memory", ended, memory)
				}
			}
		})
	}
}

// inUse returns how much memory is in use after a collection.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // what finalizers have let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// bench is an engine at the real clock, with fakes around it.
type bench struct {
	b      *testing.B
	engine *engine.Engine
	stop   func()
	vault  *ceremonytest.FakeVault
	serial int
}

// started starts an engine on the journals of a folder, and waits until it is ready.
func started(b *testing.B, dir string) *bench {
	b.Helper()
	file, err := journal.OpenJournal(dir, ceremonytest.JournalKey())
	if err != nil {
		b.Fatal(err)
	}
	vault, pgp := ceremonytest.NewFakeVault(), &ceremonytest.FakeOpenPGP{}
	e := engine.NewEngine(engine.Config{
		Clusters: []ceremony.Cluster{{
			Name: "prod", Vault: vault, Operations: ceremony.Operations(),
			Initiators: ceremonytest.People("olga"), Approvers: ceremonytest.People("paul"), Approvals: 1,
			Holders:   ceremonytest.People(ceremonytest.Holders...),
			Receivers: ceremonytest.People(ceremonytest.Holders...), NewThreshold: 3,
			Window: time.Hour, Poll: time.Minute, Interference: true, Owners: ceremonytest.People("sue"),
		}},
		OpenPGP: pgp, Signatures: ceremonytest.SpokenSignatures{}, Notifier: ceremonytest.NewFakeNotifier(),
		Journal: file, Index: index.NewFile(filepath.Join(dir, ".index"), pgp.JournalKey()),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Files: transcriptFile, Forget: runtime.GC,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	select {
	case <-e.Ready():
	case err := <-done:
		b.Fatal(err)
	}
	return &bench{b: b, engine: e, vault: vault, stop: func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		if err := file.Close(); err != nil {
			b.Error(err)
		}
	}}
}

// askDigests returns how long it takes to ask whether a word is a digest.
func (s *bench) askDigests() time.Duration {
	const times = 100000
	word := fmt.Sprintf("%064x", 7)
	began := time.Now()
	for range times {
		s.engine.IsDigest(word)
	}
	return time.Since(began) / times
}

// shares returns how long so many shares were on their way, in rising order.
func (s *bench) shares(n int) []time.Duration {
	s.b.Helper()
	var took []time.Duration
	for len(took) < n {
		id := s.collecting()
		for range 3 {
			began := time.Now()
			s.share(id)
			took = append(took, time.Since(began))
		}
		s.until(id, rules.State.Ended)
	}
	slices.Sort(took)
	return took
}

// collecting begins a generate-root, and waits until it wants shares.
func (s *bench) collecting() ceremony.ID {
	s.b.Helper()
	ctx := context.Background()
	c, err := s.engine.Propose(ctx, ceremony.Proposal{
		Operation: ceremony.GenerateRoot, Cluster: "prod", Reason: "a measurement", By: ceremonytest.Person("olga").Account,
	})
	if err != nil {
		s.b.Fatal(err)
	}
	if _, err := s.engine.Approve(ctx, c.ID(), ceremonytest.Person("paul").Account, ""); err != nil {
		s.b.Fatal(err)
	}
	s.until(c.ID(), rules.State.Wants)
	return c.ID()
}

// share sends the share of the next holder who is missing.
func (s *bench) share(id ceremony.ID) {
	s.b.Helper()
	c, _, err := s.engine.Ceremony(id)
	if err != nil {
		s.b.Fatal(err)
	}
	s.serial++
	who := c.Missing()[0]
	_, err = s.engine.Share(context.Background(), ceremony.Envelope{
		By: who.Account, Way: ceremony.ByText,
		Message: ceremony.Ref{Channel: "D" + who.Name, TS: strconv.Itoa(s.serial)},
		Envelope: fmt.Appendf(nil, "%s|%s|%d|%s|%s|%s|%s", c.Key.Subkey, string(who.Key), time.Now().Unix()+int64(s.serial), id,
			c.Key.Step, c.Key.Nonce, own(c.Round.Step, who.Name)),
	})
	if err != nil {
		s.b.Fatal(err)
	}
}

// until waits until a ceremony is as it should be.
func (s *bench) until(id ceremony.ID, is func(rules.State) bool) {
	s.b.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		c, _, err := s.engine.Ceremony(id)
		switch {
		case err != nil:
			s.b.Fatal(err)
		case is(c):
			return
		case time.Now().After(deadline):
			s.b.Fatalf("%s is %s: %v", id, c.Phase, c.Last(rules.Is[event.Frozen]))
		}
		time.Sleep(time.Millisecond)
	}
}
