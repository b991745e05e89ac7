package wording

import "testing"

// A holder's computer may run Windows, whose cmd takes single quotes for a part of the
// name.
func TestFileIsQuotedAsItsSystemReadsIt(t *testing.T) {
	for _, tt := range []struct {
		system, name, want string
		fits               bool
	}{
		{"windows", `share.asc`, `share.asc`, true},
		{"windows", `C:\Users\Jürg O'Neil\share.asc`, `"C:\Users\Jürg O'Neil\share.asc"`, true},
		{"windows", `C:\%PATH%\share.asc`, "", false},
		{"windows", `C:\$(calc)\share.asc`, "", false},
		{"windows", "a\" & calc & \"", "", false},
		{"windows", "a\u201d; calc; \u201c", "", false}, // quotes to PowerShell
		{"windows", `-x y`, "", false},
		{"windows", "", "", false},
		{"linux", `C:\share.asc`, `'C:\share.asc'`, true},
		{"linux", `it's/share.asc`, `'it'\''s/share.asc'`, true},
		{"darwin", `my shares/share.asc`, `'my shares/share.asc'`, true},
	} {
		if got := fileOn(tt.system, tt.name); got.Fits != tt.fits || tt.fits && got.Word != tt.want {
			t.Errorf("%s: %s becomes %s, %v", tt.system, tt.name, got.Word, got.Fits)
		}
	}
}
