package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"conclave/ceremony"
)

// initTerms is the request of sys/init. A cluster that unseals itself refuses the first
// three fields. Any other refuses the recovery key's.
type initTerms struct {
	Shares            int      `json:"secret_shares,omitempty"`
	Threshold         int      `json:"secret_threshold,omitempty"`
	Keys              [][]byte `json:"pgp_keys,omitempty"` // in standard base64
	RecoveryShares    int      `json:"recovery_shares,omitempty"`
	RecoveryThreshold int      `json:"recovery_threshold,omitempty"`
	RecoveryKeys      [][]byte `json:"recovery_pgp_keys,omitempty"`
	RootKey           []byte   `json:"root_token_pgp_key"`
}

// errInitialized refuses to make another key for a cluster.
var errInitialized = errors.New("a node of the cluster is initialised")

// Initialize makes the key of a new cluster, at the first node that answers. The error
// is ErrRefused when a node is initialised: another key would cut the cluster in two. A
// node that does not answer is taken for one that is not initialised.
//
// The shares and the root token are in this one answer only. When it is lost the error
// is ErrUncertain: if the cluster was initialised it is worthless, and must be made anew.
func (c *Client) Initialize(ctx context.Context, order ceremony.InitOrder) (ceremony.Initial, error) {
	initial, err := c.initialize(ctx, order)
	if err != nil {
		return ceremony.Initial{}, fmt.Errorf("initialise: %w", err)
	}
	return initial, nil
}

func (c *Client) initialize(ctx context.Context, order ceremony.InitOrder) (ceremony.Initial, error) {
	// Without keys Vault hands out shares and a root token in plain.
	if len(order.Keys) == 0 || len(order.RootKey) == 0 {
		return ceremony.Initial{}, fmt.Errorf("%w: every share and the root token need a key", ceremony.ErrNotSent)
	}
	terms := initTerms{Shares: len(order.Keys), Threshold: order.Threshold, Keys: order.Keys, RootKey: order.RootKey}
	if order.UnsealsItself {
		terms = initTerms{
			RecoveryShares: len(order.Keys), RecoveryThreshold: order.Threshold, RecoveryKeys: order.Keys,
			RootKey: order.RootKey,
		}
	}
	body, err := json.Marshal(terms)
	if err != nil {
		return ceremony.Initial{}, fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	n, err := c.uninitialised(ctx)
	if err != nil {
		return ceremony.Initial{}, err
	}
	reply, err := c.put(ctx, n, "sys/init", body)
	if err != nil {
		return ceremony.Initial{}, err
	}
	defer clear(reply)
	return readInitial(reply, order)
}

// uninitialised returns the first node that answers, or ErrRefused when one of them has
// a key.
func (c *Client) uninitialised(ctx context.Context) (*node, error) {
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var first *node
	var unanswered []string
	for i, n := range nodes {
		switch {
		case n.Err != nil:
			unanswered = append(unanswered, n.Err.Error())
		case n.Seal.Initialized:
			return nil, fmt.Errorf("%s: %w: %w", n.Address, ceremony.ErrRefused, errInitialized)
		case first == nil:
			first = c.nodes[i]
		}
	}
	if first == nil {
		return nil, fmt.Errorf("%w: no node answers: %s", ceremony.ErrNotSent, strings.Join(unanswered, "; "))
	}
	return first, nil
}

// readInitial reads what a new cluster hands out. It refuses what is not encrypted (P1,
// P7).
func readInitial(body []byte, order ceremony.InitOrder) (ceremony.Initial, error) {
	made, err := decode[struct {
		Keys         []string `json:"keys_base64"`
		RecoveryKeys []string `json:"recovery_keys_base64"`
		RootToken    string   `json:"root_token"`
	}](body, "root_token")
	if err != nil {
		return ceremony.Initial{}, err
	}
	messages, others := made.Keys, made.RecoveryKeys
	if order.UnsealsItself {
		messages, others = others, messages
	}
	switch {
	case len(messages) != len(order.Keys) || len(others) != 0:
		return ceremony.Initial{}, malformed("it brings other shares than were ordered")
	case !encrypted(made.RootToken):
		return ceremony.Initial{}, malformed("the root token is not encrypted")
	}
	for _, message := range messages {
		if !encrypted(message) {
			return ceremony.Initial{}, malformed("a share is not encrypted")
		}
	}
	return ceremony.Initial{Ciphertexts: messages, Token: made.RootToken}, nil
}
