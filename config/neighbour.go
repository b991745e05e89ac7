package config

import "strings"

// neighbour returns the one of the known words that somebody may have meant who wrote another
// one, or "".
func neighbour(word string, known []string) string {
	same := strings.NewReplacer("-", "", "_", "", " ", "")
	plain := func(s string) string { return same.Replace(strings.ToLower(s)) }
	best, nearest := "", max(1, min(2, len(plain(word))/3))+1
	for _, k := range known {
		if longer := len(plain(word)) - len(plain(k)); longer >= nearest || -longer >= nearest {
			continue
		}
		if d := distance(plain(word), plain(k)); d < nearest {
			best, nearest = k, d
		}
	}
	return best
}

// distance returns how many bytes are put in, taken out, changed, or swapped with the one beside
// them, to make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
