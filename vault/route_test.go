package vault_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

// nodesAsked are the numbers of the nodes that got a request.
func nodesAsked(s *server, route string) []int {
	var nodes []int
	for _, r := range s.emulator.Log(route) {
		nodes = append(nodes, r.Node)
	}
	return nodes
}

func TestCeremonyIsHeldWithTheActiveNode(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Nodes: 3})
	s.emulator.Elect(3)
	c := s.client(t)
	a := begin(t, s, c)
	submit(t, c, ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, a.share)
	for _, route := range []string{"PUT sys/rekey/init", "PUT sys/rekey/update"} {
		for _, node := range nodesAsked(s, route) {
			if node != 3 {
				t.Errorf("%s went to node %d, which is a standby", route, node)
			}
		}
	}
}

// A standby's seal status is that of before the rekey (reference: it reads the
// seal's configuration when it starts).
func TestSealStatusIsNeverAStandbys(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Nodes: 2})
	c := s.client(t)
	receivers := people(t, 2)
	order := rekeyFor(t, receivers, 2)
	order.Verification = false
	begun := start(t, c, order)
	submit(t, c, ceremony.Rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:threshold]...)
	back := s.client(t, func(c *vault.Config) { c.Addresses = []string{s.addrs[1], s.addrs[0]} })
	for claim, client := range map[string]*vault.Client{"active first": c, "standby first": back} {
		if seal, err := client.Seal(t.Context()); err != nil || seal.Shares != 2 || seal.Threshold != 2 {
			t.Errorf("%s: %d shares, threshold %d, %v", claim, seal.Shares, seal.Threshold, err)
		}
	}
}

func TestFailoverIsFollowed(t *testing.T) {
	t.Parallel()
	for _, redirect := range []bool{false, true} {
		s := startEmulator(t, vaulttest.Options{Nodes: 3, Redirect: redirect})
		c := s.client(t)
		begin(t, s, c)
		s.emulator.Elect(2)
		// Vault drops a rekey when it loses the lead.
		if got := progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate); got.Started {
			t.Errorf("redirect %v: the rekey survived: %+v", redirect, got)
		}
		begun := start(t, c, rekeyFor(t, people(t, 2), 2))
		submit(t, c, ceremony.Rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0])
		if seal, err := c.Seal(t.Context()); err != nil || seal.Sealed {
			t.Errorf("redirect %v: seal: %+v, %v", redirect, seal, err)
		}
	}
}

func TestShareFollowsARedirectToAConfiguredAddress(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Nodes: 2, Redirect: true})
	c := s.client(t)
	s.emulator.Elect(2)
	begun := start(t, s.client(t), rekeyFor(t, people(t, 2), 2))
	s.emulator.Elect(1)
	if got := progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate); got.Started {
		t.Fatalf("the rekey survived: %+v", got)
	}
	begun = start(t, c, rekeyFor(t, people(t, 2), 2))
	s.emulator.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Node: 1, Do: vaulttest.RedirectTo(s.addrs[1])})
	s.emulator.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Node: 2, Do: vaulttest.RedirectTo(s.addrs[0])})
	_, err := c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0]))
	wantError(t, err, ceremony.ErrNoLeader) // two redirects are one too many
	if got := progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate); got.Progress != 0 {
		t.Errorf("progress is %d, want 0", got.Progress)
	}
	s.emulator.Script(vaulttest.Fault{Route: "GET sys/rekey/init", Node: 1, Do: vaulttest.RedirectTo(s.addrs[0])})
	if _, err := c.Progress(t.Context(), ceremony.Rekey, ceremony.StepUpdate); err == nil {
		t.Error("a node that redirects to itself was believed")
	}
	submit(t, c, ceremony.Rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0])
}

// The api client would send share and token to whatever host a redirect names.
func TestShareAndTokenNeverFollowARedirectToAStranger(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer stranger.Close()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t)
	a := begin(t, s, c)
	s.emulator.Script(vaulttest.Fault{Times: vaulttest.Always, Do: vaulttest.RedirectTo(stranger.URL)})
	for name, call := range calls {
		if err := call.make(t.Context(), c, a); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if n := visits.Load(); n > 0 {
		t.Errorf("the stranger got %d requests", n)
	}
}

// quiet is an address that no other test binds: the port of a node that is
// stopped there stays closed.
const quiet = "127.94.0.1:0"

