package vault_test

import (
	"net/http"
	"testing"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

// withoutToken is how a cluster is reached that has none yet.
func withoutToken(c *vault.Config) { c.TokenFile = "" }

func (s *server) initOrder(
	t testing.TB, holders []*vaulttest.Person, threshold int, requester *vaulttest.Person,
) ceremony.InitOrder {
	t.Helper()
	return ceremony.InitOrder{
		UnsealsItself: s.rekey == ceremony.RekeyRecovery,
		Threshold:     threshold,
		Keys:          keysOf(t, holders),
		RootKey:       keysOf(t, []*vaulttest.Person{requester})[0],
	}
}

func TestNewClustersKeyIsForItsHoldersAlone(t *testing.T) {
	onEachNewKind(t, func(t *testing.T, s *server) {
		c := s.client(t, withoutToken)
		holders, requester := people(t, 4), vaulttest.NewPerson(t, "requester")
		made, err := c.Initialize(t.Context(), s.initOrder(t, holders, 2, requester))
		if err != nil {
			t.Fatal(err)
		}
		var shares []string
		for i, ciphertext := range made.Ciphertexts {
			shares = append(shares, holders[i].Read(t, ciphertext))
		}
		operator := operator.NewOperator(s.addrs[0], s.ca)
		if err := operator.Unseal(t.Context(), shares[1:3]...); err != nil {
			t.Fatal(err)
		}
		operator.Token = requester.Read(t, made.Token)
		if ok, err := operator.IsRootToken(t.Context(), operator.Token); err != nil || !ok {
			t.Errorf("the requester's token is a root token: %v, %v", ok, err)
		}
		seal, err := c.Seal(t.Context())
		if err != nil || seal.Shares != 4 || seal.Threshold != 2 {
			t.Errorf("the seal: %+v, %v", seal, err)
		}
	})
}

func TestInitialisedClusterIsLeftAlone(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		holders := people(t, 2)
		_, err := s.client(t).Initialize(t.Context(), s.initOrder(t, holders, 2, holders[0]))
		wantError(t, err, ceremony.ErrRefused)
		if s.emulator != nil && len(s.emulator.Log("PUT sys/init")) != 1 {
			t.Error("it was asked for another key")
		}
	})
}

// A cluster of which one node has a key would be cut in two.
func TestOneInitialisedNodeIsEnoughToLeaveTheClusterAlone(t *testing.T) {
	t.Parallel()
	fresh, other := newEmulator(t, vaulttest.Options{}), startEmulator(t, vaulttest.Options{})
	c := fresh.client(t, withoutToken, func(c *vault.Config) { c.Addresses = append(c.Addresses, other.addrs...) })
	holders := people(t, 2)
	_, err := c.Initialize(t.Context(), fresh.initOrder(t, holders, 2, holders[0]))
	wantError(t, err, ceremony.ErrRefused)
	if sent := fresh.emulator.Log("PUT sys/init"); len(sent) > 0 {
		t.Errorf("it was sent: %v", sent)
	}
}

func TestClusterIsInitialisedAtTheFirstNodeThatAnswers(t *testing.T) {
	t.Parallel()
	s := newEmulator(t, vaulttest.Options{})
	c := s.client(
		t, withoutToken, func(c *vault.Config) { c.Addresses = append([]string{"http://127.0.0.1:1"}, c.Addresses...) },
	)
	holders := people(t, 2)
	if _, err := c.Initialize(t.Context(), s.initOrder(t, holders, 2, holders[0])); err != nil {
		t.Fatal(err)
	}
	gone := newClient(t, vault.Config{Addresses: []string{"http://127.0.0.1:1"}})
	_, err := gone.Initialize(t.Context(), s.initOrder(t, holders, 2, holders[0]))
	wantError(t, err, ceremony.ErrNotSent)
}

func TestP7NewClusterIsNotAskedForPlainShares(t *testing.T) {
	t.Parallel()
	s := newEmulator(t, vaulttest.Options{})
	c := s.client(t, withoutToken)
	holders := people(t, 2)
	whole := s.initOrder(t, holders, 2, holders[0])
	noKeys, noRootKey := whole, whole
	noKeys.Keys, noRootKey.RootKey = nil, nil
	for _, order := range []ceremony.InitOrder{{}, noKeys, noRootKey} {
		_, err := c.Initialize(t.Context(), order)
		wantError(t, err, ceremony.ErrNotSent)
	}
	if sent := s.emulator.Log("PUT sys/init"); len(sent) > 0 {
		t.Errorf("it was sent: %v", sent)
	}
}

func TestP7NewKeyThatIsNotEncryptedIsNotPassedOn(t *testing.T) {
	t.Parallel()
	plain := base64Of(make([]byte, 33))
	for claim, lie := range map[string]func(map[string]any){
		"plain shares":     func(a map[string]any) { a["keys_base64"] = []string{plain, plain} },
		"a share missing":  func(a map[string]any) { a["keys_base64"] = a["keys_base64"].([]any)[:1] },
		"no shares":        func(a map[string]any) { delete(a, "keys_base64") },
		"recovery shares":  func(a map[string]any) { a["recovery_keys_base64"] = []string{plain} },
		"a plain token":    func(a map[string]any) { a["root_token"] = "hvs.012345678901234567890123" },
		"an encoded token": func(a map[string]any) { a["root_token"] = base64Of([]byte("hvs.012345678901234567890123")) },
		"no token":         func(a map[string]any) { delete(a, "root_token") },
	} {
		t.Run(claim, func(t *testing.T) {
			s := newEmulator(t, vaulttest.Options{})
			s.emulator.Script(vaulttest.Fault{Route: "PUT sys/init", Do: vaulttest.Lie(lie)})
			holders := people(t, 2)
			made, err := s.client(t, withoutToken).Initialize(t.Context(), s.initOrder(t, holders, 2, holders[0]))
			wantError(t, err, ceremony.ErrUncertain)
			if made.Ciphertexts != nil || made.Token != "" {
				t.Error("something was passed on")
			}
		})
	}
}

// P5: a lost answer of sys/init is not asked for again.
func TestP5InitialisationIsSentOnce(t *testing.T) {
	t.Parallel()
	for claim, fault := range map[string]struct {
		do   vaulttest.Act
		want error
	}{
		"refused":            {vaulttest.Refuse(http.StatusBadRequest), ceremony.ErrRefused},
		"says it is sealed":  {vaulttest.Sealed(), ceremony.ErrUncertain},
		"500, applied":       {vaulttest.RefuseAfter(http.StatusInternalServerError), ceremony.ErrUncertain},
		"hangs up, applied":  {vaulttest.HangUpAfter(), ceremony.ErrUncertain},
		"redirects":          {vaulttest.RedirectTo("https://192.0.2.1:8200"), ceremony.ErrNoLeader},
		"not offered at all": {vaulttest.Refuse(http.StatusNotFound), ceremony.ErrUnsupported},
	} {
		t.Run(claim, func(t *testing.T) {
			s := newEmulator(t, vaulttest.Options{Nodes: 2})
			s.emulator.Script(vaulttest.Fault{Route: "PUT sys/init", Times: vaulttest.Always, Do: fault.do})
			holders := people(t, 2)
			_, err := s.client(t, withoutToken).Initialize(t.Context(), s.initOrder(t, holders, 2, holders[0]))
			wantError(t, err, fault.want)
			if sent := s.emulator.Log("PUT sys/init"); len(sent) != 1 {
				t.Errorf("it was sent %d times", len(sent))
			}
		})
	}
}
