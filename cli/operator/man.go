package operator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"conclave/cli"
	"conclave/host"
	"conclave/plural"
)

// ManCommand returns conclave man.
func ManCommand(std cli.Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write a manual page for each command",
		Long: `Write a manual page for each command into a folder, which is made when it is not
there. Pages that are there already are replaced.`,
		Example: `  conclave man /usr/local/share/man/man1 && man conclave-check`,
		Args:    cli.Arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			n, err := writePages(cmd.Root(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(std.Out, "%s in %s\n", plural.Of(n, "page"), args[0])
			return err
		},
	}
}

// writePages writes the pages of a command and of those below it. It returns how many there are.
func writePages(cmd *cobra.Command, folder string) (int, error) {
	path := filepath.Join(folder, pageName(cmd)+".1")
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is not a regular file", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if err := os.WriteFile(path, []byte(manPage(cmd)), 0o644); err != nil {
		return 0, err
	}
	n := 1
	for _, below := range cmd.Commands() {
		if !below.IsAvailableCommand() {
			continue
		}
		more, err := writePages(below, folder)
		if err != nil {
			return n, err
		}
		n += more
	}
	return n, nil
}

// pageName returns the name of a command's page.
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage returns a command's page. What the help says stands there line by line, as it is.
func manPage(cmd *cobra.Command) string {
	var page strings.Builder
	section := func(name, text string) {
		if text = strings.Trim(text, "\n"); text != "" {
			fmt.Fprintf(&page, ".SH %s\n.nf\n%s\n.fi\n", name, roff(text))
		}
	}
	fmt.Fprintf(&page, ".TH %q 1 \"\" \"conclave %s\" \"Conclave\"\n", strings.ToUpper(pageName(cmd)), host.Version())
	fmt.Fprintf(&page, ".SH NAME\n%s \\- %s\n", roff(pageName(cmd)), roff(cmd.Short))
	section("SYNOPSIS", cmd.UseLine())
	section("DESCRIPTION", cmd.Long)
	page.WriteString(options(cmd))
	section("EXAMPLES", cmd.Example)
	section("EXIT STATUS", `0  it did what was asked
1  it did not, or a check found something
2  the command line or what is configured can't be used
3  a message comes from another identity than the pinned one`)
	var others []string
	if cmd.HasParent() {
		others = append(others, pageName(cmd.Parent())+"(1)")
	}
	for _, below := range cmd.Commands() {
		if below.IsAvailableCommand() {
			others = append(others, pageName(below)+"(1)")
		}
	}
	section("SEE ALSO", strings.Join(others, "\n"))
	return page.String()
}

// options returns the section about a command's flags, or "".
func options(cmd *cobra.Command) string {
	var text strings.Builder
	cmd.InitDefaultHelpFlag()
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		value, usage := pflag.UnquoteUsage(f)
		if value != "" {
			name += " " + value
		}
		fmt.Fprintf(&text, ".TP\n%s\n%s\n", roff(name), roff(usage))
	})
	if text.Len() == 0 {
		return ""
	}
	return ".SH OPTIONS\n" + text.String()
}

// roff returns a text as it stands in a page: no character of it is taken for a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", "\\(ga", "'", `\(aq`, "^", `\(ha`, "~", `\(ti`, "…", "...").Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
