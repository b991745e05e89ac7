package acl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl"
	"github.com/hashicorp/hcl/hcl/ast"
)

// Policy is a named set of rules. Vault parses it with the same library, so that both accept the same texts.
type Policy struct {
	Text  string // as it was written
	rules []rule
}

// rule grants capabilities on the paths that its own path matches (vault/policy.go).
type rule struct {
	path   string // without a leading slash; + stands for a segment, a final * for any rest
	grants Capabilities
}

// Default is the policy of every token that doesn't decline it, as far as ceremonies go.
const Default = `path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
path "sys/capabilities-self" { capabilities = ["update"] }
`

// Parse reads a policy in HCL or JSON, and refuses it in Vault's words as far as they are Vault's own.
func Parse(text string) (*Policy, error) {
	root, err := hcl.Parse(text)
	if err != nil {
		return nil, err
	}
	list, ok := root.Node.(*ast.ObjectList)
	if !ok {
		return nil, errors.New("does not contain a root object")
	}
	if err := onlyKeys(list, "name", "path"); err != nil {
		return nil, err
	}
	p := &Policy{Text: text}
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
		// Vault knows more keys. No key operation needs them, and refusing them shows that they are not emulated.
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
		return r, errors.New("invalid use of wildcards ('+*' is forbidden)")
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
