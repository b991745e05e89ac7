// Package config reads the YAML file with everything that is configured. It reads strictly,
// and checks the whole: every mistake is reported at once, with its line. It is data only,
// and opens none of the files that it names.
package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/host"
)

// Config is the whole configuration. It is read when the program starts, and people and
// clusters again by a reload. Beside it there is only the flag --config that names it, and no
// environment variable.
//
// config.example.yaml explains every key. A test makes sure that no key is missing there.
type Config struct {
	Slack    Slack               `yaml:"slack"`
	Identity Identity            `yaml:"identity"`
	Journal  Journal             `yaml:"journal"`
	People   map[string]*Person  `yaml:"people"`   // name → person
	Clusters map[string]*Cluster `yaml:"clusters"` // name → cluster
	Archive  Archive             `yaml:"archive"`
	Log      Log                 `yaml:"log"`

	file string         // as the command line names it
	path string         // the same, absolute
	hash string         // SHA-256 of its bytes
	line map[string]int // YAML path → line, of every key that is set
}

// Slack says which app in which workspace Conclave is.
type Slack struct {
	AppTokenFile host.Path `yaml:"app_token_file"` // xapp-…, opens the socket
	BotTokenFile host.Path `yaml:"bot_token_file"` // xoxb-…, everything else
	Team         string    `yaml:"team"`           // accounts of any other team are strangers
	Channel      string    `yaml:"channel"`        // where ceremonies are shown, unless a cluster names its own
	APIURL       string    `yaml:"api_url"`        // empty: Slack's own
	// Pace is the least time between two posts in one channel. 0 means what Slack allows.
	Pace time.Duration `yaml:"pace"`
}

// Identity names the bot's OpenPGP key, whose fingerprint every holder pins.
type Identity struct {
	KeyFile        host.Path `yaml:"key_file"`
	PassphraseFile host.Path `yaml:"passphrase_file"`
}

// Journal says where evidence is kept. There is no default: nobody backs up a folder that
// nobody chose.
type Journal struct {
	Directory host.Path `yaml:"directory"`
	// Marks is a file outside of Directory that says how far the journal was, so that an older
	// copy of it is noticed. Empty: beside Directory, see [Journal.MarksFile].
	Marks host.Path `yaml:"marks"`
}

// MarksFile returns where the file of marks is.
func (j Journal) MarksFile() host.Path {
	return cmp.Or(j.Marks, host.Path(filepath.Clean(string(j.Directory))+".marks"))
}

// Person ties a Slack account to a PGP key.
type Person struct {
	Slack string    `yaml:"slack"`
	Key   host.Path `yaml:"key"` // empty: a person who neither holds a share nor requests a token
	Class string    `yaml:"class"`
}

// Cluster is one Vault cluster and who may do what to it.
type Cluster struct {
	Addresses  []string      `yaml:"addresses"`
	CAFile     host.Path     `yaml:"ca_file"`     // empty: the system's authorities
	ServerName string        `yaml:"server_name"` // empty: the host of each address
	Namespace  string        `yaml:"namespace"`
	TokenFile  host.Path     `yaml:"token_file"` // empty: no token is sent, unless auth brings one
	Auth       Auth          `yaml:"auth"`
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
	Watch        bool          `yaml:"watch"`  // sealed nodes open a ceremony, where operations allows unseal
	Owners       []string      `yaml:"owners"` // who is told of an alarm; empty: the approvers and the class security
	Witnesses    []string      `yaml:"witnesses"`
	// Policy is what single operations demand beyond all this: operation → demands.
	Policy       map[string]*Policy `yaml:"policy"`
	Interference bool               `yaml:"interference"` // an alarm tells of what no ceremony has done in Vault
	// DailyProposals is how many ceremonies one person may open within a day.
	DailyProposals int `yaml:"daily_proposals"`
}

// Policy is what a cluster demands of ceremonies of one operation.
type Policy struct {
	Approvals     int           `yaml:"approvals"`      // 0: the cluster's
	ApprovalsFrom []string      `yaml:"approvals_from"` // classes; a class that is listed twice asks for two people
	Signed        bool          `yaml:"signed"`
	Separate      bool          `yaml:"separate"`
	Witness       bool          `yaml:"witness"`
	Window        time.Duration `yaml:"window"` // 0: the cluster's
	CoolingOff    time.Duration `yaml:"cooling_off"`
	QuietHours    string        `yaml:"quiet_hours"`
	RollCall      string        `yaml:"roll_call"` // "off", "all" or a number; empty: all for what makes shares, else off
	RollCallFresh time.Duration `yaml:"roll_call_fresh"`
	Ways          []string      `yaml:"ways"` // empty: every way
}

