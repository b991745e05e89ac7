package aside_test

import (
	"fmt"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/aside"
	"conclave/ceremony/event"
)

// broken returns a ceremony whose journal is not as it was written.
func broken(id ceremony.ID, ours bool) ceremony.Aside {
	return aside.New(id, &event.AsideError{Why: ceremony.ErrChain, Ours: ours}, func(name string) bool { return name == "prod" })
}

func TestPeopleAreToldOfWhatConclaveKnowsFirst(t *testing.T) {
	all := []ceremony.Aside{
		broken("zzzz", false), broken("dev-rekey-aaaa", false), broken("prod-rekey-name", false),
		broken("prod-drill-known", false), broken("prod-drill-ours", true), broken("prod-rekey-open", false),
	}
	for i := range 10 {
		all = append(all, broken(ceremony.ID(fmt.Sprint("junk", i)), false))
	}
	is := func(want ceremony.ID) func(ceremony.ID) bool { return func(id ceremony.ID) bool { return id == want } }
	found := aside.Findings(all, "prod", is("prod-rekey-open"), is("prod-drill-known"))
	want := []string{"prod-rekey-open", "prod-drill-known", "prod-drill-ours", "prod-rekey-name"}
	if len(found) != aside.MostNamed+1 {
		t.Fatalf("%d findings: %+v", len(found), found)
	}
	for i, id := range want {
		if found[i].Subject != id {
			t.Errorf("finding %d is of %q, want %q", i+1, found[i].Subject, id)
		}
	}
	if got := found[aside.MostNamed].Got; got != "8 ceremonies: junk2, junk3, junk4, junk5, junk6 and 3 more" {
		t.Errorf("the last one counts %q", got)
	}
	if elsewhere := aside.Findings(all, "dev", is(""), is("")); len(elsewhere) != aside.MostNamed+1 {
		t.Errorf("another cluster is told of %+v", elsewhere)
	}
}

func TestOneJournalHoldsUpTheClustersThatItMayBeOf(t *testing.T) {
	for id, want := range map[ceremony.ID]string{"prod-rekey-aaaa": "prod", "dev-rekey-aaaa": "every cluster", "zzzz": "every cluster"} {
		if got := aside.HoldsUp(broken(id, false)); got != want {
			t.Errorf("%s holds up %s, want %s", id, got, want)
		}
	}
}
