package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
	"conclave/plural"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// spokenWords is how many bytes of the plan's hash the page shows as words.
const spokenWords = 8

// view is the data of the page's template.
type view struct {
	Style     template.CSS
	C         rules.State
	Audit     transcript.Audit
	Title     string
	Outcome   string
	Good      bool // it has completed
	Span      string
	Approved  string
	Approvers string
	PlanText  string
	Spoken    string
	People    []participant
	Picture   picture
	Condition []condition
	Deviation []happening
	Witnesses []testimony
	Watched   bool // the plan has witnesses
	Events    []happening
	Duration  string
}

// participant is a person with a part in the ceremony.
type participant struct {
	Name    string
	Roles   string
	Account string
	Key     string
}

// happening is one entry of the journal as the page shows it.
type happening struct {
	Seq   int
	Day   string // set on the first entry of each day
	At    string
	Words []string // lines
	Type  string
	Hash  string
	Quiet bool // nobody was told of it
}

// testimony is what a witness said at the end.
type testimony struct {
	Name   string
	Agrees bool
	Why    string
	At     string
	Signed bool
}

// Render makes the page of a transcript's file and of the audit of that file. An error means
// that the file can't be read as a transcript, or its journal not be replayed.
func Render(file []byte, audit transcript.Audit, tell Tell) ([]byte, error) {
	t, err := transcript.ReadTranscript(file)
	if err != nil {
		return nil, fmt.Errorf("read transcript: %w", err)
	}
	c, err := t.Story()
	if err != nil {
		return nil, fmt.Errorf("read transcript: %w", err)
	}
	parsed, err := template.New("page").Funcs(template.FuncMap{
		"clean": clean, "groups": groups, "stamp": stamp, "short": short,
	}).Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("parse page: %w", err)
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, newView(c, audit, tell)); err != nil {
		return nil, fmt.Errorf("make page: %w", err)
	}
	return b.Bytes(), nil
}

func newView(c rules.State, audit transcript.Audit, tell Tell) view {
	p := c.Plan
	v := view{
		Style: template.CSS(pageCSS), C: c, Audit: audit,
		Title:    operationName(p.Operation) + " of " + clean(p.Cluster),
		Outcome:  clean(string(c.Outcome)),
		Good:     c.Outcome == event.Completed,
		PlanText: cleanLines(p.Text()), Spoken: ceremony.SpokenHash(c.PlanHash, spokenWords),
		People: participants(p),
	}
	first, last := c.History[0].At, c.EndedAt()
	if last.IsZero() {
		last = c.History[len(c.History)-1].At
	}
	v.Span, v.Duration = span(first, last), duration(last.Sub(first))
	v.Approved = "needs no approval"
	if p.Approvals > 0 {
		v.Approved = fmt.Sprintf("%d of %d needed", len(c.Approvals), p.Approvals)
	}
	var names []string
	for _, a := range c.Approvals {
		names = append(names, clean(a.By.Name))
	}
	v.Approvers = strings.Join(names, ", ")
	v.Picture, v.Condition = draw(c), conditions(c)
	v.Witnesses, v.Watched = testimonies(c)

	day := ""
	for _, e := range c.History {
		h := happened(c, e, tell)
		if d := e.At.UTC().Format("Monday, 2 January 2006"); d != day {
			h.Day, day = d, d
		}
		v.Events = append(v.Events, h)
		if deviates(e.Event) || len(c.Changed(e)) > 0 {
			v.Deviation = append(v.Deviation, h)
		}
	}
	return v
}

func happened(c rules.State, e event.Entry, tell Tell) happening {
	h := happening{Seq: e.Seq, At: e.At.UTC().Format("15:04:05"), Type: event.TypeOf(e.Event), Hash: short(e.Hash)}
	words, quiet := silent(e.Event)
	if rules.Is[event.Conditions](e.Event) && len(c.Changed(e)) == 0 {
		words, quiet = "What the ceremony runs under was recorded: see Conditions.", true
	}
	if !quiet {
		words = tell(c, e)
	}
	h.Quiet = quiet
	for line := range strings.Lines(words) {
		if line = strings.TrimSpace(line); line != "" {
			h.Words = append(h.Words, clean(line))
		}
	}
	return h
}

// participants returns everybody in the plan once, in the order of their first role.
func participants(p ceremony.Plan) []participant {
	var people []participant
	roles := map[ceremony.Person][]string{}
	var order []ceremony.Person
	add := func(role string, list ...ceremony.Person) {
		for _, who := range list {
			if len(roles[who]) == 0 {
				order = append(order, who)
			}
			if !slices.Contains(roles[who], role) {
				roles[who] = append(roles[who], role)
			}
		}
	}
	add("initiator", p.Initiator)
	add("may approve", p.Approvers...)
	if p.Requester != nil {
		add("receives the token", *p.Requester)
	}
	add("holder", p.Holders...)
	add("receives a new share", p.Receivers...)
	add("witness", p.Witnesses...)
	add("owner", p.Owners...)
	for _, who := range order {
		if who.Class != "" {
			roles[who] = append(roles[who], "class "+clean(who.Class))
		}
		people = append(people, participant{
			Name: clean(who.Name), Roles: strings.Join(roles[who], ", "), Account: clean(who.Account.String()),
			Key: groups(string(who.Key)),
		})
	}
	return people
}

// clean replaces each character that is not printable by a mark. Invisible characters could
// make one line read as another.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}

// groups returns a fingerprint in groups of four, in upper case, as gpg prints it.
func groups(fingerprint string) string {
	digits := strings.ToUpper(clean(fingerprint))
	var parts []string
	for chunk := range slices.Chunk([]rune(digits), 4) {
		parts = append(parts, string(chunk))
	}
	return strings.Join(parts, " ")
}

func short(hash string) string { return hash[:min(12, len(hash))] }

func stamp(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") }

// span returns the first and the last moment of a ceremony in words.
func span(from, to time.Time) string {
	from, to = from.UTC(), to.UTC()
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		return from.Format("Monday, 2 January 2006, 15:04") + "–" + to.Format("15:04") + " UTC"
	}
	return from.Format("2 January 2006, 15:04") + " – " + to.Format("2 January 2006, 15:04") + " UTC"
}

func duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return plural.Of(int(d/time.Second), "second")
	case d < 2*time.Hour:
		return plural.Of(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return plural.Of(int(d/time.Hour), "hour")
	}
	return plural.Of(int(d/(24*time.Hour)), "day")
}

func operationName(op ceremony.Operation) string {
	if name, ok := operationNames[op]; ok {
		return name
	}
	return clean(string(op))
}

var operationNames = map[ceremony.Operation]string{
	ceremony.Init:          "Initialisation",
	ceremony.Unseal:        "Unseal",
	ceremony.Rekey:         "Rekey",
	ceremony.RekeyRecovery: "Rekey of the recovery key",
	ceremony.GenerateRoot:  "Root token",
	ceremony.RecoveryToken: "Recovery token",
	ceremony.DRToken:       "Disaster recovery token",
	ceremony.Rotate:        "Rotation",
	ceremony.RotateConfig:  "Rotation policy",
	ceremony.ReadBackup:    "Backup of the shares",
	ceremony.Drill:         "Drill",
}
