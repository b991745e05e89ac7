package secret

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

func TestMACKeyProvesItsOwnCodesOnly(t *testing.T) {
	key, other := NewMACKey("one", sha256.Sum256([]byte("one"))), NewMACKey("two", sha256.Sum256([]byte("two")))
	sum := key.Sum("journal line", []byte("text"))
	// Made with: printf 'journal line\0text' | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf one | sha256sum)
	if want := "a616075536460f3cd4d6623fac61e891c7bbd8fe60195468be50918e84351f09"; sum != want {
		t.Errorf("sum %s, want %s", sum, want)
	}
	if !key.Proves("journal line", []byte("text"), sum) {
		t.Error("its own code proves nothing")
	}
	for name, proves := range map[string]bool{
		"another key":     other.Proves("journal line", []byte("text"), sum),
		"another purpose": key.Proves("index", []byte("text"), sum),
		"another text":    key.Proves("journal line", []byte("texT"), sum),
		"another border":  key.Proves("journal linetext", nil, sum),
		"in capitals":     key.Proves("journal line", []byte("text"), strings.ToUpper(sum)),
		"cut off":         key.Proves("journal line", []byte("text"), sum[:32]),
		"nothing":         key.Proves("journal line", []byte("text"), ""),
		"no key":          MACKey{}.Proves("journal line", []byte("text"), sum),
	} {
		if proves {
			t.Errorf("%s: the code is accepted", name)
		}
	}
}

func TestMACKeyPrintsNothingOfItself(t *testing.T) {
	bytes := sha256.Sum256([]byte("one"))
	key := NewMACKey("one", bytes)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		printed := fmt.Sprintf(verb, key)
		if strings.Contains(printed, fmt.Sprintf("%x", bytes[:8])) || strings.Contains(printed, fmt.Sprint(bytes[:4])[1:10]) {
			t.Errorf("%s prints %s", verb, printed)
		}
	}
}
