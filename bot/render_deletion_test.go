package bot

import (
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Whether a backup is gone whose deletion was agreed to and had no answer is not known.
func TestDeletionWithoutAnOutcomeIsNotSaidToHaveBeenRefused(t *testing.T) {
	c := rules.State{
		Plan:  ceremony.Plan{Operation: ceremony.ReadBackup, Cluster: "prod"},
		Phase: rules.PhaseEnded, Outcome: event.Completed, Ending: event.AttemptUnknown,
	}
	if words := wording.OutcomeWords(c); !strings.Contains(words, "nobody agreed") {
		t.Errorf("nobody has agreed: %s", words)
	}
	c.Deletion = &ceremony.Person{Name: "paul"}
	if words := wording.OutcomeWords(c); strings.Contains(words, "nobody agreed") || !strings.Contains(words, "may still keep") {
		t.Errorf("paul has agreed: %s", words)
	}
}
