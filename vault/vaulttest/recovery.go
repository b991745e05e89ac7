package vaulttest

import "net/http"

// The emulated seal is Shamir's, which has no recovery keys. These are the answers that tell a client so.

func (n *Node) noRecoveryKeys(*call) (any, error) {
	if err := n.standbyLocked(); err != nil {
		return nil, err
	}
	return nil, refuse(http.StatusBadRequest, "recovery rekeying not supported")
}

func (n *Node) noRecoveryUpdate(c *call) (any, error) {
	if err := n.standbyLocked(); err != nil {
		return nil, err
	}
	if _, _, err := c.submission(); err != nil {
		return nil, err
	}
	return nil, refuse(http.StatusInternalServerError, "failed to fetch existing recovery config: recovery not supported")
}
