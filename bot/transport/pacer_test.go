package transport

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestKeyIsFreeAgainAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(time.Minute)
		var given []time.Duration
		began := time.Now()
		for range 10 {
			if p.Free("carol") {
				given = append(given, time.Since(began))
			}
			time.Sleep(15 * time.Second)
		}
		if diff := cmp.Diff([]time.Duration{0, time.Minute, 2 * time.Minute}, given); diff != "" {
			t.Error(diff)
		}
	})
}