func TestReadSkipsADeadNode(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Nodes: 3, Listen: quiet})
	c := s.client(t)
	progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate) // node 1 is remembered
	if err := s.emulator.Node(1).Stop(); err != nil {
		t.Fatal(err)
	}
	progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate)
	if seal, err := c.Seal(t.Context()); err != nil || seal.Sealed {
		t.Errorf("seal: %+v, %v", seal, err)
	}
}

func TestShareGoesToTheNextNodeOnlyWhenThereWasNoConnection(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Nodes: 2, Listen: quiet})
	c := s.client(t)
	requester := vaulttest.NewPerson(t, "requester")
	progressOf(t, c, ceremony.GenerateRoot, ceremony.StepUpdate) // node 1 is remembered
	if err := s.emulator.Node(1).Stop(); err != nil {
		t.Fatal(err)
	}
	begun := start(t, c, rootFor(t, requester))
	submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0])
	s.emulator.Script(vaulttest.Fault{Route: "PUT sys/generate-root/update", Do: vaulttest.HangUp()})
	_, err := c.Submit(t.Context(), submission(ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[1]))
	wantError(t, err, ceremony.ErrUncertain)
	if sent := nodesAsked(s, "PUT sys/generate-root/update"); len(sent) != 2 {
		t.Errorf("shares were sent to nodes %v, want two requests", sent)
	}
}

func TestClusterWithoutALeaderIsToldApart(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Nodes: 2})
	c := s.client(t)
	a := begin(t, s, c)
	s.emulator.LoseLeader()
	_, err := c.Seal(t.Context())
	wantError(t, err, ceremony.ErrNoLeader)
	_, err = c.Progress(t.Context(), ceremony.Rekey, ceremony.StepUpdate)
	if err == nil {
		t.Error("progress was answered without a leader")
	}
	// The first read forgot the node that used to lead.
	_, err = c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, a.share))
	wantError(t, err, ceremony.ErrNoLeader)
	s.emulator.Elect(2)
	if _, err := c.Progress(t.Context(), ceremony.Rekey, ceremony.StepUpdate); err != nil {
		t.Errorf("after the election: %v", err)
	}
}

func TestStandbyAloneIsNotTheCluster(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Nodes: 2})
	c := s.client(t, func(c *vault.Config) { c.Addresses = s.addrs[1:] })
	_, err := c.Seal(t.Context())
	wantError(t, err, ceremony.ErrNoLeader)
	if !strings.Contains(err.Error(), s.addrs[0]) {
		t.Errorf("the error %q does not name the leader", err)
	}
}

func TestUnreachableClusterGotNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t, vault.Config{Addresses: []string{"http://127.0.0.1:1", "http://127.0.0.1:2"}, Timeout: time.Second})
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			wantError(t, call.make(t.Context(), c, attempt{share: "abcd"}), ceremony.ErrNotSent)
		})
	}
}

// A node that accepts connections and says nothing.
func TestNodeThatDoesNotAnswerTheLeaderQuestionGotNoShare(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := newClient(
		t, vault.Config{Addresses: []string{"http://" + listener.Addr().String()}, Timeout: 200 * time.Millisecond},
	)
	_, err = c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.StepUpdate, "n", "abcd"))
	wantError(t, err, ceremony.ErrNotSent)
}

func TestOneSealedNodeDoesNotSealTheCluster(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Nodes: 2})
	c := s.client(t)
	progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate)
	s.emulator.Node(1).Seal() // node 2 takes over
	progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate)
	if seal, err := c.Seal(t.Context()); err != nil || seal.Sealed {
		t.Errorf("seal: %+v, %v", seal, err)
	}
}

// A server may refuse before it has read everything: the request ends then.
func TestEarlyAnswerToALongRequestDoesNotHang(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			io.WriteString(w, `{"ha_enabled":false}`)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		t.Cleanup(func() { conn.Close() })
		io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}")
	}))
	defer server.Close()
	c := newClient(t, vault.Config{Addresses: []string{server.URL}})
	huge := ceremony.Order{Operation: ceremony.Rekey, Shares: 1, Threshold: 1, Keys: [][]byte{make([]byte, 8<<20)}}
	_, err := c.Start(t.Context(), huge)
	wantError(t, err, ceremony.ErrRefused)
}
