package command_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/bot/command"
)

func TestUnderstoodCommandIsUnderstoodAgain(t *testing.T) {
	for _, typed := range []string{
		"start rekey prod", "start rekey prod a reason = none", "start rotate-config prod enabled=yes interval=12h more traffic",
		"start generate-root prod otp=" + commitment + " break glass",
	} {
		first, err := command.ParseCommand(typed, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := command.ParseCommand(first.Understood(), nil)
		if diff := cmp.Diff(first, again, cmp.AllowUnexported(command.Command{})); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", typed, err, diff)
		}
	}
}
