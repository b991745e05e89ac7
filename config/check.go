package config

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/host"
	"conclave/host/hostport"
)

// Limits of what is accepted. Each is far beyond what a ceremony needs: a value outside of
// it is a slip.
const (
	maxName    = 24                 // a ceremony's id, prod-rekey-k7m2, is read aloud
	maxShares  = 255                // Shamir's scheme over GF(2^8), and Vault's limit
	maxWindow  = 7 * 24 * time.Hour // a ceremony that stays open is a door left open
	minTimeout = 100 * time.Millisecond
	maxTimeout = 2 * time.Minute
	minPoll    = 100 * time.Millisecond
	maxPoll    = 5 * time.Minute
	minPace    = time.Millisecond
	maxPace    = time.Minute

	maxProposals = 1000

	// maxFile is the size in bytes of the largest configuration. A thousand clusters with five
	// people each have less than one MiB.
	maxFile = 16 << 20
)

var (
	teamForm    = regexp.MustCompile(`^[TE][A-Z0-9]+$`)
	userForm    = regexp.MustCompile(`^[UW][A-Z0-9]+$`)
	channelForm = regexp.MustCompile(`^[CG][A-Z0-9]+$`)
)

// check compares the values of a configuration with each other, and collects what is
// wrong.
type check struct {
	*Config
	found []Problem
}

// problems returns everything that is wrong with the values. It opens none of the files
// that they name.
func (c *Config) problems() []Problem {
	k := &check{Config: c}
	k.slack()
	k.needPath("identity.key_file", c.Identity.KeyFile, "make one with: conclave identity new")
	k.needPath("identity.passphrase_file", c.Identity.PassphraseFile, "the identity key is kept encrypted")
	k.needPath("journal.directory", c.Journal.Directory, "without a journal there is no ceremony")
	in, err := filepath.Rel(string(c.Journal.Directory), string(c.Journal.MarksFile()))
	if err == nil && filepath.IsLocal(in) && c.Journal.Directory != "" {
		k.complain("journal.marks", "is in journal.directory: an older copy of the folder would bring its own marks")
	}
	k.people()
	k.clusters()
	k.archive()
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "text", "json")
	return k.found
}

func (k *check) complain(path, what string, args ...any) {
	k.found = append(k.found, Problem{path, k.LineOf(path), fmt.Sprintf(what, args...)})
}

func (k *check) needPath(path string, value host.Path, why string) {
	if value == "" {
		k.complain(path, "is missing: %s", why)
	}
}

func (k *check) form(path, value string, form *regexp.Regexp, what string) {
	switch {
	case value == "":
		k.complain(path, "is missing: %s", what)
	case !form.MatchString(value):
		k.complain(path, "%q is not %s", value, what)
	}
}

func (k *check) oneOf(path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		k.complain(path, "%q is none of %s", value, strings.Join(allowed, ", "))
	}
}

func (k *check) between(path string, value, least, most time.Duration) {
	if value < least || value > most {
		k.complain(path, "%s is not between %s and %s", short(value), short(least), short(most))
	}
}

func (k *check) slack() {
	s := k.Slack
	k.needPath("slack.app_token_file", s.AppTokenFile, "a file with the app-level token, xapp-…")
	k.needPath("slack.bot_token_file", s.BotTokenFile, "a file with the bot token, xoxb-…")
	k.form("slack.team", s.Team, teamForm, "a workspace id such as T0123456789")
	k.form("slack.channel", s.Channel, channelForm, "a channel id such as C0123456789 (not its name)")
	if s.APIURL != "" {
		k.address("slack.api_url", s.APIURL)
		if !strings.HasSuffix(s.APIURL, "/") {
			k.complain("slack.api_url", "%q has no slash at its end, where the name of a method follows", s.APIURL)
		}
	}
	if k.line["slack.pace"] > 0 {
		k.between("slack.pace", s.Pace, minPace, maxPace)
		if s.APIURL == "" {
			k.complain("slack.pace",
				"needs api_url: Slack itself takes one post a second in a channel, and Conclave keeps to that")
		}
	}
}

func (k *check) people() {
	if len(k.People) == 0 {
		k.complain("people", "is missing: nobody could take part")
	}
	owner := map[ceremony.Account]string{} // Slack account → person
	for _, name := range slices.Sorted(maps.Keys(k.People)) {
		p, path := k.People[name], "people."+name
		k.name(path, name)
		k.form(path+".slack", p.Slack, userForm, "a member id such as U0123456789 (not a display name)")
		who := k.Account(p)
		if first, taken := owner[who]; taken && p.Slack != "" {
			k.complain(path+".slack", "%s is %s as well; one account is one person", p.Slack, first)
		}
		owner[who] = name
	}
}

