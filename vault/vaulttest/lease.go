package vaulttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"conclave/vault/vaulttest/acl"
	"conclave/vault/vaulttest/operator"
)

// systemMaxTTL is the longest life of a token unless its role says otherwise. It is the default too.
const systemMaxTTL = 768 * time.Hour

// duration is a duration in a request. Vault reads seconds, as a number or as digits in a text, or a text such as
// "72h".
type duration struct{ value any }

func (d *duration) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &d.value) }

// parse returns 0 if nothing was given.
func (d duration) parse() (time.Duration, error) {
	switch value := d.value.(type) {
	case nil:
		return 0, nil
	case float64:
		return time.Duration(value) * time.Second, nil
	case string:
		if seconds, err := strconv.Atoi(value); err == nil {
			return time.Duration(seconds) * time.Second, nil
		}
		if value == "" {
			return 0, nil
		}
		return time.ParseDuration(value)
	default:
		return 0, fmt.Errorf("could not parse duration from input")
	}
}

// createRequest is the body of auth/token/create.
type createRequest struct {
	Policies        []string          `json:"policies"`
	NoDefaultPolicy bool              `json:"no_default_policy"`
	NoParent        bool              `json:"no_parent"`
	DisplayName     string            `json:"display_name"`
	Meta            map[string]string `json:"meta"`
	Renewable       *bool             `json:"renewable"`
	TTL             duration          `json:"ttl"`
	Period          duration          `json:"period"`
	ExplicitMaxTTL  duration          `json:"explicit_max_ttl"`
}

// putCreate makes a token that ends with the one that made it (vault/token_store.go). Only a root token, or one with
// sudo, can give policies that it doesn't have itself.
func (n *Node) putCreate(c *call) (any, error) {
	var req createRequest
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	t := &token{displayName: "token", path: "auth/token/create", meta: req.Meta, parent: c.holder, leased: true}
	if req.DisplayName != "" {
		t.displayName += "-" + req.DisplayName
	}
	if req.NoParent {
		t.parent = nil
	}
	var err error
	if t.policies, err = n.cluster.childPolicies(c, req); err != nil {
		return nil, err
	}
	ttl, err := req.TTL.parse()
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	if t.period, err = req.Period.parse(); err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	if t.explicit, err = req.ExplicitMaxTTL.parse(); err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	if t.explicit < 0 {
		return nil, refuse(http.StatusBadRequest, "explicit_max_ttl must be positive")
	}
	t.maxTTL = t.explicit
	forEver := t.isRoot() && ttl == 0 && t.period == 0 && t.explicit == 0
	t.renewable = !forEver && (req.Renewable == nil || *req.Renewable)
	n.cluster.mint(t)
	if forEver {
		return authAnswer("token", t), nil
	}
	warnings := t.lease(ttl, t.created)
	t.ttl = t.expires.Sub(t.created)
	answer := authAnswer("token", t)
	answer.Warnings = append(warnings, n.cluster.unknownPolicies(t)...)
	return answer, nil
}

// childPolicies returns the policies of a token that another one makes.
func (c *Cluster) childPolicies(call *call, req createRequest) ([]string, error) {
	parent := call.holder
	if len(req.Policies) == 0 {
		return parent.policies, nil
	}
	policies := slices.Clone(req.Policies)
	mayAny := parent.isRoot() || c.disk.granted(parent.policies, call.path)&acl.MaySudo != 0
	for _, name := range policies {
		if !mayAny && !slices.Contains(parent.policies, name) {
			return nil, refuse(http.StatusBadRequest, "child policies must be subset of parent")
		}
	}
	if slices.Contains(policies, operator.RootPolicyName) {
		if !parent.isRoot() {
			return nil, refuse(http.StatusBadRequest, "root tokens may not be created without parent token being root")
		}
		return []string{operator.RootPolicyName}, nil
	}
	if !req.NoDefaultPolicy && (mayAny || slices.Contains(parent.policies, "default")) {
		policies = append(policies, "default")
	}
	slices.Sort(policies)
	return slices.Compact(policies), nil
}

func (c *Cluster) unknownPolicies(t *token) []string {
	var warnings []string
	for _, name := range t.policies {
		if name != operator.RootPolicyName && c.disk.policies[name] == nil {
			warnings = append(warnings, fmt.Sprintf("Policy %q does not exist", name))
		}
	}
	return warnings
}

// lease sets the end of a token's life to a time from now. If its limits allow less, a warning says so. A period
// overrides the time that is asked for.
func (t *token) lease(wanted time.Duration, now time.Time) (warnings []string) {
	most := systemMaxTTL
	if t.maxTTL > 0 {
		most = t.maxTTL
	}
	if wanted == 0 {
		wanted = min(systemMaxTTL, most)
	}
	if t.period > 0 {
		wanted = t.period
	}
	end := t.created.Add(most)
	if t.period > 0 && t.maxTTL == 0 {
		end = now.Add(wanted) // it may go on for ever
	}
	t.expires = now.Add(wanted)
	if t.expires.After(end) {
		warnings = append(warnings, fmt.Sprintf(
			"TTL of %q exceeded the effective max_ttl of %q; TTL value is capped accordingly", shortly(wanted), shortly(most)))
		t.expires = end
	}
	return warnings
}

// shortly returns a duration as Vault's warnings show it, without units that are zero.
func shortly(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return fmt.Sprintf("%ds", d/time.Second)
	}
}

// putRenewSelf renews the caller's token for the time that it was made with, or for the increment asked for, within its
// limit.
func (n *Node) putRenewSelf(c *call) (any, error) {
	var req struct {
		Increment duration `json:"increment"`
	}
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	increment, err := req.Increment.parse()
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	t, now := c.holder, n.cluster.options.Now()
	switch {
	case !t.leased:
		return nil, refuse(http.StatusBadRequest, "invalid lease ID")
	case !t.renewable:
		return nil, refuse(http.StatusBadRequest, "lease is not renewable")
	case increment == 0:
		increment = t.ttl
	}
	warnings := t.lease(increment, now)
	t.renewed = now
	answer := authAnswer("token", t)
	answer.Auth.LeaseDuration = int(t.expires.Sub(now).Round(time.Second).Seconds())
	answer.Warnings = warnings
	return answer, nil
}

// auth is the part of an answer that hands out a token.
type auth struct {
	ClientToken    string            `json:"client_token"`
	Accessor       string            `json:"accessor"`
	Policies       []string          `json:"policies"`
	TokenPolicies  []string          `json:"token_policies"`
	Metadata       map[string]string `json:"metadata"`
	LeaseDuration  int               `json:"lease_duration"` // in seconds
	Renewable      bool              `json:"renewable"`
	EntityID       string            `json:"entity_id"`
	TokenType      string            `json:"token_type"`
	Orphan         bool              `json:"orphan"`
	MFARequirement any               `json:"mfa_requirement"`
	NumUses        int               `json:"num_uses"`
}

func authAnswer(mount string, t *token) envelope {
	answer := wrapped(mount, nil)
	answer.Auth = &auth{
		ClientToken:   t.id,
		Accessor:      t.accessor,
		Policies:      t.policies,
		TokenPolicies: t.policies,
		Metadata:      t.meta,
		LeaseDuration: int(t.ttl.Seconds()),
		Renewable:     t.renewable,
		EntityID:      t.entity,
		TokenType:     "service",
		Orphan:        t.parent == nil,
	}
	return answer
}
