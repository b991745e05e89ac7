package vault

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/host/hostport"
)

// Report has what [Client.Check] found. Nothing in it is secret.
type Report struct {
	Nodes      []NodeReport
	Active     string // address of the active node; empty when there is none
	Product    string // "Vault" or "OpenBao"; empty when that can't be told
	Seal       ceremony.Seal
	Operations []OperationReport
	Token      TokenReport
	Findings   []Finding
}

// NodeReport has what was found at one address.
type NodeReport struct {
	Address          string
	Err              error     // why it can't be asked, or nil
	TLS              string    // the protocol version, "TLS 1.3"; empty over plain http
	CertificateUntil time.Time // of the first of the server's certificates to expire
	Seal             ceremony.Seal
	Role             string // "active", "standby", "sealed", "new", "in recovery mode" or "unreachable"
	Leader           string // the address that a standby takes for the leader's
}

// OperationReport has what was found about an operation.
type OperationReport struct {
	Operation ceremony.Operation
	Dialect   Dialect           // how the server wants to be asked; empty when it does not say
	Progress  ceremony.Progress // of an attempt; empty when the operation has none
}

// TokenReport has what was found about the token.
type TokenReport struct {
	Given    bool
	Err      error // why Vault does not accept it, or nil
	TTL      time.Duration
	Expires  bool // false for a token that lives for ever
	Renewed  bool // by the client itself, or by somebody else so far
	Policies []string
}

// Finding is a fact that a person should know before a ceremony.
type Finding struct {
	// Operation is the one that it is about; empty for the cluster as a whole.
	Operation ceremony.Operation
	Stops     bool // a ceremony would come to a stop
	Text      string
	Err       error // what is in the way: a *MissingRight, a ceremony.Refusal, …; nil for news
}

// How long before its end a certificate or a token is mentioned.
const (
	certificateNotice = 14 * 24 * time.Hour
	tokenNotice       = 24 * time.Hour
)

// Check asks every node what it is, the server how it offers each operation that
// may be used, which attempts are in progress, and what the token may do. It
// changes nothing. It has no error of its own: what goes wrong is part of the
// report.
func (c *Client) Check(ctx context.Context, operations []ceremony.Operation, backup bool) Report {
	k := &check{client: c, operations: operations, backup: backup}
	k.nodes(ctx)
	k.health(ctx)
	k.token(ctx)
	for _, op := range operations {
		k.operation(ctx, op)
	}
	k.rights(ctx)
	k.backups(ctx)
	return k.Report
}

const (
	roleActive      = "active"
	roleStandby     = "standby"
	roleSealed      = "sealed"
	roleNew         = "new" // without a key
	roleRecovery    = "in recovery mode"
	roleUnreachable = "unreachable"
)

// check is a report in the making.
type check struct {
	Report
	client     *Client
	operations []ceremony.Operation
	backup     bool
	uses       []Use
	// isSecondary: the cluster is the secondary of a disaster recovery pair.
	isSecondary bool
}

func (k *check) add(op ceremony.Operation, stops bool, format string, args ...any) {
	k.Findings = append(k.Findings, Finding{Operation: op, Stops: stops, Text: fmt.Sprintf(format, args...)})
}

// hinders adds an error that would stop an operation.
func (k *check) hinders(op ceremony.Operation, err error) {
	k.Findings = append(k.Findings, Finding{Operation: op, Stops: true, Text: err.Error(), Err: err})
}

// isFor reports whether an operation is meant for a cluster without an active node, in
// the state in which this cluster is.
func (k *check) isFor(op ceremony.Operation) bool {
	switch op {
	case ceremony.Unseal:
		return k.has(roleSealed)
	case ceremony.Init:
		return k.has(roleNew)
	case ceremony.RecoveryToken:
		return k.has(roleRecovery)
	}
	return false
}

// has reports whether any node has this role.
func (k *check) has(role string) bool {
	return slices.ContainsFunc(k.Nodes, func(n NodeReport) bool { return n.Role == role })
}

// nodes asks every node what it is.
func (k *check) nodes(ctx context.Context) {
	k.Nodes = k.client.checkNodes(ctx)
	for i, n := range k.Nodes {
		if n.Role == roleActive && k.Active == "" {
			k.Active, k.Seal = n.Address, n.Seal
			k.client.active.Store(k.client.nodes[i])
		}
	}
	if k.Active == "" {
		k.add("", !slices.ContainsFunc(k.operations, k.isFor), "none of the addresses is the active node")
	}
	for _, n := range k.Nodes {
		if n.Err != nil {
			k.add("", false, "%s: %v", n.Address, n.Err)
		}
		switch n.Role {
		case roleSealed:
			k.add("", false, "%s is sealed", n.Address)
		case roleNew:
			k.add("", false, "%s has no key yet", n.Address)
		case roleRecovery:
			k.add("", false, "%s is in recovery mode", n.Address)
		}
		if k.Active != "" && n.Seal.ClusterID != "" && n.Seal.ClusterID != k.Seal.ClusterID {
			k.add("", true, "%s belongs to another cluster, %s", n.Address, n.Seal.ClusterID)
		}
		if k.Active == "" && n.Leader != "" {
			k.add("", true, "%s names %.100q as the active node: is that among the addresses?", n.Address, n.Leader)
		}
		if !n.CertificateUntil.IsZero() && n.CertificateUntil.Before(time.Now().Add(certificateNotice)) {
			until := n.CertificateUntil.UTC().Format(time.DateOnly)
			k.add("", false, "%s has a certificate that ends on %s", n.Address, until)
		}
	}
}