func (k *check) clusters() {
	if len(k.Clusters) == 0 {
		k.complain("clusters", "is missing: there is nothing to do")
	}
	at := map[string]string{} // address → cluster
	for _, name := range slices.Sorted(maps.Keys(k.Clusters)) {
		c, path := k.Clusters[name], "clusters."+name
		k.name(path, name)
		k.addresses(path, name, c, at)
		k.auth(path+".auth", c)
		if c.Channel != "" {
			k.form(path+".channel", c.Channel, channelForm, "a channel id such as C0123456789 (not its name)")
		}
		k.between(path+".timeout", c.Timeout, minTimeout, maxTimeout)
		k.between(path+".poll", c.Poll, minPoll, maxPoll)
		k.between(path+".window", c.Window, time.Second, maxWindow)
		if c.Poll >= c.Window {
			k.complain(path+".poll", "%s is not shorter than the window of %s: Vault would never be compared with the plan",
				short(c.Poll), short(c.Window))
		}
		if c.DailyProposals < 1 || c.DailyProposals > maxProposals {
			k.complain(path+".daily_proposals", "%d is not 1 to %d", c.DailyProposals, maxProposals)
		}
		k.operations(path, c)
		k.roles(path, c)
		k.policies(path, c)
	}
}

func (k *check) addresses(path, name string, c *Cluster, at map[string]string) {
	if len(c.Addresses) == 0 {
		k.complain(path+".addresses", "is missing: the address of every node, such as https://vault-1.example.com:8200")
	}
	for i, address := range c.Addresses {
		where := fmt.Sprintf("%s.addresses[%d]", path, i)
		k.address(where, address)
		node := address
		if u, err := url.Parse(address); err == nil {
			node = hostport.Of(u)
			if strings.Trim(u.Path, "/") != "" {
				k.complain(where, "%q has a path; Vault's API is at the root of its address", address)
			}
		}
		switch first, taken := at[node]; {
		case taken && first == name:
			k.complain(where, "%s is listed twice", address)
		case taken:
			k.complain(where, "%s belongs to clusters.%s already; two ceremonies would meet in one Vault", address, first)
		}
		at[node] = name
	}
}

// auth makes sure that there is at most one way to a token, and that it has all it needs.
func (k *check) auth(path string, c *Cluster) {
	if k.line[path] == 0 {
		return
	}
	a := c.Auth
	if c.TokenFile != "" {
		k.complain(path, "and token_file exclude each other: Conclave logs in by itself, or somebody does it for Conclave")
	}
	switch a.Method {
	case "approle":
		k.needPath(path+".role_id_file", a.RoleIDFile, "a file with the role's id")
		k.needPath(path+".secret_id_file", a.SecretIDFile, "a file with a secret id of the role")
		k.idle(path, "kubernetes, and method is approle", "role", "jwt_file")
	case "kubernetes":
		if a.Role == "" {
			k.complain(path+".role", "is missing: the role of the auth method that is bound to Conclave's service account")
		}
		k.idle(path, "approle, and method is kubernetes", "role_id_file", "secret_id_file")
	default:
		k.oneOf(path+".method", a.Method, "approle", "kubernetes")
	}
	if strings.Contains(a.Mount, "..") || strings.HasPrefix(a.Mount, "auth/") || strings.Trim(a.Mount, "/") != a.Mount {
		k.complain(path+".mount", "%q is not the path of the method below auth/, such as %s", a.Mount, a.Method)
	}
}

// address refuses an address to which a token or a share would go in the open, and one
// that could have a secret in it.
func (k *check) address(path, address string) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		k.complain(path, "%q is not an address such as https://vault-1.example.com:8200", address)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		k.complain(path, "carries a user, a query or a fragment: give scheme, host and port only")
	case u.Scheme == "http" && !hostport.IsLoopback(u.Hostname()):
		k.complain(path, "%q is not encrypted; http is accepted on this machine's loopback address only", address)
	}
}

func (k *check) operations(path string, c *Cluster) {
	known := make([]string, 0, len(ceremony.Operations()))
	for _, op := range ceremony.Operations() {
		known = append(known, string(op))
	}
	if len(c.Operations) == 0 {
		k.complain(path+".operations", "is missing: list what may be done, of %s", strings.Join(known, ", "))
	}
	for i, op := range c.Operations {
		where := fmt.Sprintf("%s.operations[%d]", path, i)
		k.oneOf(where, op, known...)
		if slices.Contains(c.Operations[:i], op) {
			k.complain(where, "%s is listed twice", op)
		}
	}
	for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.Unseal} {
		if c.Allows(op) && c.Allows(ceremony.RekeyRecovery) {
			k.complain(path+".operations", "has both %s and rekey-recovery: the first is for a cluster that people unseal, "+
				"the second for one that unseals itself", op)
		}
	}
	if c.Any(ceremony.Operation.MakesShares) {
		k.newShares(path, c)
	} else {
		k.idle(path, "a rekey or init, which operations does not allow", "receivers", "threshold")
	}
	if c.Any(ceremony.Operation.Rekeys) {
		k.backup(path, c)
	} else {
		k.idle(path, "a rekey, which operations does not allow", "verification", "backup")
	}
	if !c.Allows(ceremony.Unseal) {
		k.idle(path, "unseal, which operations does not allow", "watch")
	}
}

