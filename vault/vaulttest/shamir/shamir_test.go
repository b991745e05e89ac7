package shamir_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"testing"

	"conclave/vault/vaulttest/shamir"
)

// The shares were made by Vault 1.21.2's own shamir package, 5 shares with a threshold of 3.
const (
	vaultKey     = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"
	vaultShare1  = "9d61c50726b4284e5dbb4b24f634b61d97e3eda2e049a4d88a3fb8696497e15f16"
	vaultShare2  = "f58647051ea87738edebd6ccd9a3c7342888950df3a85c42190ff1986abcc766c5"
	vaultShare3  = "857b231636a7d6fb4bfc05eabacf36d98887244237e9383cb94be6ffb439bdd69d"
	vaultShare4  = "6bd6ba595657071deb8d5e8c4bb40141fcc2f89500b5c6159e146810f306db1568"
	vaultShare5  = "be071e8c3f6b2ac2b082d80174ce762588a308b4d745451a6b71561adbadb491c7"
	vaultQuorums = 10
)

func TestSharesMadeByVaultAreCombined(t *testing.T) {
	var shares [][]byte
	for _, s := range []string{vaultShare1, vaultShare2, vaultShare3, vaultShare4, vaultShare5} {
		shares = append(shares, decode(t, s))
	}
	quorums := 0
	for i := range shares {
		for j := range i {
			for k := range j {
				quorums++
				got, err := shamir.Combine([][]byte{shares[i], shares[j], shares[k]})
				if err != nil || !bytes.Equal(got, decode(t, vaultKey)) {
					t.Errorf("shares %d, %d and %d give %x, %v", i, j, k, got, err)
				}
			}
		}
	}
	if quorums != vaultQuorums {
		t.Errorf("tried %d quorums, want %d", quorums, vaultQuorums)
	}
}

func TestThresholdOfSharesGivesTheKeyAndFewerDoNot(t *testing.T) {
	for n := 2; n <= 9; n++ {
		for threshold := 2; threshold <= n; threshold++ {
			key := make([]byte, 32)
			rand.Read(key)
			shares, err := shamir.Split(key, n, threshold)
			if err != nil {
				t.Fatalf("split %d/%d: %v", n, threshold, err)
			}
			for first := 0; first+threshold <= n; first++ {
				got, err := shamir.Combine(shares[first : first+threshold])
				if err != nil || !bytes.Equal(got, key) {
					t.Errorf("%d/%d: shares from %d on don't give the key: %v", n, threshold, first, err)
				}
			}
			if got, err := shamir.Combine(shares[:threshold-1]); err == nil && bytes.Equal(got, key) {
				t.Errorf("%d/%d: one share fewer gives the key too", n, threshold)
			}
		}
	}
}

func TestLargestSplitHasEveryCoordinateOnce(t *testing.T) {
	shares, err := shamir.Split([]byte("key"), 255, 255)
	if err != nil {
		t.Fatal(err)
	}
	var seen [256]int
	for _, share := range shares {
		seen[share[3]]++
	}
	if seen[0] != 0 {
		t.Error("a share lies at x=0, where it is the key itself")
	}
	for x := 1; x < 256; x++ {
		if seen[x] != 1 {
			t.Errorf("x=%d is used %d times", x, seen[x])
		}
	}
	if got, err := shamir.Combine(shares); err != nil || string(got) != "key" {
		t.Errorf("combined to %q, %v", got, err)
	}
}

func TestSharesOfTwoSplitsDoNotMix(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	first, err := shamir.Split(key, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	second, err := shamir.Split(key, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := shamir.Combine([][]byte{first[0], second[1]}); err == nil && bytes.Equal(got, key) {
		t.Error("one share of each of two splits gave the key")
	}
}

func TestImpossibleSplitIsRefused(t *testing.T) {
	for name, split := range map[string]struct {
		key          []byte
		n, threshold int
	}{
		"empty key":            {nil, 3, 2},
		"threshold of one":     {[]byte{1}, 3, 1},
		"fewer than threshold": {[]byte{1}, 2, 3},
		"more than the field":  {[]byte{1}, 256, 2},
	} {
		if shares, err := shamir.Split(split.key, split.n, split.threshold); err == nil {
			t.Errorf("%s: got %d shares", name, len(shares))
		}
	}
}

func TestImpossibleCombinationIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		shares [][]byte
		want   error
	}{
		"none":              {nil, shamir.ErrTooFew},
		"one":               {[][]byte{{1, 2}}, shamir.ErrTooFew},
		"no value":          {[][]byte{{1}, {2}}, shamir.ErrTooShort},
		"different lengths": {[][]byte{{1, 2}, {1, 2, 3}}, shamir.ErrLengths},
		"same x":            {[][]byte{{1, 9}, {2, 9}}, shamir.ErrDuplicate},
	} {
		if _, err := shamir.Combine(c.shares); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzSplitIsUndoneByCombine(f *testing.F) {
	f.Add([]byte("a key of thirty-two bytes, almost"), uint8(5), uint8(3))
	f.Add([]byte{0}, uint8(255), uint8(2))
	f.Fuzz(func(t *testing.T, key []byte, n, threshold uint8) {
		shares, err := shamir.Split(key, int(n), int(threshold))
		if possible := len(key) > 0 && threshold >= 2 && n >= threshold; possible != (err == nil) {
			t.Fatalf("split of %d bytes %d/%d: %v", len(key), n, threshold, err)
		}
		if err != nil {
			return
		}
		got, err := shamir.Combine(shares[int(n)-int(threshold):])
		if err != nil || !bytes.Equal(got, key) {
			t.Fatalf("combine %d of %d: %x, %v", threshold, n, got, err)
		}
	})
}

func FuzzCombineNeverPanics(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6}, uint8(2))
	f.Fuzz(func(t *testing.T, junk []byte, size uint8) {
		var shares [][]byte
		for size > 0 && len(junk) > 0 {
			n := min(int(size), len(junk))
			shares, junk = append(shares, junk[:n]), junk[n:]
		}
		if key, err := shamir.Combine(shares); err == nil && len(key) != len(shares[0])-shamir.Overhead {
			t.Fatalf("%d bytes out of shares of %d", len(key), len(shares[0]))
		}
	})
}

func decode(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
