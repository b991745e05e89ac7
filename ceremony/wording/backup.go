package wording

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// ReceiversOf returns the people for whom a backup has shares, each of them once.
func ReceiversOf(read event.BackupRead) []string {
	var all []string
	told := map[ceremony.Account]bool{}
	for _, s := range read.Shares {
		if !told[s.For.Account] {
			told[s.For.Account] = true
			all = append(all, Escape(s.For.Name))
		}
	}
	return all
}

// OriginWords says which rekey a backup is of, and what its shares are good for.
func OriginWords(read event.BackupRead) string {
	switch {
	case read.Of == "":
		return fmt.Sprintf("No ceremony of Conclave's has made these shares (attempt `%s`): *it is not known here whether they are in force*.", Code(read.Nonce))
	case read.Outcome == event.Completed:
		return fmt.Sprintf("`%s` has made these shares, and was completed: they came into force with it.", Code(string(read.Of)))
	case read.Unknown:
		return fmt.Sprintf("These shares were made under an attempt of `%s`, which ended without knowing what had come of it: *they may be the ones in force*.", Code(string(read.Of)))
	case read.Outcome == event.Failed:
		return fmt.Sprintf("`%s` has made these shares, and failed after it: *they may be the ones in force*.", Code(string(read.Of)))
	}
	return fmt.Sprintf("`%s` has made these shares, and ended before they were proven: *most probably they are not in force*.", Code(string(read.Of)))
}

// keepWords says what to do with a share from a backup, and with the one before it.
func keepWords(read event.BackupRead) string {
	if read.Outcome == event.Completed {
		return "If you have this share already and it opens, nothing changes for you: it is the same one."
	}
	return "*Keep it, and keep the share that you have*, until a ceremony has shown which of them is in force."
}

// UnclaimedWords names the keys for which a backup has shares and that belong to nobody in
// the configuration.
func UnclaimedWords(read event.BackupRead) string {
	if len(read.Unclaimed) == 0 {
		return ""
	}
	keys := make([]string, len(read.Unclaimed))
	for i, f := range read.Unclaimed {
		keys[i] = "`" + f.String() + "`"
	}
	return ":warning: It also has shares for keys that the configuration gives to nobody. They were handed to nobody, and are gone when it is deleted: " + ListAnd(keys) + "."
}
