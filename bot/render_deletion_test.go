package bot

import (
	"strings"
	"testing"

	"conclave/ceremony"
)

// Whether a backup is gone whose deletion was agreed to and had no answer is not known.
func TestDeletionWithoutAnOutcomeIsNotSaidToHaveBeenRefused(t *testing.T) {
	c := ceremony.Ceremony{
		Plan:  ceremony.Plan{Operation: ceremony.ReadBackup, Cluster: "prod"},
		State: ceremony.StateEnded, Outcome: ceremony.Completed, Ending: ceremony.AttemptUnknown,
	}
	if words := outcomeWords(c); !strings.Contains(words, "nobody agreed") {
		t.Errorf("nobody has agreed: %s", words)
	}
	c.Deletion = &ceremony.Person{Name: "paul"}
	if words := outcomeWords(c); strings.Contains(words, "nobody agreed") || !strings.Contains(words, "may still keep") {
		t.Errorf("paul has agreed: %s", words)
	}
}
