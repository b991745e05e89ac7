package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"conclave/ceremony"
)

// Dialect says which endpoints a server has for an operation that takes shares, and
// whether they ask for a token. One server may have several: its operator chooses what is
// open.
type Dialect string

const (
	// Open means that the endpoints ask for no token: Vault 1, and what
	// enable_unauthenticated_access lists in Vault 2.
	Open Dialect = "open"
	// Closed means that the same endpoints ask for a token: Vault 2.
	Closed Dialect = "closed"
	// OpenBao means OpenBao's own endpoints, which ask for a token.
	OpenBao Dialect = "openbao"
)

// Dialects returns every dialect.
func Dialects() []Dialect { return []Dialect{Open, Closed, OpenBao} }

// Dialect asks the server, without a token, for its dialect of an operation. It returns
// Open for an operation that neither takes shares nor keeps any: those are the same on
// every server. The error is ErrUnsupported when the server does not offer the operation
// in any dialect.
func (c *Client) Dialect(ctx context.Context, op ceremony.Operation) (Dialect, error) {
	if op == ceremony.ReadBackup {
		op = ceremony.Rekey // the backups of both kinds of key lie beside its endpoints
	}
	var unsupported error
	for _, p := range dialects[op] {
		r := p.request(http.MethodGet, p.attempt, nil)
		r.auth = public // without a token it shows what is open
		_, err := c.do(ctx, r)
		switch {
		case errors.Is(err, ceremony.ErrUnsupported):
			unsupported = err
			continue
		case errors.Is(err, ceremony.ErrForbidden), err == nil && p.openBao:
			return p.closed(), nil
		case err == nil, errors.Is(err, ceremony.ErrRefused):
			return Open, nil
		}
		return "", fmt.Errorf("ask for the dialect of %s: %w", op, err)
	}
	if unsupported != nil {
		return "", fmt.Errorf("ask for the dialect of %s: %w", op, unsupported)
	}
	return Open, nil
}

// closed returns the dialect of these paths when they ask for a token.
func (p paths) closed() Dialect {
	if p.openBao {
		return OpenBao
	}
	return Closed
}

// Use says for what the token is used: for an operation, or for watching it.
type Use struct {
	Operation ceremony.Operation
	Dialect   Dialect
	Backup    bool // a rekey has Vault keep the encrypted new shares
	Watch     bool // only to notice what others do
}

// Right is a block of a policy, with its reasons.
type Right struct {
	Path         string
	Capabilities []string
	Why          []string // one reason for each operation
}

// Rights returns the least rights that the token needs for the uses, and for looking
// after itself: one block for each path, sorted. login says that the client logs in by
// itself and renews its token.
func Rights(uses []Use, login bool) []Right {
	var b blocks
	b.add("auth/token/lookup-self", "To tell when the token ends.", "read")
	b.add("sys/capabilities-self", "To name the right that is missing when Vault denies something.", "update")
	if login {
		b.add("auth/token/renew-self", "To keep the token alive.", "update")
		b.add("auth/token/revoke-self", "To give the token back when the program ends.", "update")
	}
	for _, u := range uses {
		u.rights(&b)
	}
	return b.sorted()
}

// Rights returns the rights that this use alone needs.
func (u Use) Rights() []Right {
	var b blocks
	u.rights(&b)
	return b.sorted()
}

// blocks are the rights of a policy in the making.
type blocks []Right

func (b *blocks) add(path, why string, capabilities ...string) {
	i := slices.IndexFunc(*b, func(r Right) bool { return r.Path == path })
	if i < 0 {
		i = len(*b)
		*b = append(*b, Right{Path: path})
	}
	r := &(*b)[i]
	for _, capability := range capabilities {
		if !slices.Contains(r.Capabilities, capability) {
			r.Capabilities = append(r.Capabilities, capability)
		}
	}
	slices.SortFunc(r.Capabilities, byRank)
	if !slices.Contains(r.Why, why) {
		r.Why = append(r.Why, why)
	}
}

func (b blocks) sorted() []Right {
	slices.SortFunc(b, func(x, y Right) int { return cmp.Compare(x.Path, y.Path) })
	return b
}

