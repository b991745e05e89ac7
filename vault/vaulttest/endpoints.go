package vaulttest

import "net/http"

// handler answers one request, with the cluster's mutex held. A nil body without an error is answered 204.
type handler func(*Node, *call) (any, error)

// endpoint is one path below /v1/.
type endpoint struct {
	local  bool // answered by the node that is asked, never forwarded to the active one
	handle handler
}

// endpoints is Vault's route table, as far as ceremonies go (http/handler.go).
var endpoints = map[string]endpoint{
	"sys/init":        {local: true, handle: byMethod(methods{"GET": (*Node).getInit, "PUT": (*Node).putInit})},
	"sys/seal-status": {local: true, handle: byMethod(methods{"GET": (*Node).getSealStatus})},
	"sys/unseal":      {local: true, handle: byMethod(methods{"PUT": (*Node).putUnseal})},
	"sys/seal":        {local: true, handle: byMethod(methods{"PUT": (*Node).putSeal})},
	"sys/health":      {local: true, handle: byMethod(methods{"GET": (*Node).getHealth})},
	"sys/leader":      {local: true, handle: byMethod(methods{"GET": (*Node).getLeader})},
	"sys/step-down":   {handle: byMethod(methods{"PUT": (*Node).putStepDown})},

	"sys/generate-root/attempt": {handle: byMethod(methods{
		"GET": (*Node).getRootAttempt, "PUT": (*Node).putRootAttempt, "DELETE": (*Node).deleteRootAttempt})},
	"sys/generate-root/update": {handle: (*Node).rootUpdate},
	"sys/decode-token":         {handle: routed(methods{"PUT": (*Node).putDecodeToken})},

	"sys/rekey/init":   {handle: rekeyMethods(barrierKey, rekeyAttempts)},
	"sys/rekey/update": {handle: (*Node).rekeyUpdate},
	"sys/rekey/verify": {handle: rekeyMethods(barrierKey, rekeyVerifications)},
	"sys/rekey/backup": {handle: authorized(backupMethods(barrierKey))},

	"sys/rekey-recovery-key/init":   {handle: rekeyMethods(recoveryKey, rekeyAttempts)},
	"sys/rekey-recovery-key/update": {handle: (*Node).recoveryUpdate},
	"sys/rekey-recovery-key/verify": {handle: rekeyMethods(recoveryKey, rekeyVerifications)},
	"sys/rekey/recovery-key-backup": {handle: authorized(backupMethods(recoveryKey))},

	"sys/key-status": {handle: authorized(methods{"GET": (*Node).getKeyStatus})},
	"sys/rotate":     {handle: authorized(methods{"PUT": (*Node).putRotate})},

	"auth/token/accessors":       {handle: authorized(methods{"LIST": (*Node).listAccessors})},
	"auth/token/lookup":          {handle: authorized(methods{"PUT": (*Node).putLookup})},
	"auth/token/lookup-self":     {handle: authorized(methods{"GET": (*Node).getLookupSelf, "PUT": (*Node).getLookupSelf})},
	"auth/token/lookup-accessor": {handle: authorized(methods{"PUT": (*Node).putLookupAccessor})},
	"auth/token/revoke-self":     {handle: authorized(methods{"PUT": (*Node).putRevokeSelf})},
	"auth/token/revoke-accessor": {handle: authorized(methods{"PUT": (*Node).putRevokeAccessor})},
}

var (
	rekeyAttempts = map[string]rekeyHandler{
		"GET": (*Node).getRekey, "PUT": (*Node).putRekey, "DELETE": (*Node).deleteRekey}
	rekeyVerifications = map[string]rekeyHandler{
		"GET": (*Node).getVerify, "PUT": (*Node).putVerify, "DELETE": (*Node).deleteVerify}
)

type methods map[string]handler // method → handler

// byMethod serves the older endpoints, which have a handler of their own in Vault and answer 405 without words.
func byMethod(m methods) handler {
	return func(n *Node, c *call) (any, error) {
		handle, ok := m[c.method]
		if !ok {
			return nil, errMethod
		}
		return handle(n, c)
	}
}

// routed serves the endpoints behind Vault's request router, which needs an unsealed node.
func routed(m methods) handler {
	return func(n *Node, c *call) (any, error) {
		if err := n.readyLocked(); err != nil {
			return nil, err
		}
		handle, ok := m[c.method]
		if !ok {
			return nil, refuse(http.StatusMethodNotAllowed, "1 error occurred:\n\t* unsupported operation\n\n")
		}
		return handle(n, c)
	}
}

// authorized is routed for endpoints that need a token. The emulator knows only root tokens.
func authorized(m methods) handler {
	handle := routed(m)
	return func(n *Node, c *call) (any, error) {
		if err := n.readyLocked(); err != nil {
			return nil, err
		}
		if err := n.cluster.disk.authorize(c.token); err != nil {
			return nil, err
		}
		return handle(n, c)
	}
}
