package vault_test

import (
	"testing"
	"time"
	"unsafe"

	"conclave/vault"
)

// afterSleep returns the present of a machine that has slept for d since now: its wall clock has gone on, and the
// clock of its timers has stood still. A time that both clocks show has the seconds of the first above the 30 bits of
// its nanoseconds (time.Time).
func afterSleep(t *testing.T, now time.Time, d time.Duration) time.Time {
	t.Helper()
	awake := now
	*(*uint64)(unsafe.Pointer(&awake)) += uint64(d/time.Second) << 30
	if awake.Sub(now) != 0 || awake.Round(0).Sub(now.Round(0)) != d {
		t.Fatalf("time.Time has another form: %s, %s", now, awake)
	}
	return awake
}

func TestTokenThatHasEndedWhileTheMachineSleptIsNotUsed(t *testing.T) {
	const ttl = time.Hour
	got := time.Now()
	for _, row := range []struct {
		slept, awake time.Duration
		alive, due   bool
	}{
		{0, time.Minute, true, false},
		{8 * time.Hour, time.Minute, false, true},
		{45 * time.Minute, time.Minute, true, true},
		{-8 * time.Hour, time.Minute, true, false}, // the clock was set back
		{-8 * time.Hour, 2 * time.Hour, false, true},
	} {
		now := got.Add(row.awake)
		if row.slept >= 0 {
			now = afterSleep(t, now, row.slept)
		} else {
			*(*uint64)(unsafe.Pointer(&now)) -= uint64(-row.slept/time.Second) << 30
		}
		if alive, due := vault.Lease(got, now, ttl); alive != row.alive || due != row.due {
			t.Errorf("slept for %v, awake for %v: alive %v, due %v", row.slept, row.awake, alive, due)
		}
	}
}
