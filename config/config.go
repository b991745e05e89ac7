package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/host"
)

// Config is the whole configuration. It is read once, when the program starts,
// and nothing else is: no environment variable, no flag beside --config.
//
// config.example.yaml explains every key; a test holds the two together.
type Config struct {
	Slack    SlackConfig               `yaml:"slack"`
	Identity IdentityConfig            `yaml:"identity"`
	Journal  JournalConfig             `yaml:"journal"`
	People   map[string]*PersonConfig  `yaml:"people"`   // name → person
	Clusters map[string]*ClusterConfig `yaml:"clusters"` // name → cluster
	Archive  ArchiveConfig             `yaml:"archive"`
	Log      LogConfig                 `yaml:"log"`

	file string         // as it was named on the command line
	line map[string]int // YAML path → line, for every key that is set
}

// SlackConfig says which app in which workspace Conclave is.
type SlackConfig struct {
	AppTokenFile host.Path `yaml:"app_token_file"` // xapp-…, opens the socket
	BotTokenFile host.Path `yaml:"bot_token_file"` // xoxb-…, everything else
	Team         string    `yaml:"team"`           // people of any other team are strangers
	Channel      string    `yaml:"channel"`        // where ceremonies are shown, unless a cluster names its own
	APIURL       string    `yaml:"api_url"`        // empty: Slack's own
	// Pace is the least time between two posts in one channel. 0: what Slack takes.
	Pace time.Duration `yaml:"pace"`
}

// IdentityConfig names the bot's OpenPGP key, whose fingerprint every holder pins.
type IdentityConfig struct {
	KeyFile        host.Path `yaml:"key_file"`
	PassphraseFile host.Path `yaml:"passphrase_file"`
}

// JournalConfig says where evidence is kept. There is no default: evidence in a
// folder that nobody chose is evidence that nobody backs up.
type JournalConfig struct {
	Directory host.Path `yaml:"directory"`
}

// PersonConfig ties a Slack account to a PGP key.
type PersonConfig struct {
	Slack string    `yaml:"slack"`
	Key   host.Path `yaml:"key"` // empty: somebody who neither holds a share nor asks for a token
	Class string    `yaml:"class"`
}

// ClusterConfig is one Vault cluster and who may do what to it.
type ClusterConfig struct {
	Addresses  []string      `yaml:"addresses"`
	CAFile     host.Path     `yaml:"ca_file"`     // empty: the system's authorities
	ServerName string        `yaml:"server_name"` // empty: the host of each address
	Namespace  string        `yaml:"namespace"`
	TokenFile  host.Path     `yaml:"token_file"` // empty: no token is sent, unless auth brings one
	Auth       AuthConfig    `yaml:"auth"`
	Timeout    time.Duration `yaml:"timeout"`
	Channel    string        `yaml:"channel"` // empty: slack.channel

	Operations   []string      `yaml:"operations"`
	Initiators   []string      `yaml:"initiators"`
	Approvers    []string      `yaml:"approvers"`
	Approvals    int           `yaml:"approvals"`
	Holders      []string      `yaml:"holders"`
	Receivers    []string      `yaml:"receivers"` // empty: the holders
	Threshold    int           `yaml:"threshold"` // of the new shares of a rekey
	Verification bool          `yaml:"verification"`
	Backup       bool          `yaml:"backup"`
	Window       time.Duration `yaml:"window"`
	Poll         time.Duration `yaml:"poll"`
	Watch        bool          `yaml:"watch"`  // sealed nodes are noticed; of a cluster with the operation unseal
	Owners       []string      `yaml:"owners"` // who is told of an alarm; empty: the approvers, and everybody of the class security
	Witnesses    []string      `yaml:"witnesses"`
	// Policy is what is demanded of one operation beyond all this.
	Policy       map[string]*PolicyConfig `yaml:"policy"`
	Interference bool                     `yaml:"interference"` // what happens in Vault that no ceremony has done raises an alarm
}

