package vaulttest

import (
	"net/http"
	"strings"
)

// handler serves one request, with the cluster's mutex held. For a nil body without an error the answer is 204.
type handler func(*Node, *call) (any, error)

// endpoint is one path below /v1/.
type endpoint struct {
	local  bool // served by the node that is asked, never forwarded to the active one
	handle handler
}

// routes are the endpoints of a server. In a path, + stands for one segment that is a name.
type routes map[string]endpoint // path → endpoint

// find returns the endpoint of a call's path, and sets the names that stand in that path.
func (r routes) find(c *call) (endpoint, bool) {
	if e, known := r[c.path]; known {
		return e, true
	}
	for pattern, e := range r {
		if names, fits := namesIn(pattern, c.path); fits {
			c.names = names
			return e, true
		}
	}
	return endpoint{}, false
}

// namesIn returns the segments of a path that the + of a pattern stand for, and reports whether the path fits the
// pattern.
func namesIn(pattern, path string) ([]string, bool) {
	segments, parts := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(segments) != len(parts) {
		return nil, false
	}
	var names []string
	for i, segment := range segments {
		switch segment {
		case "+":
			names = append(names, parts[i])
		case parts[i]:
		default:
			return nil, false
		}
	}
	return names, true
}

// commonRoutes returns the endpoints that every server has and a ceremony needs (http/handler.go).
func commonRoutes() routes {
	return routes{
		"sys/init":        {local: true, handle: byMethod(methods{"GET": (*Node).getInit, "PUT": (*Node).putInit})},
		"sys/seal-status": {local: true, handle: byMethod(methods{"GET": (*Node).getSealStatus})},
		"sys/unseal":      {local: true, handle: byMethod(methods{"PUT": (*Node).putUnseal})},
		"sys/seal":        {local: true, handle: byMethod(methods{"PUT": (*Node).putSeal})},
		"sys/health":      {local: true, handle: byMethod(methods{"GET": (*Node).getHealth})},
		"sys/leader":      {local: true, handle: byMethod(methods{"GET": (*Node).getLeader})},
		"sys/step-down":   {handle: byMethod(methods{"PUT": (*Node).putStepDown})},

		"sys/decode-token": {handle: routed(methods{"PUT": (*Node).putDecodeToken})},

		"sys/key-status":    {handle: authorized(methods{"GET": (*Node).getKeyStatus})},
		"sys/rotate":        {handle: authorized(methods{"PUT": (*Node).putRotate})},
		"sys/rotate/config": {handle: authorized(methods{"GET": (*Node).getRotateConfig, "PUT": (*Node).putRotateConfig})},

		"sys/policies/acl": {handle: authorized(methods{"LIST": (*Node).listPolicies})},
		"sys/policies/acl/+": {handle: authorized(methods{"GET": (*Node).getPolicy, "PUT": (*Node).putPolicy,
			"DELETE": (*Node).deletePolicy})},
		"sys/capabilities-self": {handle: authorized(methods{"PUT": (*Node).putCapabilitiesSelf})},
		"auth/token/create":     {handle: authorized(methods{"PUT": (*Node).putCreate})},
		"auth/token/accessors":  {handle: authorized(methods{"LIST": (*Node).listAccessors})},
		"auth/token/lookup":     {handle: authorized(methods{"PUT": (*Node).putLookup})},
		"auth/token/lookup-self": {handle: authorized(methods{"GET": (*Node).getLookupSelf,
			"PUT": (*Node).getLookupSelf})},
		"auth/token/lookup-accessor": {handle: authorized(methods{"PUT": (*Node).putLookupAccessor})},
		"auth/token/renew-self":      {handle: authorized(methods{"PUT": (*Node).putRenewSelf})},
		"auth/token/revoke":          {handle: authorized(methods{"PUT": (*Node).putRevoke})},
		"auth/token/revoke-self":     {handle: authorized(methods{"PUT": (*Node).putRevokeSelf})},
		"auth/token/revoke-accessor": {handle: authorized(methods{"PUT": (*Node).putRevokeAccessor})},

		"sys/auth/+":              {handle: authorized(methods{"PUT": (*Node).putMount})},
		"auth/+/login":            {handle: (*Node).putLogin},
		"auth/+/role/+":           {handle: authorized(methods{"PUT": (*Node).putAppRole})},
		"auth/+/role/+/role-id":   {handle: authorized(methods{"GET": (*Node).getRoleID})},
		"auth/+/role/+/secret-id": {handle: authorized(methods{"PUT": (*Node).putSecretID})},
	}
}

// rekeyRoutes returns the endpoints for the rekey of both kinds of key. They need no token.
func rekeyRoutes() routes {
	return routes{
		"sys/rekey/init":   {handle: rekeyMethods(barrierKey, rekeyAttempts())},
		"sys/rekey/update": {handle: (*Node).rekeyUpdate},
		"sys/rekey/verify": {handle: rekeyMethods(barrierKey, rekeyVerifications())},

		"sys/rekey-recovery-key/init":   {handle: rekeyMethods(recoveryKey, rekeyAttempts())},
		"sys/rekey-recovery-key/update": {handle: (*Node).recoveryUpdate},
		"sys/rekey-recovery-key/verify": {handle: rekeyMethods(recoveryKey, rekeyVerifications())},
	}
}

// backupRoutes returns the endpoints for the backups that a rekey leaves.
func backupRoutes() routes {
	return routes{
		"sys/rekey/backup":              {handle: authorized(backupMethods(barrierKey))},
		"sys/rekey/recovery-key-backup": {handle: authorized(backupMethods(recoveryKey))},
	}
}

// issueRoutes returns the endpoints for a kind of token that a quorum makes. They need no token.
func issueRoutes(kind issue) routes {
	return routes{
		kind.path() + "/attempt": {handle: byMethod(attemptMethods(kind))},
		kind.path() + "/update":  {handle: updateOf(kind)},
	}
}

func rekeyAttempts() map[string]rekeyHandler { // method → handler
	return map[string]rekeyHandler{"GET": (*Node).getRekey, "PUT": (*Node).putRekey, "DELETE": (*Node).deleteRekey}
}

func rekeyVerifications() map[string]rekeyHandler { // method → handler
	return map[string]rekeyHandler{"GET": (*Node).getVerify, "PUT": (*Node).putVerify, "DELETE": (*Node).deleteVerify}
}

type methods map[string]handler // method → handler

// byMethod returns a handler for the older endpoints, which have a handler of their own in Vault. It answers 405
// without words to other methods.
func byMethod(m methods) handler {
	return func(n *Node, c *call) (any, error) {
		handle, ok := m[c.method]
		if !ok {
			return nil, errMethod
		}
		return handle(n, c)
	}
}

// routed returns a handler for the endpoints behind Vault's request router, which need an unsealed node.
func routed(m methods) handler {
	return func(n *Node, c *call) (any, error) {
		if err := n.readyLocked(); err != nil {
			return nil, err
		}
		handle, ok := m[c.method]
		if !ok {
			return nil, refuse(http.StatusMethodNotAllowed, "1 error occurred:\n\t* unsupported operation\n\n")
		}
		if c.method != http.MethodGet && c.method != "LIST" {
			n.cluster.disk.keyring.encryptions++
		}
		return handle(n, c)
	}
}

// authorized returns a handler as routed does, for endpoints that need a token with a right to them.
func authorized(m methods) handler {
	handle := routed(m)
	return func(n *Node, c *call) (any, error) {
		if err := n.readyLocked(); err != nil {
			return nil, err
		}
		if err := n.cluster.authorize(c); err != nil {
			return nil, err
		}
		return handle(n, c)
	}
}
