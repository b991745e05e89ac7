package handover_test

import (
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/handover"
)

// key is a ceremony key of which only its name and its end matter.
type key struct {
	ceremony.Key
	subkey string
	gone   bool
}

func (k *key) Announced() ceremony.Announced { return ceremony.Announced{Subkey: k.subkey} }
func (k *key) Destroy()                      { k.gone = true }

// A private half outlives its engine only while another one follows (P1).
func TestP1KeyIsKeptOnlyForAnEngineThatFollows(t *testing.T) {
	var none *handover.Keys
	keys := &handover.Keys{}
	a, b, c, d := &key{subkey: "a"}, &key{subkey: "b"}, &key{subkey: "c"}, &key{subkey: "d"}
	none.Lay("prod-rekey-aaaa", a)
	keys.Lay("prod-rekey-bbbb", b)
	if !a.gone || !b.gone {
		t.Error("a key stays although no engine follows")
	}
	keys.Open()
	keys.Lay("prod-rekey-cccc", c)
	keys.Lay("prod-rekey-dddd", d)
	if got := keys.Take("prod-rekey-cccc", ceremony.Announced{Subkey: "x"}); got != nil {
		t.Error("another key than the announced one is taken")
	}
	if got := keys.Take("prod-rekey-cccc", ceremony.Announced{Subkey: "c"}); got != c || c.gone {
		t.Error("the announced key is not handed over")
	}
	keys.Close()
	if c.gone || !d.gone {
		t.Errorf("after the hand-over: the key in use is gone: %t; the one that nobody took: %t", c.gone, d.gone)
	}
}
