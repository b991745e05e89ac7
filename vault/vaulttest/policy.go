package vaulttest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/hcl"
	"github.com/hashicorp/hcl/hcl/ast"

	"conclave/vault/vaulttest/operator"
)

// policy is a named set of rules. Vault reads it with the same library, so that what is accepted here is accepted there.
type policy struct {
	text  string
	rules []rule
}

// rule grants capabilities on the paths that its own path matches (vault/policy.go).
type rule struct {
	path   string // without a leading slash; + stands for a segment, a final * for any rest
	grants capabilities
}

// defaultPolicy is what every token has that doesn't decline it, as far as ceremonies go.
const defaultPolicy = `path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
path "sys/capabilities-self" { capabilities = ["update"] }
`

// parsePolicy reads a policy in HCL or JSON, and refuses it in Vault's words as far as they are Vault's own.
func parsePolicy(text string) (*policy, error) {
	root, err := hcl.Parse(text)
	if err != nil {
		return nil, err
	}
	list, ok := root.Node.(*ast.ObjectList)
	if !ok {
		return nil, errText("does not contain a root object")
	}
	if err := onlyKeys(list, "name", "path"); err != nil {
		return nil, err
	}
	p := &policy{text: text}
	for _, item := range list.Filter("path").Items {
		path := "path"
		if len(item.Keys) > 0 {
			path, _ = item.Keys[0].Token.Value().(string)
		}
		r, err := parseRule(path, item)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", path, err)
		}
		p.rules = append(p.rules, r)
	}
	return p, nil
}

func parseRule(path string, item *ast.ObjectItem) (rule, error) {
	r := rule{path: strings.TrimPrefix(path, "/")}
	if object, ok := item.Val.(*ast.ObjectType); ok {
		// Vault knows more, none of which a key operation needs. Refused, it can't be mistaken for emulated.
		if err := onlyKeys(object.List, "comment", "capabilities"); err != nil {
			return r, err
		}
	}
	var fields struct {
		Capabilities []string `hcl:"capabilities"`
	}
	if err := hcl.DecodeObject(&fields, item.Val); err != nil {
		return r, err
	}
	if strings.Contains(r.path, "+*") {
		return r, errText("invalid use of wildcards ('+*' is forbidden)")
	}
	for _, name := range fields.Capabilities {
		c, known := capabilityNames[name]
		if !known {
			return r, fmt.Errorf("invalid capability %q", name)
		}
		r.grants |= c
	}
	return r, nil
}

func onlyKeys(list *ast.ObjectList, known ...string) error {
	for _, item := range list.Items {
		name := ""
		if len(item.Keys) > 0 {
			name, _ = item.Keys[0].Token.Value().(string)
		}
		if !slices.Contains(known, name) {
			return fmt.Errorf("invalid key %q on line %d", name, item.Assign.Line)
		}
	}
	return nil
}

// policyRequest is the body of a policy's endpoint.
type policyRequest struct {
	Policy string `json:"policy"`
}

// listPolicies names the policies, among them root, which has no rules.
func (n *Node) listPolicies(*call) (any, error) {
	names := []string{operator.RootPolicyName}
	for name := range n.cluster.disk.policies {
		names = append(names, name)
	}
	slices.Sort(names)
	return wrapped("system", map[string]any{"keys": names}), nil
}

func (n *Node) getPolicy(c *call) (any, error) {
	if c.names[0] == operator.RootPolicyName {
		return wrapped("system", map[string]any{"name": c.names[0], "policy": ""}), nil
	}
	p := n.cluster.disk.policies[c.names[0]]
	if p == nil {
		return nil, &Refusal{Status: http.StatusNotFound}
	}
	return wrapped("system", map[string]any{"name": c.names[0], "policy": p.text}), nil
}

// putPolicy takes effect at once for the tokens that have the policy.
func (n *Node) putPolicy(c *call) (any, error) {
	var req policyRequest
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	if c.names[0] == operator.RootPolicyName {
		return nil, refuse(http.StatusBadRequest, "cannot update %q policy", c.names[0])
	}
	if req.Policy == "" {
		return nil, refuse(http.StatusBadRequest, "'policy' parameter not supplied or empty")
	}
	p, err := parsePolicy(req.Policy)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "failed to parse policy: %v", err)
	}
	n.cluster.disk.policies[c.names[0]] = p
	return nil, nil
}

// deletePolicy says yes to a policy that doesn't exist.
func (n *Node) deletePolicy(c *call) (any, error) {
	switch c.names[0] {
	case operator.RootPolicyName:
		return nil, refuse(http.StatusBadRequest, "cannot delete %q policy", c.names[0])
	case "default":
		return nil, refuse(http.StatusBadRequest, "cannot delete default policy")
	}
	delete(n.cluster.disk.policies, c.names[0])
	return nil, nil
}