// idle complains of keys that are set and have no effect. about says what they are for.
func (k *check) idle(path, about string, keys ...string) {
	for _, key := range keys {
		if _, set := k.line[path+"."+key]; set {
			k.complain(path+"."+key, "is about %s", about)
		}
	}
}

func (k *check) newShares(path string, c *Cluster) {
	n, role := len(c.KeyReceivers()), "receivers"
	if len(c.Receivers) == 0 {
		role = "holders"
	}
	switch t := c.Threshold; {
	case k.line[path+".threshold"] == 0:
		k.complain(path+".threshold", "is missing: how many of the %d new shares are enough", n)
	case t < 1:
		k.complain(path+".threshold", "%d is less than 1", t)
	case n > 0 && t > n:
		k.complain(path+".threshold", "%d is more than the %d %s listed", t, n, role)
	case t == 1 && n > 1:
		k.complain(path+".threshold", "1 of %d would make each holder's share enough by itself, and Vault refuses it", n)
	}
	if n > maxShares {
		k.complain(path+"."+role, "%d people are more than the %d shares that Vault can make", n, maxShares)
	}
}

func (k *check) backup(path string, c *Cluster) {
	if c.Backup && !c.hasToken() && k.line[path+".auth"] == 0 {
		backup := "sys/rekey/backup"
		if c.Allows(ceremony.RekeyRecovery) {
			backup = "sys/rekey/recovery-key-backup"
		}
		k.complain(path+".backup", "needs token_file or auth: Vault shows the backup of the new shares only to a token "+
			"with read on %s. Name one, or set backup: false", backup)
	}
}

func (k *check) roles(path string, c *Cluster) {
	k.role(path+".initiators", c.Initiators, "who may propose a ceremony")
	k.role(path+".approvers", c.Approvers, "who may approve one")
	if c.Any(ceremony.Operation.TakesShares) || len(c.Holders) > 0 || len(c.Receivers) == 0 {
		k.role(path+".holders", c.Holders, "who holds the shares in force")
	}
	if k.line[path+".receivers"] > 0 {
		k.role(path+".receivers", c.Receivers, "who gets the new shares; leave the key out to mean the holders")
	}

	if k.line[path+".owners"] > 0 {
		k.role(path+".owners", c.Owners,
			"who is told of an alarm; leave the key out to mean the approvers and the class security")
	}

	k.needKey(path+".holders", c.Holders, "signs shares")
	k.needKey(path+".receivers", c.Receivers, "gets a new share")
	if c.Allows(ceremony.Init) {
		k.needKey(path+".initiators", c.Initiators, "gets the first root token")
	}

	if c.Approvals < 1 {
		k.complain(path+".approvals", "%d is less than 1: nothing is sent to Vault on one person's word", c.Approvals)
		return
	}
	for _, initiator := range c.Initiators {
		others := slices.DeleteFunc(slices.Clone(c.Approvers), func(a string) bool { return a == initiator })
		if len(c.Approvers) > 0 && len(others) < c.Approvals {
			k.complain(path+".approvals",
				"%d can't be reached when %s proposes: nobody approves their own ceremony, which leaves %d",
				c.Approvals, initiator, len(others))
		}
	}
}

func (k *check) role(path string, names []string, what string) {
	if len(names) == 0 {
		k.complain(path, "is missing: %s", what)
	}
	for i, name := range names {
		where := fmt.Sprintf("%s[%d]", path, i)
		if k.People[name] == nil {
			k.nobody(where, name)
		}
		if slices.Contains(names[:i], name) {
			k.complain(where, "%s is listed twice; one person has one share and one voice", name)
		}
	}
}

// nobody complains of a name that is not under people.
func (k *check) nobody(where, name string) {
	if meant := neighbour(name, slices.Sorted(maps.Keys(k.People))); meant != "" {
		k.complain(where, "nobody under people is called %q; did you mean %s?", name, meant)
		return
	}
	k.complain(where, "nobody under people is called %q", name)
}

func (k *check) needKey(path string, names []string, why string) {
	for i, name := range names {
		if p := k.People[name]; p != nil && p.Key == "" {
			k.complain(fmt.Sprintf("%s[%d]", path, i), "%s %s and needs people.%s.key", name, why, name)
		}
	}
}

func (k *check) name(path, name string) {
	switch {
	case len(name) > maxName:
		k.complain(path, "is longer than %d letters, and people read it aloud", maxName)
	case !ceremony.IsName(name):
		k.complain(path, "is not a name of a-z, 0-9 and - between them")
	}
}

// short returns a duration as people write it: 4h and not 4h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