// token asks how long the token lives.
func (k *check) token(ctx context.Context) {
	if k.Active == "" {
		return
	}
	t := k.client.checkToken(ctx)
	k.Token = t
	switch {
	case !t.Given || t.Err != nil: // what that stops is found with the operations
		if t.Err != nil {
			k.add("", false, "the token is not accepted: %v", t.Err)
		}
	case t.Expires && !t.Renewed && t.TTL < tokenNotice:
		k.add("", false, "the token ends in %s, and nobody has renewed it so far", t.TTL)
	case slices.Contains(t.Policies, "root"):
		k.add("", false, "the token is a root token; conclave policy prints the rights that are enough")
	}
}

// operation finds out whether the server offers an operation as it is now.
func (k *check) operation(ctx context.Context, op ceremony.Operation) {
	if k.Active == "" && !k.isFor(op) {
		return // the cluster's state has been told
	}
	if k.Active != "" {
		switch err := op.CheckSeal(k.Seal); {
		case err != nil:
			k.hinders(op, err)
			return
		case op == ceremony.Init:
			k.add(op, false, "the cluster has its key already; this is for a new one")
			return
		case op == ceremony.DRToken && !k.isSecondary:
			// Asked for its endpoint, a server without it answers 403 to a token like ours.
			k.add(op, false, "%s", unoffered(op))
			return
		}
	}
	report := OperationReport{Operation: op}
	var err error
	if report.Dialect, err = k.client.Dialect(ctx, op); err == nil && dialects[op] != nil {
		report.Progress, err = k.client.Progress(ctx, op, ceremony.StepUpdate)
	}
	switch {
	case errors.Is(err, ceremony.ErrUnsupported):
		k.add(op, op != ceremony.RecoveryToken, "%s", unoffered(op))
		return
	case errors.Is(err, ceremony.ErrRefused) && k.client.namespace != "":
		k.add(op, true, "it is refused in the namespace %q; the keys of a cluster belong to its root namespace, "+
			"leave namespace out", k.client.namespace)
		return
	case errors.Is(err, ceremony.ErrForbidden): // the missing right is told with the others
	case err != nil:
		k.hinders(op, fmt.Errorf("it can't be asked about: %w", err))
		return
	case report.Progress.Started:
		k.hinders(op, fmt.Errorf("an attempt is in progress already, with nonce %s: %w",
			report.Progress.Nonce, ceremony.AlreadyStarted))
	}
	if report.Dialect == OpenBao {
		k.Product = "OpenBao"
	}
	k.Operations = append(k.Operations, report)
	k.uses = append(k.uses, Use{Operation: op, Dialect: report.Dialect, Backup: k.backup})
}

// unoffered returns the reason why the server does not offer an operation.
func unoffered(op ceremony.Operation) string {
	switch op {
	case ceremony.RecoveryToken:
		return "it works when a server is started in recovery mode, which this one is not in"
	case ceremony.DRToken:
		return "it works with the secondary of a disaster recovery pair (Vault Enterprise), which this one is not"
	}
	return "this server does not offer it, in any dialect that is known"
}

// health asks the active node for its product.
func (k *check) health(ctx context.Context) {
	n := k.client.active.Load()
	if k.Active == "" || n == nil {
		return
	}
	h, f := k.client.health(ctx, n)
	if f != nil {
		k.isSecondary = f.status == statusDRSecondary
		return
	}
	k.Product = h.product()
}

// statusDRSecondary is the status that sys/health answers for the secondary of a disaster
// recovery pair.
const statusDRSecondary = 472

// rights compares what the token may do with what the operations need.
func (k *check) rights(ctx context.Context) {
	if k.Active == "" {
		return
	}
	var paths []string
	for _, r := range Rights(k.uses, k.client.session != nil) {
		paths = append(paths, r.Path)
	}
	own := map[string][]string{} // path → capabilities
	if k.Token.Given && k.Token.Err == nil {
		var err error
		if own, err = k.client.ownCapabilities(ctx, paths); err != nil {
			k.add("", true, "Vault does not say what the token may do: %v", err)
			return
		}
	}
	for _, u := range k.uses {
		for _, r := range u.Rights() {
			if !slices.Contains(own[r.Path], "root") && !containsAll(own[r.Path], r.Capabilities) {
				k.hinders(u.Operation, &MissingRight{Path: r.Path, Capabilities: r.Capabilities})
			}
		}
	}
}

// backups adds a backup that was left behind.
func (k *check) backups(ctx context.Context) {
	for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.RekeyRecovery} {
		if !k.Token.Given || k.Active == "" || op.CheckSeal(k.Seal) != nil {
			continue
		}
		if backup, err := k.client.Backup(ctx, op); err == nil {
			k.add("", false, "the encrypted new shares of the rekey with nonce %s are still kept; "+
				"delete them when every holder has theirs", backup.Nonce)
		}
	}
}

// containsAll reports whether each of some is among all.
func containsAll(all, some []string) bool {
	for _, one := range some {
		if !slices.Contains(all, one) {
			return false
		}
	}
	return true
}

// checkNodes asks every node what it is, all at the same time.
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
	if v.recovers {
		r.Role = roleRecovery
		return r
	}
	if r.Seal, r.Err = c.readSeal(ctx, v.node); r.Err != nil {
		return r
	}
	switch {
	case !r.Seal.Initialized:
		r.Role = roleNew
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
	conn, err := c.wire.dialTLS(ctx, "tcp", hostport.Of(n.base))
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

func (c *Client) checkToken(ctx context.Context) TokenReport {
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
	r.Policies, r.Renewed = entry.Policies, entry.state().Renewed
	if c.session != nil {
		r.Renewed = c.session.renewable()
	}
	return r
}
