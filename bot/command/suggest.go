package command

import (
	"fmt"
	"strings"

	"conclave/ceremony"
)

// unknownVerb returns an error that names the verb that was probably meant. It does not
// quote what was typed, since that may be a secret.
func unknownVerb(typed string) error {
	var verbs []Verb
	for _, f := range Grammar() {
		verbs = append(verbs, f.Verb)
	}
	if meant, ok := nearest(Verb(strings.ToLower(typed)), verbs); ok {
		return Usage{"There is no such command.", fmt.Sprintf("Did you mean `/ceremony %s`? `/ceremony help` lists all.", meant)}
	}
	return Usage{"There is no such command.", "`/ceremony help` lists all."}
}

// UnknownOperation returns an error that names the operation that was probably meant.
func UnknownOperation(typed ceremony.Operation) error {
	if meant, ok := nearest(typed, ceremony.Operations()); ok {
		return Usage{"There is no such operation.", fmt.Sprintf("Did you mean `%s`? `/ceremony help operations` lists all.", meant)}
	}
	return ceremony.UnknownOperation
}

// nearest returns the word that differs least from what was typed, if any is near.
func nearest[W ~string](typed W, words []W) (meant W, ok bool) {
	distance := 3
	for _, w := range words {
		if d := edits(string(typed), string(w)); d < distance {
			meant, distance, ok = w, d, true
		}
	}
	return meant, ok
}

// edits returns the number of insertions, deletions and replacements between two words
// (Levenshtein).
func edits(a, b string) int {
	if len(a) > 2*len(b)+3 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
