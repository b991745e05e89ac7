package ceremonytest

import (
	"strings"

	"conclave/ceremony"
)

func Fpr(name string) ceremony.Fingerprint {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range 40 {
		b.WriteByte(digits[(int(name[i%len(name)])+i)%16])
	}
	return ceremony.Fingerprint(b.String())
}

func Person(name string) ceremony.Person {
	return ceremony.Person{Name: name, Account: ceremony.Account{Team: "T1", User: "U" + strings.ToUpper(name)}, Key: Fpr(name)}
}

func People(names ...string) []ceremony.Person {
	list := make([]ceremony.Person, len(names))
	for i, n := range names {
		list[i] = Person(n)
	}
	return list
}

var Holders = []string{"alice", "bob", "carol", "dave", "erin"}

func Fingerprint(digit string) ceremony.Fingerprint {
	return ceremony.Fingerprint(strings.Repeat(digit, 40))
}
