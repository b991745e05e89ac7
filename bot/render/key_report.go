package render

import (
	"fmt"
	"strconv"

	"github.com/slack-go/slack"

	"conclave/ceremony/ledger"
	"conclave/ceremony/wording"
)

// KeyReport shows a cluster's encryption key, and what was done to its keys.
func KeyReport(name string, r ledger.KeyReport) Message {
	policy, used := "not known: Vault does not let Conclave read it", wording.Thousands(r.Key.Encryptions)
	if r.Policy != nil {
		policy = wording.PolicyWords(*r.Policy)
		if r.Policy.Enabled {
			used += " of " + wording.Thousands(r.Policy.MaxOperations)
		}
	}
	backup := "Vault keeps none"
	if r.Unread {
		backup = "not known: Conclave's token may not read it"
	}
	if r.Backup {
		backup = fmt.Sprintf(":package: Vault keeps one: `/ceremony start backup %s` hands it out, and lets an approver delete it", name)
	}
	replaced := wording.Whenever(r.Rekeyed)
	if !r.Others.IsZero() {
		replaced += "; since then perhaps again, by an attempt that ended " + wording.When(r.Others)
	}
	return Message{
		Line: fmt.Sprintf("The encryption key of %s: term %d", wording.Escape(name), r.Key.Term),
		Blocks: []slack.Block{
			section("*The keys of %s*", wording.Escape(name)),
			facts(
				wording.Fact{Name: "Encryption key", Value: "term " + strconv.Itoa(r.Key.Term)},
				wording.Fact{Name: "Installed", Value: wording.When(r.Key.Installed)},
				wording.Fact{Name: "Encryptions with it, by Vault's estimate", Value: used},
				wording.Fact{Name: "Vault rotates it", Value: policy},
				wording.Fact{Name: "Last rotated by a ceremony", Value: wording.Whenever(r.Rotated)},
				wording.Fact{Name: "Shares last replaced by a ceremony", Value: replaced},
				wording.Fact{Name: "Backup of new shares", Value: backup},
			),
			footnote("`/ceremony start rotate %s` proposes a new encryption key, `rotate-config` another policy, `rekey` new shares.", name),
		},
	}
}
