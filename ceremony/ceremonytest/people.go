package ceremonytest

import (
	"strings"

	"conclave/ceremony"
)

// Fpr returns a fingerprint that is made of a name.
func Fpr(name string) ceremony.Fingerprint {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range 40 {
		b.WriteByte(digits[(int(name[i%len(name)])+i)%16])
	}
	return ceremony.Fingerprint(b.String())
}

// Person returns the person with this name.
func Person(name string) ceremony.Person {
	account := ceremony.Account{Team: "T1", User: "U" + strings.ToUpper(name)}
	return ceremony.Person{Name: name, Account: account, Key: Fpr(name)}
}

// People returns the people with these names.
func People(names ...string) []ceremony.Person {
	list := make([]ceremony.Person, len(names))
	for i, n := range names {
		list[i] = Person(n)
	}
	return list
}

// Holders are the names of the five people who hold a share.
var Holders = []string{"alice", "bob", "carol", "dave", "erin"}

// Fingerprint returns the fingerprint of forty times this digit.
func Fingerprint(digit string) ceremony.Fingerprint {
	return ceremony.Fingerprint(strings.Repeat(digit, 40))
}
