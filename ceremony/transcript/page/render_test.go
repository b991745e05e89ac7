package page_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"conclave/ceremony/transcript"
	"conclave/ceremony/transcript/page"
)

func TestPageSaysWhatATranscriptHas(t *testing.T) {
	html := string(render(t, "OPS-417: mallory has left", "threshold 2"))
	if path := os.Getenv("CONCLAVE_PAGE"); path != "" {
		if err := os.WriteFile(path, []byte(html), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for what, want := range map[string]string{
		"the ceremony":         "<h1>prod-rekey-k7m2",
		"the outcome":          `badge good">completed`,
		"the reason":           "<q>OPS-417: mallory has left</q>",
		"the time":             "Saturday, 1 January 2000, 09:26–11:15 UTC",
		"who approved":         "<dd>paul (1 of 1 needed)</dd>",
		"a fingerprint":        "0000 7061 756C",
		"a person's parts":     "holder, receives a new share",
		"the plan":             "new threshold: 3",
		"a declined envelope":  "A message of dave was not used: other-nonce.",
		"what froze it":        "Vault says: threshold 2",
		"the checks":           "the pinned identity has signed all of it",
		"what is not proven":   "That it was paul who approved",
		"the picture":          `role="img" aria-labelledby="picture-title picture-words"`,
		"the picture in words": "alice brought share 1 of 3",
		"the frozen time":      `<rect class="frozen"`,
		"the policy":           "default-src &#39;none&#39;",
	} {
		if !strings.Contains(html, want) && !strings.Contains(html, strings.ReplaceAll(want, "&#39;", "'")) {
			t.Errorf("%s: the page does not have %q", what, want)
		}
	}
}

func TestPageSaysWhatTheCeremonyRanUnder(t *testing.T) {
	html := string(render(t, "a test", "threshold 2"))
	for what, want := range map[string]string{
		"the program":       `<td>version of Conclave</td><td>v1.2.0</td>`,
		"its hash":          `<td>SHA-256 of the running program</td><td class="hex">` + strings.Repeat("5a", 32) + "</td>",
		"what is not known": `<td>revision of Conclave</td><td>not known</td>`,
		"Vault":             `<td>product at vault-1:8200</td><td>Vault</td>`,
		"the clock":         `<td>time source</td><td>&lt;b&gt;chrony&lt;/b&gt;</td>`,
		"what has changed": `<td>SHA-256 of the configuration</td><td class="hex">` + strings.Repeat("c1", 32) +
			`</td><td class="nowrap">since entry `,
		"the change in the picture": "  what it runs under has changed",
		"the beginning":             "What the ceremony runs under was recorded: see Conditions.",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("%s: the page does not have %q", what, want)
		}
	}
	deviations := html[strings.Index(html, "What did not go as planned"):strings.Index(html, "What the witnesses say")]
	if n := strings.Count(deviations, "The event conditions, in words."); n != 1 {
		t.Errorf("%d changes of the conditions among what did not go as planned", n)
	}
}

// A program that knew no conditions has recorded none. That is no fault.
func TestPageOfAnOlderTranscriptSaysThatNoConditionsWereRecorded(t *testing.T) {
	file, err := os.ReadFile("../../testdata/kept/rekey/prod-rekey-sxta-transcript-1.json")
	if err != nil {
		t.Fatal(err)
	}
	html, err := page.Render(file, transcript.Audit{}, tell)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(html), "<h2>Conditions</h2>\n<p>Not recorded.</p>") {
		t.Error("the page does not say that no conditions were recorded")
	}
}

// Text that people have written must not become markup: the page is opened from a chat, by
// people who trust it.
func TestPageEscapesEverything(t *testing.T) {
	const attack = `</style></title><script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>"'&`
	html := string(render(t, attack, attack+"\u202e\x1b[2J"))
	for _, bad := range []string{
		"<script", "<img", "evil.example/x onerror=alert(2)>\"'&", "\u202e", "\x1b", "onerror=alert(2)>",
	} {
		if strings.Contains(html, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if !strings.Contains(html, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the reason is not on the page")
	}
}

func TestPageNeedsNothingButItself(t *testing.T) {
	html := string(render(t, "a test", "nothing"))
	for _, bad := range []string{
		"http://", "https://", "<script", "<link", "<img", "<iframe", "@import", "url(", "<form", "<base",
	} {
		if strings.Contains(strings.ReplaceAll(html, `xmlns="http://www.w3.org/2000/svg"`, ""), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

// Every element that is opened is closed, in order: a browser would mend it, each in
// its own way.
func TestPageIsWellFormed(t *testing.T) {
	html := string(render(t, `a "test" & <more>`, "nothing"))
	d := xml.NewDecoder(strings.NewReader(html))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "br"}, xml.HTMLEntity
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
