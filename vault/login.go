package vault

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"conclave/ceremony/paste"
)

// Login is a way to a token: [AppRole] or [Kubernetes]. Its token is kept in memory only.
type Login interface {
	// mount returns the path of the auth method below auth/.
	mount() string
	// request returns the body of the login. It reads the files each time.
	request() ([]byte, error)
}

// AppRole logs in with a role's id and secret.
type AppRole struct {
	// Mount is where the method is mounted below auth/. Empty means "approle".
	Mount string
	// RoleIDFile and SecretIDFile hold the two, and are refused when group or others
	// can read them. They are read for each login, and may be replaced at any time. A
	// secret id for a single use is used up by the first login: after that [Client.Run]
	// must keep the token alive.
	RoleIDFile, SecretIDFile string
}

func (a AppRole) mount() string { return cmp.Or(a.Mount, "approle") }

func (a AppRole) request() ([]byte, error) {
	role, err := readLine(a.RoleIDFile, private)
	if err != nil {
		return nil, fmt.Errorf("read role id: %w", err)
	}
	secret, err := readLine(a.SecretIDFile, private)
	if err != nil {
		return nil, fmt.Errorf("read secret id: %w", err)
	}
	return json.Marshal(map[string]string{"role_id": role, "secret_id": secret})
}

// Kubernetes logs in with the token of the pod's service account.
type Kubernetes struct {
	// Mount is where the method is mounted below auth/. Empty means "kubernetes".
	Mount string
	// Role is the role of the auth method.
	Role string
	// TokenFile holds the service account's token. Empty means the path where Kubernetes
	// puts it. Kubernetes chooses its mode, which is not looked at: a pod has one
	// account. It is read for each login, since Kubernetes replaces it.
	TokenFile string
}

// serviceAccountToken is the path of the token that Kubernetes puts into each container.
const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

func (k Kubernetes) mount() string { return cmp.Or(k.Mount, "kubernetes") }

func (k Kubernetes) request() ([]byte, error) {
	if k.Role == "" {
		return nil, errors.New("no role is given")
	}
	token, err := readLine(cmp.Or(k.TokenFile, serviceAccountToken), shared)
	if err != nil {
		return nil, fmt.Errorf("read service account token: %w", err)
	}
	return json.Marshal(map[string]string{"role": k.Role, "jwt": token})
}

// mountForm is the form of a mount. With another form it could lead to another endpoint.
var mountForm = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)

// checkLogin makes sure that a login could be tried. It sends nothing.
func checkLogin(l Login) error {
	if !mountForm.MatchString(l.mount()) {
		return errors.New("the mount of the auth method is not a path of letters, digits, - and _")
	}
	body, err := l.request()
	clear(body)
	return err
}

// permits says which accounts may be able to read a file.
type permits bool

const (
	private permits = false // its owner alone
	shared  permits = true  // others too
)

// readLine reads a file whose one line is a secret or names one.
func readLine(path string, who permits) (string, error) {
	if path == "" {
		return "", errors.New("no file is given")
	}
	data, err := readSmall(path, who)
	if err != nil {
		return "", err
	}
	if len(data) > maxToken {
		return "", fmt.Errorf("%s is longer than any token", path)
	}
	token, err := paste.Token(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return string(token), nil
}
