package stage

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"conclave/ceremony"
)

// ClusterName is the cluster's name in the configuration.
const ClusterName = "prod"

// Settings are the settings of the cluster in the configuration. config.example.yaml explains each. People have the
// names of the cast.
type Settings struct {
	Operations   []string
	Initiators   []string
	Approvers    []string
	Approvals    int
	Holders      []string // of the key in force
	Receivers    []string // of the new shares; empty: the holders
	Keyless      []string // the people whose PGP key the configuration does not have
	Threshold    int      // of the new shares
	Verification bool
	Backup       bool
	Window       time.Duration
	Poll         time.Duration
	Watch        bool // sealed nodes are noticed, where an unseal is allowed
	Witnesses    []string
	Classes      map[string]string // person → what kind of person, for policies that ask for it
	Policy       map[string]string // operation → its policy, as a YAML mapping in one line
	Interference bool              // what no ceremony has done raises an alarm
	Timeout      time.Duration
	Pace         time.Duration // between two posts in one channel; 0: what Slack takes
	LogLevel     string
	Archive      string // where transcripts are kept, as the configuration has it; empty: nowhere
}

// pace is quick enough that no test waits for it, and slow enough that two posts in one channel arrive in order.
const pace = 5 * time.Millisecond

func defaultSettings() Settings {
	return Settings{
		Operations:   []string{"rekey", "generate-root"},
		Initiators:   []string{Olga},
		Approvers:    []string{Paul},
		Approvals:    1,
		Holders:      Holders(),
		Threshold:    Threshold,
		Verification: true,
		Backup:       true,
		Window:       time.Hour,
		Poll:         time.Second,
		Timeout:      10 * time.Second,
		Pace:         pace,
		LogLevel:     "debug", // so that a leak into any level shows
	}
}

// Configure changes the settings and writes the configuration anew. The bot reads it when it is started the next time.
// It must not be called while any other method of the stage runs.
func (s *Stage) Configure(change func(*Settings)) error {
	if change != nil {
		change(&s.settings)
	}
	var text strings.Builder
	if err := configuration.Execute(&text, s); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.WriteFile(s.ConfigFile(), []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// ConfigFile returns the configuration's path.
func (s *Stage) ConfigFile() string { return filepath.Join(s.dir, "conclave.yaml") }

// JournalDir returns the folder of the bot's journal.
func (s *Stage) JournalDir() string { return filepath.Join(s.dir, "journal") }

// secret returns the path of a file that holds one, relative to the configuration.
func secret(name string) string { return secretsFolder + "/" + name }

// secretsFolder is the only folder below the stage's that may hold the bot's own secrets.
const secretsFolder = "secrets"

func (s *Stage) writeSecret(name, value string) error {
	path := filepath.Join(s.dir, secretsFolder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write secret: %w", err)
	}
	if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
		return fmt.Errorf("write secret: %w", err)
	}
	return nil
}

// Listed returns the people that the configuration names, in the order of the cast.
func (s *Stage) Listed() []*Person {
	return slices.DeleteFunc(s.People(), func(p *Person) bool { return !isListed(p.Name) })
}

// The configuration's template calls the functions below.

// Settings returns the settings that were written last.
func (s *Stage) Settings() Settings { return s.settings }

// allows reports whether one of the allowed operations is of a kind. The configuration must say nothing about
// operations that are not allowed.
func (s Settings) allows(is func(ceremony.Operation) bool) bool {
	return slices.ContainsFunc(s.Operations, func(op string) bool { return is(ceremony.Operation(op)) })
}

// MakesShares reports whether an allowed operation makes shares.
func (s Settings) MakesShares() bool { return s.allows(ceremony.Operation.MakesShares) }

// Rekeys reports whether an allowed operation replaces shares.
func (s Settings) Rekeys() bool { return s.allows(ceremony.Operation.Rekeys) }

// Unseals reports whether an unseal is allowed.
func (s Settings) Unseals() bool {
	return s.allows(func(op ceremony.Operation) bool { return op == ceremony.Unseal })
}

// Demands returns the policies of the operations that are allowed. There is no roll call unless the settings ask for
// one.
func (s Settings) Demands() map[string]string {
	demands := map[string]string{}
	for _, op := range s.Operations {
		if said := s.Policy[op]; said != "" {
			demands[op] = said
		} else if ceremony.Operation(op).MakesShares() {
			demands[op] = "{roll_call: off}"
		}
	}
	return demands
}

// HasKey reports whether the configuration has a person's PGP key.
func (s Settings) HasKey(name string) bool { return !slices.Contains(s.Keyless, name) }

// HasToken reports whether the bot has a token: of a cluster that is not initialised
// there is none.
func (s *Stage) HasToken() bool { return s.botToken() != "" }

// HasCA reports whether the server speaks TLS with an authority of its own.
func (s *Stage) HasCA() bool { return len(s.server.CA) > 0 }

// Addrs returns the nodes' addresses.
func (s *Stage) Addrs() []string { return s.server.Addrs }

var configuration = template.Must(template.New("conclave.yaml").Funcs(template.FuncMap{
	"list":    func(names []string) string { return "[" + strings.Join(names, ", ") + "]" },
	"secret":  secret,
	"cluster": func() string { return ClusterName },
}).Parse(`slack:
  app_token_file: {{secret "slack-app-token"}}
  bot_token_file: {{secret "slack-bot-token"}}
  team: {{.Slack.TeamID}}
  channel: {{.Ops.ID}}
  api_url: {{.Slack.URL}}/api/
{{- with .Settings.Pace}}
  pace: {{.}}
{{- end}}

identity:
  key_file: {{secret "identity.asc"}}
  passphrase_file: {{secret "identity-passphrase"}}

journal:
  directory: journal

people:
{{- range .Listed}}
  {{.Name}}: {slack: {{.Slack.ID}}{{if $.Settings.HasKey .Name}}, key: keys/{{.Name}}.asc{{end}}{{with index $.Settings.Classes .Name}}, class: {{.}}{{end}}}
{{- end}}

clusters:
  {{cluster}}:
    addresses: {{list .Addrs}}
{{- if .HasCA}}
    ca_file: vault-ca.pem
{{- end}}
{{- if .HasToken}}
    token_file: {{secret "vault-token"}}
{{- end}}
{{- with .Settings}}
    timeout: {{.Timeout}}
    operations: {{list .Operations}}
    initiators: {{list .Initiators}}
    approvers: {{list .Approvers}}
    approvals: {{.Approvals}}
    holders: {{list .Holders}}
{{- if .MakesShares}}
{{- with .Receivers}}
    receivers: {{list .}}
{{- end}}
    threshold: {{.Threshold}}
{{- end}}
{{- if .Rekeys}}
    verification: {{.Verification}}
    backup: {{.Backup}}
{{- end}}
{{- if .Unseals}}
    watch: {{.Watch}}
{{- end}}
{{- with .Witnesses}}
    witnesses: {{list .}}
{{- end}}
{{- with .Demands}}
    policy:
{{- range $op, $demand := .}}
      {{$op}}: {{$demand}}
{{- end}}
{{- end}}
    interference: {{.Interference}}
    daily_proposals: 1000
    window: {{.Window}}
    poll: {{.Poll}}
{{- with .Archive}}

archive: {{.}}
{{- end}}

log:
  level: {{.LogLevel}}
{{- end}}
`))