// byRank compares capabilities by the order in which people write them.
func byRank(a, b string) int {
	order := []string{"read", "update", "delete", "sudo"}
	return cmp.Compare(slices.Index(order, a), slices.Index(order, b))
}

// rights adds what this use needs.
func (u Use) rights(b *blocks) {
	p, found := u.paths()
	if u.Watch {
		u.watchRights(p, b)
		return
	}
	if found && u.Dialect != Open {
		b.add(p.attempt, fmt.Sprintf("%s: to start an attempt, to compare it with its plan, and to cancel it.", u.Operation),
			"read", "update", "delete")
		b.add(p.update, fmt.Sprintf("%s: to hand shares in.", u.Operation), "update")
		if p.verify != "" {
			b.add(p.verify, fmt.Sprintf("%s: to prove that the new shares can be used, before the old ones lose their force.",
				u.Operation), "read", "update", "delete")
		}
	}
	switch {
	case u.Operation.Rekeys():
		if u.Backup {
			b.add(p.backup, fmt.Sprintf("%s: to read the encrypted new shares back when the answer that carried them was lost. "+
				"They open with their holders' PGP keys only.", u.Operation), "read")
		}
	case u.Operation == ceremony.GenerateRoot:
		b.add("auth/token/lookup-accessor",
			fmt.Sprintf("%s: to see whether the token was revoked after its use.", u.Operation), "update")
	case u.Operation == ceremony.Rotate:
		b.add("sys/key-status", fmt.Sprintf("%s: to show the encryption key's term before and after.", u.Operation), "read")
		b.add("sys/rotate", fmt.Sprintf("%s: to install a new encryption key.", u.Operation), "update", "sudo")
	case u.Operation == ceremony.RotateConfig:
		b.add("sys/key-status", fmt.Sprintf("%s: to show how far the encryption key is used up.", u.Operation), "read")
		b.add("sys/rotate/config",
			fmt.Sprintf("%s: to show and to change when Vault rotates by itself.", u.Operation), "read", "update")
	case u.Operation == ceremony.ReadBackup:
		for _, kind := range []ceremony.Operation{ceremony.Rekey, ceremony.RekeyRecovery} {
			p, _ := Use{Operation: kind, Dialect: u.Dialect}.paths()
			b.add(p.backup,
				fmt.Sprintf("%s: to hand out the encrypted new shares again, and to delete them in the end.", u.Operation),
				"read", "delete")
		}
	}
}

// watchRights adds what the watch needs to notice what others do.
func (u Use) watchRights(p paths, b *blocks) {
	if p.attempt != "" && u.Dialect != Open {
		why := fmt.Sprintf("To notice a %s that nobody has begun here.", u.Operation)
		b.add(p.attempt, why, "read")
		if p.verify != "" {
			b.add(p.verify, why, "read")
		}
	}
	if u.Operation == ceremony.Rotate {
		b.add("sys/key-status", "To notice another encryption key that nobody has asked for here.", "read")
		b.add("sys/rotate/config", "To tell whether Vault has rotated its encryption key by itself.", "read")
	}
}

// paths returns the endpoints of the operation in this dialect, and whether it has any
// that ask for a token.
func (u Use) paths() (paths, bool) {
	for _, p := range dialects[u.Operation] {
		if p.openBao == (u.Dialect == OpenBao) && p.auth != public {
			return p, true
		}
	}
	return paths{}, false
}

// Policy returns the text of a policy with these rights, each with its reasons.
func Policy(rights []Right) string {
	var text strings.Builder
	for i, r := range rights {
		if i > 0 {
			text.WriteString("\n")
		}
		for _, why := range r.Why {
			for line := range wrapped(why) {
				fmt.Fprintf(&text, "# %s\n", line)
			}
		}
		text.WriteString(grant(r.Path, r.Capabilities))
	}
	return text.String()
}

// wrapped breaks a text into lines that fit behind a comment sign.
func wrapped(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		line := ""
		for word := range strings.FieldsSeq(text) {
			switch {
			case line == "":
				line = word
			case len(line)+1+len(word) > 77:
				if !yield(line) {
					return
				}
				line = word
			default:
				line += " " + word
			}
		}
		yield(line)
	}
}