// Auth says how Conclave logs in to Vault for a token of its own.
type Auth struct {
	Method       string    `yaml:"method"` // "approle" or "kubernetes"; empty: it does not log in
	Mount        string    `yaml:"mount"`  // empty: the method's name
	RoleIDFile   host.Path `yaml:"role_id_file"`
	SecretIDFile host.Path `yaml:"secret_id_file"`
	Role         string    `yaml:"role"`
	JWTFile      host.Path `yaml:"jwt_file"` // empty: the path where Kubernetes puts it
}

// Log says which lines go to standard error, and how they look.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// setDefaults sets the defaults. A key without a default must be set, unless its comment
// says what empty means.
func (c *Cluster) setDefaults() {
	c.Timeout = 10 * time.Second
	c.Approvals = 1
	c.Verification = true
	c.Backup = true
	c.Window = 4 * time.Hour
	c.Poll = 15 * time.Second
	c.Watch = true
	c.Interference = true
	c.DailyProposals = 20
}

func (p *Policy) setDefaults() { p.RollCallFresh = rollCallFresh }

// securityClass is the class of people who hear of every alarm, unless a cluster
// names its owners.
const securityClass = "security"

// rollCallFresh is the default time for which it counts that a person has used their key.
const rollCallFresh = 90 * 24 * time.Hour

func (l *Log) setDefaults() {
	l.Level = "info"
	l.Format = "text"
}

// ReadError means that the configuration file itself can't be read.
type ReadError struct{ error }

func (e ReadError) Unwrap() error { return e.error }

// Load reads and checks a configuration file. When the file can be read, the error is of
// type [Problems] and has everything that is wrong with it, else of type [ReadError]. The files
// that it names are not opened.
func Load(path string) (*Config, error) {
	data, err := host.ReadTrustedUpTo(host.Path(path), maxFile)
	if err != nil {
		return nil, ReadError{fmt.Errorf("read configuration: %w", err)}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, ReadError{fmt.Errorf("read configuration: %w", err)}
	}
	return Parse(path, dir, data)
}

// Parse is [Load] of a file that is in memory. Relative paths are relative to dir.
func Parse(file, dir string, data []byte) (*Config, error) {
	sum := sha256.Sum256(data)
	c := &Config{file: file, path: filepath.Join(dir, filepath.Base(file)), hash: hex.EncodeToString(sum[:])}
	reading := readYAML(data, dir, c)
	c.line = reading.line
	problems := reading.problems
	if reading.whole {
		problems = append(problems, unexplained(c.problems(), reading.problems)...)
	}
	if len(problems) > 0 {
		return nil, c.Problems(problems)
	}
	return c, nil
}

// Hash returns the SHA-256 of the file in hexadecimal digits. What lies in other files that
// it names is not in it.
func (c *Config) Hash() string { return c.hash }

// File returns the absolute path of the file.
func (c *Config) File() string { return c.path }

// Account returns a person's Slack account.
func (c *Config) Account(p *Person) ceremony.Account {
	return ceremony.Account{Team: c.Slack.Team, User: p.Slack}
}

// KeyReceivers returns the people who get the new shares of a rekey.
func (c *Cluster) KeyReceivers() []string {
	if len(c.Receivers) == 0 {
		return c.Holders
	}
	return c.Receivers
}

// AlarmOwners returns the people who are told of an alarm.
func (c *Cluster) AlarmOwners(people map[string]*Person) []string {
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

// Any reports whether is holds for one of the allowed operations.
func (c *Cluster) Any(is func(ceremony.Operation) bool) bool {
	return slices.ContainsFunc(c.Operations, func(op string) bool { return is(ceremony.Operation(op)) })
}

// hasToken reports whether any token is sent to Vault.
func (c *Cluster) hasToken() bool { return c.TokenFile != "" || c.Auth.Method != "" }

// Allows reports whether the configuration allows an operation on the cluster.
func (c *Cluster) Allows(op ceremony.Operation) bool {
	return slices.Contains(c.Operations, string(op))
}
