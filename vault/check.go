package vault

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"conclave/ceremony"
)

// Report is what [Client.Check] found. It holds nothing secret.
type Report struct {
	Nodes    []NodeReport
	Active   string // address of the active node; empty when there is none
	Seal     ceremony.Seal
	Attempts []Attempt // of the operations that suit the seal
	Token    TokenReport
	Findings []Finding
}

// NodeReport is what one address says.
type NodeReport struct {
	Address          string
	Err              error     // why it can't be asked, or nil
	TLS              string    // the protocol version, "TLS 1.3"; empty over plain http
	CertificateUntil time.Time // of the first of the server's certificates to expire
	Seal             ceremony.Seal
	Role             string // "active", "standby", "sealed" or "unreachable"
	Leader           string // the address that a standby takes for the leader's
}

// Attempt is an operation's attempt, as Vault has it in progress or not.
type Attempt struct {
	Operation ceremony.Operation
	Err       error // why Vault does not say, or nil
	Progress  ceremony.Progress
}

// TokenReport is what is known of the token.
type TokenReport struct {
	Given      bool
	Err        error // why Vault does not accept it, or nil
	TTL        time.Duration
	Expires    bool // false for a token that lives for ever
	Renewable  bool
	Policies   []string
	ReadBackup error // nil when the backup of new shares can be read, as [Policy] allows
}

// Finding is one thing that a person should know before a ceremony.
type Finding struct {
	Stops bool // a ceremony on this cluster would come to a stop
	Text  string
}

// certificateNotice is how long before a certificate's or a token's end it is
// mentioned.
const (
	certificateNotice = 14 * 24 * time.Hour
	tokenNotice       = 24 * time.Hour
)

// Check asks every node what it is, Vault which attempts are in progress, and
// what the token may do. It changes nothing. It has no error of its own: what
// goes wrong is part of the report.
func (c *Client) Check(ctx context.Context) Report {
	var r Report
	r.Nodes = c.checkNodes(ctx)
	for _, n := range r.Nodes {
		if n.Role == roleActive && r.Active == "" {
			r.Active, r.Seal = n.Address, n.Seal
		}
	}
	if r.Active != "" {
		for _, op := range ceremony.Operations() {
			if (!op.Rekeys() && op != ceremony.GenerateRoot) || op.CheckSeal(r.Seal) != nil {
				continue
			}
			progress, err := c.Progress(ctx, op, ceremony.Update)
			r.Attempts = append(r.Attempts, Attempt{op, err, progress})
		}
		r.Token = c.checkToken(ctx, r.Seal)
	}
	r.Findings = r.findings(time.Now())
	return r
}

const (
	roleActive      = "active"
	roleStandby     = "standby"
	roleSealed      = "sealed"
	roleUnreachable = "unreachable"
)

func (c *Client) checkNodes(ctx context.Context) []NodeReport {
	reports := make([]NodeReport, len(c.nodes))
	var asking sync.WaitGroup
	for i, v := range c.survey(ctx) {
		asking.Go(func() { reports[i] = c.checkNode(ctx, v) })
	}
	asking.Wait()
	return reports
}

func (c *Client) checkNode(ctx context.Context, v view) NodeReport {
	r := NodeReport{Address: v.node.base.String(), Role: roleUnreachable, Leader: v.leader.LeaderAddress}
	if v.node.base.Scheme == "https" {
		if r.Err = c.checkTLS(ctx, v.node, &r); r.Err != nil {
			return r
		}
	}
	if r.Seal, r.Err = c.readSeal(ctx, v.node); r.Err != nil {
		return r
	}
	switch {
	case r.Seal.Sealed:
		r.Role = roleSealed
	case v.isActive():
		r.Role = roleActive
	case v.err == nil:
		r.Role = roleStandby
	default:
		r.Err = v.err
	}
	return r
}

// checkTLS makes a connection of its own, to see the certificates.
func (c *Client) checkTLS(ctx context.Context, n *node, r *NodeReport) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.wire.dialTLS(ctx, "tcp", hostPort(n.base))
	if err != nil {
		return fmt.Errorf("connect: %w: %w", ceremony.ErrNotSent, err)
	}
	defer conn.Close()
	state := conn.ConnectionState()
	r.TLS = tls.VersionName(state.Version)
	for _, certificate := range state.PeerCertificates {
		if r.CertificateUntil.IsZero() || certificate.NotAfter.Before(r.CertificateUntil) {
			r.CertificateUntil = certificate.NotAfter
		}
	}
	return nil
}

func (c *Client) checkToken(ctx context.Context, seal ceremony.Seal) TokenReport {
	if !c.hasToken() {
		return TokenReport{}
	}
	r := TokenReport{Given: true}
	entry, err := c.lookUpSelf(ctx)
	if err != nil {
		r.Err = fmt.Errorf("look up token: %w", err)
		return r
	}
	seconds, err := entry.TTL.Int64()
	if err != nil {
		r.Err = fmt.Errorf("look up token: %w", malformed("its time to live is not a number"))
		return r
	}
	r.TTL, r.Expires = time.Duration(seconds)*time.Second, entry.ExpireTime != nil
	r.Renewable, r.Policies = entry.Renewable, entry.Policies
	// Reading is the only way to be sure of a right: policies are templates,
	// and other rules stand beside them.
	for _, op := range ceremony.Operations() {
		if !op.Rekeys() || op.CheckSeal(seal) != nil {
			continue
		}
		if _, err := c.Backup(ctx, op); !errors.Is(err, ceremony.ErrNoBackup) {
			r.ReadBackup = err
		}
	}
	return r
}

func (r Report) findings(now time.Time) []Finding {
	var found []Finding
	add := func(stops bool, format string, args ...any) {
		found = append(found, Finding{stops, fmt.Sprintf(format, args...)})
	}
	if r.Active == "" {
		add(true, "none of the addresses is the active node")
	}
	for _, n := range r.Nodes {
		if n.Err != nil {
			add(false, "%s: %v", n.Address, n.Err)
		}
		if n.Role == roleSealed {
			add(false, "%s is sealed", n.Address)
		}
		if r.Active != "" && n.Seal.ClusterID != "" && n.Seal.ClusterID != r.Seal.ClusterID {
			add(true, "%s belongs to another cluster, %s", n.Address, n.Seal.ClusterID)
		}
		if r.Active == "" && n.Leader != "" {
			add(true, "%s names %.100q as the active node: is that among the addresses?", n.Address, n.Leader)
		}
		if !n.CertificateUntil.IsZero() && n.CertificateUntil.Before(now.Add(certificateNotice)) {
			add(false, "%s has a certificate that ends on %s", n.Address, n.CertificateUntil.UTC().Format(time.DateOnly))
		}
	}
	for _, a := range r.Attempts {
		switch {
		case a.Err != nil:
			add(true, "%s can't be asked about: %v", a.Operation, a.Err)
		case a.Progress.Started:
			add(true, "a %s is in progress already, with nonce %s", a.Operation, a.Progress.Nonce)
		}
	}
	if r.Active == "" {
		return found
	}
	switch t := r.Token; {
	case !t.Given:
		add(false, "there is no token: the backup of new shares can't be read")
	case t.Err != nil:
		add(false, "the token is not accepted: %v", t.Err)
	default:
		if t.Expires && t.TTL < tokenNotice {
			add(false, "the token ends in %s", t.TTL)
		}
		if t.ReadBackup != nil {
			add(false, "the backup of new shares can't be read: %v", t.ReadBackup)
		}
	}
	return found
}