// PolicyConfig is what a cluster demands of ceremonies of one operation.
type PolicyConfig struct {
	Approvals     int           `yaml:"approvals"`      // 0: as many as the cluster asks for
	ApprovalsFrom []string      `yaml:"approvals_from"` // classes; one that is there twice asks for two people
	Signed        bool          `yaml:"signed"`
	Separate      bool          `yaml:"separate"`
	Witness       bool          `yaml:"witness"`
	Window        time.Duration `yaml:"window"` // 0: the cluster's
	CoolingOff    time.Duration `yaml:"cooling_off"`
	QuietHours    string        `yaml:"quiet_hours"`
	RollCall      string        `yaml:"roll_call"` // off, all or a number; empty: all for what makes shares, off for the rest
	RollCallFresh time.Duration `yaml:"roll_call_fresh"`
	Ways          []string      `yaml:"ways"` // empty: every one
}

// AuthConfig is how Conclave gets a Vault token of its own.
type AuthConfig struct {
	Method       string    `yaml:"method"` // "approle" or "kubernetes"; empty: not at all
	Mount        string    `yaml:"mount"`  // empty: the method's name
	RoleIDFile   host.Path `yaml:"role_id_file"`
	SecretIDFile host.Path `yaml:"secret_id_file"`
	Role         string    `yaml:"role"`
	JWTFile      host.Path `yaml:"jwt_file"` // empty: where Kubernetes puts it
}

// LogConfig is about the lines on standard error.
type LogConfig struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Every default is set here. A key without one must be written down, or may
// stay empty with the meaning that its comment gives.
func (c *ClusterConfig) setDefaults() {
	c.Timeout = 10 * time.Second
	c.Approvals = 1
	c.Verification = true
	c.Backup = true
	c.Window = 4 * time.Hour
	c.Poll = 15 * time.Second
	c.Watch = true
	c.Interference = true
}

func (p *PolicyConfig) setDefaults() { p.RollCallFresh = rollCallFresh }

// securityClass is the class of people who hear of every alarm, unless a cluster
// names its owners.
const securityClass = "security"

// rollCallFresh is for how long what a key has shown counts.
const rollCallFresh = 90 * 24 * time.Hour

func (l *LogConfig) setDefaults() {
	l.Level = "info"
	l.Format = "text"
}

// LoadConfig reads and checks a configuration file. The error is of type
// [Problems] when the file could be read: everything that is wrong with it, at
// once. The files that it names are not looked at.
func LoadConfig(path string) (*Config, error) {
	data, err := host.ReadTrusted(host.Path(path))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return ParseConfig(path, dir, data)
}

// ParseConfig is [LoadConfig] of a file that is in memory already. Relative
// paths are meant relative to dir.
func ParseConfig(file, dir string, data []byte) (*Config, error) {
	c := &Config{file: file}
	reading := readYAML(data, dir, c)
	c.line = reading.line
	problems := reading.problems
	if len(problems) == 0 {
		// A misspelt key would be reported a second time as a missing one.
		problems = c.check()
	}
	if len(problems) > 0 {
		return nil, c.Problems(problems)
	}
	return c, nil
}

func (c *Config) Account(p *PersonConfig) ceremony.Account {
	return ceremony.Account{Team: c.Slack.Team, User: p.Slack}
}

// receivers are who gets the new shares of a rekey.
func (c *ClusterConfig) KeyReceivers() []string {
	if len(c.Receivers) == 0 {
		return c.Holders
	}
	return c.Receivers
}

// owners are who is told of an alarm.
func (c *ClusterConfig) AlarmOwners(people map[string]*PersonConfig) []string {
	if len(c.Owners) > 0 {
		return c.Owners
	}
	all := slices.Clone(c.Approvers)
	for _, name := range slices.Sorted(maps.Keys(people)) {
		if people[name].Class == securityClass && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// Any reports whether one of the operations is of some kind.
func (c *ClusterConfig) Any(is func(ceremony.Operation) bool) bool {
	return slices.ContainsFunc(c.Operations, func(op string) bool { return is(ceremony.Operation(op)) })
}

// hasToken reports whether any token is sent to Vault.
func (c *ClusterConfig) hasToken() bool { return c.TokenFile != "" || c.Auth.Method != "" }

// Allows reports whether ceremonies may do this to the cluster.
func (c *ClusterConfig) Allows(op ceremony.Operation) bool {
	return slices.Contains(c.Operations, string(op))
}
