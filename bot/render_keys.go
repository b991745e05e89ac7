package bot

import (
	"fmt"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// renderKeyReport shows a cluster's encryption key, and what was done to its keys.
func renderKeyReport(name string, r ceremony.KeyReport) message {
	policy, used := "not known: Conclave's token may not read it", thousands(r.Key.Encryptions)
	if r.Policy != nil {
		policy = policyWords(*r.Policy)
		if r.Policy.Enabled {
			used += " of " + thousands(r.Policy.MaxOperations)
		}
	}
	backup := "Vault keeps none"
	if r.Unread {
		backup = "not known: Conclave's token may not read it"
	}
	if r.Backup {
		backup = fmt.Sprintf(":package: Vault keeps one: `/ceremony start backup %s` hands it out, and lets an approver delete it", name)
	}
	return message{
		line: fmt.Sprintf("The encryption key of %s: term %d", escape(name), r.Key.Term),
		blocks: []slack.Block{
			section("*The keys of %s*", escape(name)),
			facts(
				fact{"Encryption key", "term " + strconv.Itoa(r.Key.Term)},
				fact{"Installed", when(r.Key.Installed)},
				fact{"Encryptions with it, by Vault's estimate", used},
				fact{"Vault rotates it", policy},
				fact{"Last rotated by a ceremony", whenever(r.Rotated)},
				fact{"Shares last replaced by a ceremony", whenever(r.Rekeyed)},
				fact{"Backup of new shares", backup},
			),
			footnote("`/ceremony start rotate %s` proposes a new encryption key, `rotate-config` another policy, `rekey` new shares.", name),
		},
	}
}

// whenever is a moment that may never have been.
func whenever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return when(t)
}
