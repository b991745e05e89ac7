// Package aside says of journals that are not obeyed which clusters they hold up, and what
// people are told of them: first of those that Conclave knows, and of all others how many
// there are.
package aside

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/plural"
)

// Weight says what vouches for a journal that is not obeyed. Anybody who can write to the
// folder can put any number of files there, and any name on them.
type Weight int

const (
	Junk    Weight = iota // nothing vouches for it, and its name is of no configured cluster
	Claimed               // only its name says that it is of a configured cluster
	Known                 // Conclave has begun it: its first line, a mark or the index says so
	Open                  // Conclave remembers that it was open
)

// MostNamed is how many journals of a cluster people are told of one by one. An alarm takes
// only so many findings of a kind, and its post shows the newest ones.
const MostNamed = 8

// New returns a ceremony whose journal is not obeyed. configured reports whether a cluster
// has this name.
func New(id ceremony.ID, found *event.AsideError, configured func(cluster string) bool) ceremony.Aside {
	a := ceremony.Aside{Ceremony: id, Why: found}
	named, told := id.Cluster(), found.Proposed.Plan.Cluster
	if configured(named) || named != "" && told != "" {
		a.Clusters = append(a.Clusters, named)
	}
	if told != "" && told != named {
		a.Clusters = append(a.Clusters, told)
	}
	return a
}

// Todo says what the operator does about a journal that is not obeyed.
func Todo(a ceremony.Aside) string {
	if errors.Is(a.Why, ceremony.ErrNotAdopted) {
		return "stop the bot and run: conclave journal adopt"
	}
	return "keep the file and tell your security team; put the file from a backup in its place, or take it out of the folder"
}

// HoldsUp says which clusters a journal that is not obeyed holds up.
func HoldsUp(a ceremony.Aside) string { return cmp.Or(strings.Join(a.Clusters, ", "), "every cluster") }

// Sort orders ceremonies by when they say that they were proposed, oldest first.
func Sort(all []ceremony.Aside) {
	proposed := func(a ceremony.Aside) time.Time { return cause(a).Proposed.Plan.Proposed }
	slices.SortStableFunc(all, func(a, b ceremony.Aside) int { return proposed(a).Compare(proposed(b)) })
}

// cause returns why a journal is not obeyed.
func cause(a ceremony.Aside) event.AsideError {
	if aside := (*event.AsideError)(nil); errors.As(a.Why, &aside) {
		return *aside
	}
	return event.AsideError{}
}

// Findings returns what the people of a cluster are told, the weightiest first. open and
// known report what Conclave remembers of a ceremony elsewhere than in its journal.
func Findings(all []ceremony.Aside, cluster string, open, known func(ceremony.ID) bool) []event.Noticed {
	weigh := func(a ceremony.Aside) Weight {
		switch {
		case open(a.Ceremony):
			return Open
		case known(a.Ceremony) || cause(a).Ours:
			return Known
		case a.Ceremony.Valid() && slices.Contains(a.Clusters, cluster):
			return Claimed
		}
		return Junk
	}
	sorted := slices.DeleteFunc(slices.Clone(all), func(a ceremony.Aside) bool { return !a.HoldsUp(cluster) })
	slices.SortStableFunc(sorted, func(a, b ceremony.Aside) int { return cmp.Compare(weigh(b), weigh(a)) })
	var broken []event.Noticed
	var foreign, more []string
	for _, a := range sorted {
		switch {
		case errors.Is(a.Why, ceremony.ErrNotAdopted):
			foreign = append(foreign, string(a.Ceremony))
		case len(broken) < MostNamed:
			broken = append(broken, event.Noticed{
				Kind: ceremony.JournalBroken, Subject: Shorten(string(a.Ceremony)), Got: Shorten(a.Why.Error()),
			})
		default:
			more = append(more, string(a.Ceremony))
		}
	}
	if len(more) > 0 {
		broken = append(broken, event.Noticed{Kind: ceremony.JournalBroken, Got: Listed(more)})
	}
	if len(foreign) > 0 {
		broken = append(broken, event.Noticed{Kind: ceremony.NotAdopted, Got: Listed(foreign)})
	}
	return broken
}

// longestFound is how many characters of a text that was found in a file people are shown.
const longestFound = 200

// Shorten returns a text that was found in a file, or that names one, as it can be told.
func Shorten(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if r := []rune(text); len(r) > longestFound {
		return string(r[:longestFound]) + "…"
	}
	return text
}

// Listed returns how many ceremonies there are, and the first of them by name.
func Listed(ids []string) string {
	const most = 5
	first := slices.Clone(ids[:min(most, len(ids))])
	for i := range first {
		first[i] = Shorten(first[i])
	}
	text := fmt.Sprintf("%s: %s", plural.Count(len(ids), "ceremony", "ceremonies"), strings.Join(first, ", "))
	if len(ids) > most {
		text += fmt.Sprintf(" and %d more", len(ids)-most)
	}
	return text
}
