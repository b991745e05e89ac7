package operator

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// No word of a text is a request to the program that shows the page, and each one is there.
func TestManualPageHasTheWordsOfTheHelp(t *testing.T) {
	cmd := &cobra.Command{
		Use: "odd FILE", Short: "Say `odd` things - with \\ in them", Long: ".SH begins a line\n'quoted'\nplain",
		Example: "  odd ~/file | grep ^x", Run: func(*cobra.Command, []string) {},
	}
	cmd.Flags().String("flag", "", "takes a `VALUE`")
	page := manPage(cmd)
	requests := regexp.MustCompile(`(?m)^[.'].*`).FindAllString(page, -1)
	for _, line := range requests {
		if name, _, _ := strings.Cut(line, " "); !slices.Contains([]string{".TH", ".SH", ".nf", ".fi", ".TP"}, name) {
			t.Errorf("a line is a request: %q", line)
		}
	}
	for _, want := range []string{
		`odd \- Say \(gaodd\(ga things \- with \e in them`, "\\&.SH begins a line\n\\(aqquoted\\(aq\nplain", "odd FILE",
		`  odd \(ti/file | grep \(hax`, ".TP\n\\-\\-flag VALUE\ntakes a VALUE",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}
