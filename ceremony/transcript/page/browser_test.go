package page_test

import (
	"bytes"
	"context"
	"html"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/needs"
)

// browser is Chromium without a window, whose only way into the network is a proxy
// that writes down where it wants to go.
type browser struct {
	t     *testing.T
	home  string
	proxy string

	mu    sync.Mutex
	asked []string // hosts
}

// newBrowser makes a browser with a home of its own.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	needs.Programs(t, "chromium")
	b := &browser{t: t, home: t.TempDir()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.asked = append(b.asked, r.Host)
		b.mu.Unlock()
		http.Error(w, "there is no way out", http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	b.proxy = server.URL
	return b
}

// open makes the browser do one thing with a page, and returns what it printed.
func (b *browser) open(page []byte, args ...string) (out, complaints string) {
	b.t.Helper()
	path := filepath.Join(b.home, "page.html")
	if err := os.WriteFile(path, page, 0o600); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 3*time.Minute)
	defer cancel()
	given := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage",
		"--hide-scrollbars",
		"--proxy-server=" + b.proxy, "--proxy-bypass-list=<-loopback>", "--enable-logging=stderr",
		"--user-data-dir=" + filepath.Join(b.home, "profile"),
	}, args...)
	cmd := exec.CommandContext(ctx, "chromium", append(given, (&url.URL{Scheme: "file", Path: path}).String())...)
	cmd.Dir, cmd.Env = b.home, append(os.Environ(), "HOME="+b.home, "TZ=UTC")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		b.t.Fatalf("chromium: %v\n%s", err, stderr.String())
	}
	return stdout.String(), stderr.String()
}

// check makes sure that the browser neither complained nor asked the network.
func (b *browser) check(complaints string) {
	b.t.Helper()
	for line := range strings.Lines(complaints) {
		if strings.Contains(line, "CONSOLE") {
			b.t.Errorf("the browser complains: %s", line)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, host := range b.asked {
		if name, _, _ := strings.Cut(host, ":"); !strings.HasSuffix(name, ".google.com") &&
			!strings.HasSuffix(name, ".googleapis.com") {
			b.t.Errorf("the page wanted something of %s", host) // the rest is the browser's own
		}
	}
}

var tags = regexp.MustCompile(`(?s)<style.*?</style>|<[^>]*>`)

// text returns a page without its tags.
func text(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(page, " "))), " ")
}

func TestBrowserShowsThePageWithoutAWord(t *testing.T) {
	b := newBrowser(t)
	dom, complaints := b.open(render(t, "OPS-417: mallory has left", "threshold 2"), "--dump-dom")
	b.check(complaints)
	shown := text(dom)
	for _, want := range []string{
		"prod-rekey-k7m2 completed",
		"Rekey of prod, Saturday, 1 January 2000, 09:26–11:15 UTC. OPS-417: mallory has left",
		"A message of dave was not used: other-nonce.",
		"The plan says: threshold 3 Vault says: threshold 2",
		"conclave-plan1 ceremony: prod-rekey-k7m2",
		"the pinned identity has signed all of it",
		"conclave verify --identity FINGERPRINT",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the browser does not show %q", want)
		}
	}
}

func TestBrowserRunsNothingThatSomebodyWrote(t *testing.T) {
	const attack = `</title></style><script src="//evil.example/x.js"></script><script>document.title='taken'</script>` +
		`<img src="https://evil.example/x" onerror="document.title='taken'"><svg onload="document.title='taken'">`
	b := newBrowser(t)
	dom, complaints := b.open(render(t, attack, attack), "--dump-dom")
	b.check(complaints)
	for _, bad := range []string{"<script", "<img", "taken</title>"} {
		if strings.Contains(dom, bad) {
			t.Errorf("the page has become one with %q", bad)
		}
	}
	if !strings.Contains(text(dom), "document.title='taken'") {
		t.Error("what was written is not shown")
	}
}

func TestBrowserPrintsThePage(t *testing.T) {
	b := newBrowser(t)
	html := render(t, "OPS-417: mallory has left", "threshold 2")
	file := filepath.Join(b.home, "page.pdf")
	_, complaints := b.open(html, "--no-pdf-header-footer", "--print-to-pdf="+file)
	b.check(complaints)
	pdf, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pages := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1))
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || pages < 3 || pages > 12 {
		t.Errorf("%d bytes, %d pages", len(pdf), pages)
	}
}

// The picture is drawn: the screenshot has the colours of its parts.
func TestBrowserDrawsThePicture(t *testing.T) {
	b := newBrowser(t)
	file := filepath.Join(b.home, "page.png")
	_, complaints := b.open(render(t, "OPS-417: mallory has left", "threshold 2"), "--window-size=1100,1400",
		"--screenshot="+file)
	b.check(complaints)
	shot, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer shot.Close()
	picture, err := png.Decode(shot)
	if err != nil {
		t.Fatal(err)
	}
	var white, dark, red, green int
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			r, g, b, _ := picture.At(x, y).RGBA()
			switch r, g, b := r>>8, g>>8, b>>8; {
			case r > 250 && g > 250 && b > 250:
				white++
			case r < 60 && g < 60 && b < 60:
				dark++
			case r > 240 && g > 215 && g < 235 && b > 210 && b < 235:
				red++ // it was frozen
			case g > r+40 && g > b+20:
				green++ // agreed
			}
		}
	}
	total := picture.Bounds().Dx() * picture.Bounds().Dy()
	if white < total/2 || dark < total/200 || red < 1000 || green < 200 {
		t.Errorf("of %d points %d are white, %d dark, %d red, %d green", total, white, dark, red, green)
	}
}
