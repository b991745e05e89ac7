package transport

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudgetIsSpentAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(10, 100, 3)
		if !b.Spend("a", 100) || b.Spend("a", 1) || !b.Spend("b", 100) {
			t.Error("one key has another one's budget")
		}
		time.Sleep(5 * time.Second)
		if b.Spend("a", 51) || !b.Spend("a", 50) {
			t.Error("after five seconds there is not half of it")
		}
		if b.Spend("a", 101) {
			t.Error("more than it ever has was given")
		}
	})
}

func TestBudgetOfAllTogetherIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(10, 100, 3)
		given := 0
		for i := range 1000 {
			if b.Spend(fmt.Sprint(i), 100) {
				given++
			}
		}
		if given != 3 {
			t.Errorf("%d keys had a whole budget, of three", given)
		}
		time.Sleep(time.Minute)
		b.Spend("x", 1)
		if len(b.keys) > forgetful {
			t.Errorf("%d keys are kept", len(b.keys))
		}
	})
}
