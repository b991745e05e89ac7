package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

// call is one of the adapter's methods, on an attempt that is under way.
type call struct {
	route string // of its request
	write bool
	make  func(context.Context, *vault.Client, attempt) error
}

// attempt is a rekey with two shares given, and a root token's with none.
type attempt struct {
	rekey, root ceremony.Progress
	share       string // the third
	holder      *vaulttest.Person
}

func begin(t testing.TB, s *server, c *vault.Client) attempt {
	t.Helper()
	holders := people(t, 2)
	a := attempt{rekey: start(t, c, rekeyFor(t, holders, 2)), root: start(t, c, rootFor(t, holders[0]))}
	submit(t, c, ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, s.keys.Shares[:2]...)
	a.share, a.holder = s.keys.Shares[2], holders[0]
	return a
}

var calls = map[string]call{
	"progress": {"GET sys/rekey/init", false, func(ctx context.Context, c *vault.Client, _ attempt) error {
		_, err := c.Progress(ctx, ceremony.Rekey, ceremony.StepUpdate)
		return err
	}},
	"progress of a root token": {"GET sys/generate-root/attempt", false, func(ctx context.Context, c *vault.Client, _ attempt) error {
		_, err := c.Progress(ctx, ceremony.GenerateRoot, ceremony.StepUpdate)
		return err
	}},
	"seal": {"GET sys/seal-status", false, func(ctx context.Context, c *vault.Client, _ attempt) error {
		_, err := c.Seal(ctx)
		return err
	}},
	"start": {"PUT sys/rekey/init", true, func(ctx context.Context, c *vault.Client, _ attempt) error {
		_, err := c.Start(ctx, ceremony.Order{Operation: ceremony.Rekey, Shares: 1, Threshold: 1})
		return err
	}},
	"submit": {"PUT sys/rekey/update", true, func(ctx context.Context, c *vault.Client, a attempt) error {
		_, err := c.Submit(ctx, submission(ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, a.share))
		return err
	}},
	"submit for a root token": {"PUT sys/generate-root/update", true, func(ctx context.Context, c *vault.Client, a attempt) error {
		_, err := c.Submit(ctx, submission(ceremony.GenerateRoot, ceremony.StepUpdate, a.root.Nonce, a.share))
		return err
	}},
	"submit a new share": {"PUT sys/rekey/verify", true, func(ctx context.Context, c *vault.Client, a attempt) error {
		_, err := c.Submit(ctx, submission(ceremony.Rekey, ceremony.StepVerify, a.rekey.Nonce, a.share))
		return err
	}},
	"cancel": {"DELETE sys/rekey/init", true, func(ctx context.Context, c *vault.Client, a attempt) error {
		return c.Cancel(ctx, ceremony.Rekey, a.rekey.Nonce)
	}},
	"cancel a root token": {"DELETE sys/generate-root/attempt", true, func(ctx context.Context, c *vault.Client, a attempt) error {
		return c.Cancel(ctx, ceremony.GenerateRoot, a.root.Nonce)
	}},
	"start with a password": {"PUT sys/generate-root/attempt", true, func(ctx context.Context, c *vault.Client, _ attempt) error {
		_, err := c.Start(ctx, rootForPassword(password))
		return err
	}},
	"rotate": {"PUT sys/rotate", true, func(ctx context.Context, c *vault.Client, _ attempt) error {
		return c.Rotate(ctx)
	}},
	"key status": {"GET sys/key-status", false, func(ctx context.Context, c *vault.Client, _ attempt) error {
		_, err := c.KeyStatus(ctx)
		return err
	}},
	"rotation policy": {"GET sys/rotate/config", false, func(ctx context.Context, c *vault.Client, _ attempt) error {
		_, err := c.RotationPolicy(ctx)
		return err
	}},
	"set rotation policy": {"PUT sys/rotate/config", true, func(ctx context.Context, c *vault.Client, _ attempt) error {
		return c.SetRotationPolicy(ctx, ceremony.RotationPolicy{})
	}},
	"delete backup": {"DELETE sys/rekey/backup", true, func(ctx context.Context, c *vault.Client, _ attempt) error {
		return c.DeleteBackup(ctx, ceremony.Rekey)
	}},
	"cancel verification": {"DELETE sys/rekey/verify", true, func(ctx context.Context, c *vault.Client, a attempt) error {
		_, err := c.CancelVerification(ctx, ceremony.Rekey, a.rekey.Nonce)
		return err
	}},
}

// answerless are the calls whose success is told by a status alone.
var answerless = []string{"cancel", "cancel a root token", "rotate", "set rotation policy", "delete backup"}

// A client with this timeout waits for a share's answer three times as long,
// which is still not long enough for a slow server.
const (
	impatient = 1500 * time.Millisecond
	slow      = 6 * time.Second
)

// Every fault, at every method: what it is called, and that a write was sent
// once and not again.
func TestP5FaultHasOneNameAndAWriteIsSentOnce(t *testing.T) {
	t.Parallel()
	for claim, fault := range map[string]struct {
		do    vaulttest.Act
		write error
		read  error
	}{
		"refused":                  {vaulttest.Refuse(http.StatusBadRequest, "no"), ceremony.ErrRefused, ceremony.ErrRefused},
		"forbidden":                {vaulttest.Refuse(http.StatusForbidden, "no"), ceremony.ErrForbidden, ceremony.ErrForbidden},
		"not found":                {vaulttest.Refuse(http.StatusNotFound), ceremony.ErrUnsupported, ceremony.ErrUnsupported},
		"method not allowed":       {vaulttest.Refuse(http.StatusMethodNotAllowed), ceremony.ErrUnsupported, ceremony.ErrUnsupported},
		"throttled":                {vaulttest.TooMany(time.Second), ceremony.ErrThrottled, ceremony.ErrThrottled},
		"says it is sealed, isn't": {vaulttest.Sealed(), ceremony.ErrUncertain, ceremony.ErrNoLeader},
		"knows no leader":          {vaulttest.NoLeader(), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"500":                      {vaulttest.Refuse(http.StatusInternalServerError, "no"), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"500, applied":             {vaulttest.RefuseAfter(http.StatusInternalServerError, "no"), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"502":                      {vaulttest.Refuse(http.StatusBadGateway), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"200 of something else":    {vaulttest.Refuse(http.StatusOK, "welcome"), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"a login page":             {vaulttest.Refuse(http.StatusFound), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"202":                      {vaulttest.Refuse(http.StatusAccepted), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"hangs up":                 {vaulttest.HangUp(), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"hangs up, applied":        {vaulttest.HangUpAfter(), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"slow":                     {vaulttest.Slow(slow), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"slow, applied":            {vaulttest.SlowAfter(slow), ceremony.ErrUncertain, ceremony.ErrUncertain},
		"redirects to a stranger":  {vaulttest.RedirectTo("https://192.0.2.1:8200"), ceremony.ErrNoLeader, ceremony.ErrNoLeader},
		"redirects to itself":      {redirectHome, ceremony.ErrNoLeader, ceremony.ErrNoLeader},
		"endless":                  {endless, ceremony.ErrUncertain, ceremony.ErrUncertain},
		"endless error":            {endlessError, ceremony.ErrUncertain, ceremony.ErrUncertain},
		"cut off":                  {cutOff, ceremony.ErrUncertain, ceremony.ErrUncertain},
		"not HTTP":                 {notHTTP, ceremony.ErrUncertain, ceremony.ErrUncertain},
	} {
		t.Run(claim, func(t *testing.T) {
			for name, call := range calls {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					s := startEmulator(t, vaulttest.Options{})
					a := begin(t, s, s.client(t))
					c := s.client(t)
					if strings.HasPrefix(claim, "slow") {
						c = s.client(t, within(impatient))
					}
					before := len(s.emulator.Log(call.route))
					s.emulator.Script(vaulttest.Fault{Route: call.route, Times: vaulttest.Always, Do: fault.do})
					err := call.make(t.Context(), c, a)
					want := fault.read
					if call.write {
						want = fault.write
					}
					if claim == "200 of something else" && slices.Contains(answerless, name) {
						want = nil // there is nothing to read from the answer
					}
					wantError(t, err, want)
					if err != nil && strings.Contains(err.Error(), a.share) {
						t.Error("the error tells the share")
					}
					if sent := len(s.emulator.Log(call.route)) - before; call.write && sent != 1 {
						t.Errorf("the request was sent %d times", sent)
					}
				})
			}
		})
	}
}

// redirectHome sends the client back to where it is.
func redirectHome(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://"+r.Host+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
}

// endless returns more than anybody wants to read.
func endless(http.Handler) http.Handler { return flood(http.StatusOK) }

func endlessError(http.Handler) http.Handler { return flood(http.StatusBadRequest) }

func flood(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		line := append(bytes.Repeat([]byte(" "), 1<<16), '{')
		for range 64 {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
}

// cutOff promises more of an answer than it sends.
func cutOff(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusOK)
		w.Write([]byte(`{"started": true, `))
	})
}

// notHTTP repeats the body that it was sent where a status line belongs.
func notHTTP(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		conn.Write([]byte("key abcdef\r\n\r\n"))
	})
}

// An answer that was lost after the share counted is found by asking.
func TestP5ShareThatCountedInALostAnswerIsSeenByAsking(t *testing.T) {
	t.Parallel()
	for claim, do := range map[string]vaulttest.Act{
		"hung up":     vaulttest.HangUpAfter(),
		"500":         vaulttest.RefuseAfter(http.StatusInternalServerError),
		"out of time": vaulttest.SlowAfter(slow),
	} {
		t.Run(claim, func(t *testing.T) {
			s := startEmulator(t, vaulttest.Options{})
			a := begin(t, s, s.client(t))
			c := s.client(t, within(impatient))
			s.emulator.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Do: do})
			_, err := c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, a.share))
			wantError(t, err, ceremony.ErrUncertain)
			got := progressOf(t, c, ceremony.Rekey, ceremony.StepUpdate)
			if got.VerificationNonce == "" || got.Nonce != a.rekey.Nonce {
				t.Errorf("asked afterwards: %+v", got)
			}
			backup, err := c.Backup(t.Context(), ceremony.Rekey)
			if err != nil || backup.Nonce != a.rekey.Nonce {
				t.Errorf("the new shares' backup: nonce %q, %v", backup.Nonce, err)
			}
		})
	}
}

// Vault drops the connection when it can't encrypt a root token, and keeps the
// token: the last share of such an attempt has no known outcome.
func TestRootTokenForAKeyThatCannotReadIsUncertain(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t)
		begun := start(t, c, rootFor(t, vaulttest.NewPersonWhoCannotRead(t, "requester")))
		submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:2]...)
		_, err := c.Submit(t.Context(), submission(ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[2]))
		wantError(t, err, ceremony.ErrUncertain)
	})
}

func TestP7AnswerThatBringsPlainOrMissingSharesIsNotPassedOn(t *testing.T) {
	t.Parallel()
	plain := base64Of(bytes.Repeat([]byte{0xaa}, 33))
	for claim, lie := range map[string]func(map[string]any){
		"plain shares":              func(a map[string]any) { a["keys_base64"] = []string{plain, plain} },
		"no shares":                 func(a map[string]any) { delete(a, "keys_base64") },
		"fewer shares than keys":    func(a map[string]any) { a["keys_base64"] = a["keys_base64"].([]any)[:1] },
		"shares for no keys":        func(a map[string]any) { delete(a, "pgp_fingerprints") },
		"a fingerprint that isn't":  func(a map[string]any) { a["pgp_fingerprints"] = []string{"a", "b"} },
		"a field of the wrong type": func(a map[string]any) { a["complete"] = "yes" },
	} {
		t.Run(claim, func(t *testing.T) {
			s := startEmulator(t, vaulttest.Options{})
			c := s.client(t)
			a := begin(t, s, c)
			s.emulator.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Do: vaulttest.Lie(lie)})
			answer, err := c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, a.share))
			wantError(t, err, ceremony.ErrUncertain)
			if !cmp.Equal(answer, ceremony.Answer{}) {
				t.Error("something was passed on")
			}
			if err != nil && strings.Contains(err.Error(), plain) {
				t.Error("the error tells a plain share")
			}
		})
	}
	t.Run("plain token", func(t *testing.T) {
		s := startEmulator(t, vaulttest.Options{})
		c := s.client(t)
		begun := start(t, c, rootFor(t, vaulttest.NewPerson(t, "requester")))
		submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:2]...)
		s.emulator.Script(vaulttest.Fault{Route: "PUT sys/generate-root/update", Do: vaulttest.Lie(func(a map[string]any) {
			a["encoded_token"] = base64Of([]byte("hvs.012345678901234567890123"))
		})})
		_, err := c.Submit(t.Context(), submission(ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[2]))
		wantError(t, err, ceremony.ErrUncertain)
	})
}

// Vault 2 and OpenBao put their answers into an envelope.
func TestAnswersInAnEnvelopeAreRead(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	s.emulator.Script(vaulttest.Fault{Times: vaulttest.Always, Do: vaulttest.Lie(func(a map[string]any) {
		if a["data"] != nil || len(a) == 0 {
			return
		}
		data := map[string]any{}
		for field, value := range a {
			data[field] = value
			delete(a, field)
		}
		a["data"], a["request_id"] = data, "1"
	})})
	c := s.client(t)
	receivers := people(t, 2)
	begun := start(t, c, rekeyFor(t, receivers, 2))
	made := submit(t, c, ceremony.Rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:threshold]...)
	if !made.Complete || len(made.Ciphertexts) != 2 {
		t.Fatalf("the rekey brought %d ciphertexts, complete %v", len(made.Ciphertexts), made.Complete)
	}
	proof := progressOf(t, c, ceremony.Rekey, ceremony.StepVerify)
	if proof.Nonce != made.VerificationNonce || proof.Required != 2 {
		t.Errorf("verification: %+v", proof)
	}
	if seal, err := c.Seal(t.Context()); err != nil || seal.Threshold != threshold {
		t.Errorf("seal: %+v, %v", seal, err)
	}
}

// A write that is on its way is finished when the asker is gone; one that is
// not does not begin.
func TestP5WriteOutlivesItsAskerAndDoesNotBeginWithoutOne(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t)
	a := begin(t, s, c)
	ctx, cancel := context.WithCancel(t.Context())
	s.emulator.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Do: vaulttest.Before(cancel)})
	answer, err := c.Submit(ctx, submission(ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, a.share))
	if err != nil || !answer.Complete {
		t.Errorf("cancelled under way: complete %v, %v", answer.Complete, err)
	}
	before := len(s.emulator.Log("PUT sys/generate-root/update"))
	_, err = c.Submit(ctx, submission(ceremony.GenerateRoot, ceremony.StepUpdate, a.root.Nonce, s.keys.Shares[0]))
	wantError(t, err, ceremony.ErrNotSent)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error %q does not say that it was cancelled", err)
	}
	if len(s.emulator.Log("PUT sys/generate-root/update")) != before {
		t.Error("it was sent")
	}
}

func TestShareGetsThreeTimesTheTimeout(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	a := begin(t, s, s.client(t))
	c := s.client(t, within(3*time.Second))
	s.emulator.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Do: vaulttest.SlowAfter(4500 * time.Millisecond)})
	if answer := submit(t, c, ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, a.share); !answer.Complete {
		t.Error("the share was not waited for")
	}
}

func TestSecretIsSpentWhateverHappens(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t)
	a := begin(t, s, c)
	gone := newClient(t, vault.Config{Addresses: []string{"http://127.0.0.1:1"}})
	for claim, client := range map[string]*vault.Client{"accepted": c, "unreachable": gone} {
		for _, op := range []ceremony.Operation{ceremony.Rekey, "unseal"} {
			share := submission(op, ceremony.StepUpdate, a.rekey.Nonce, a.share)
			client.Submit(t.Context(), share) // its outcome is not the point
			if err := share.Share.Use(func([]byte) error { return nil }); !errors.Is(err, secret.ErrSecretSpent) {
				t.Errorf("%s, %s: the share can be used again", claim, op)
			}
		}
	}
	_, err := c.Submit(t.Context(), func() ceremony.Submission {
		s := submission(ceremony.Rekey, ceremony.StepUpdate, a.rekey.Nonce, a.share)
		s.Share.Wipe()
		return s
	}())
	wantError(t, err, ceremony.ErrNotSent)
}

func TestBytesThatAreNoShareAreNotSent(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t)
	for _, text := range []string{"", `abcd","nonce":"`, "ab cd", "abcd\n", "ab\\u0041", "é", "\xff\xfe"} {
		_, err := c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.StepUpdate, "n", text))
		wantError(t, err, ceremony.ErrNotSent)
	}
	if sent := s.emulator.Log("PUT sys/rekey/update"); len(sent) > 0 {
		t.Errorf("they were sent: %v", sent)
	}
}

// An answer may repeat what was sent, in whatever place: none of it gets
// into an error.
func TestP1ShareIsInNoError(t *testing.T) {
	t.Parallel()
	const share = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff01"
	for claim, answer := range map[string]func(w http.ResponseWriter, conn func() net.Conn){
		"in Vault's words":  func(w http.ResponseWriter, _ func() net.Conn) { http.Error(w, `{"errors":["`+share+`"]}`, 400) },
		"in no JSON":        func(w http.ResponseWriter, _ func() net.Conn) { io.WriteString(w, share) },
		"in a wrong type":   func(w http.ResponseWriter, _ func() net.Conn) { io.WriteString(w, `{"complete":"`+share+`"}`) },
		"in a server error": func(w http.ResponseWriter, _ func() net.Conn) { http.Error(w, share, 500) },
		"in the status line": func(_ http.ResponseWriter, conn func() net.Conn) {
			io.WriteString(conn(), "HTTP/1.1 "+share+"\r\n\r\n")
		},
		"in no status line": func(_ http.ResponseWriter, conn func() net.Conn) { io.WriteString(conn(), share+"\r\n\r\n") },
		"in a header": func(_ http.ResponseWriter, conn func() net.Conn) {
			io.WriteString(conn(), "HTTP/1.1 200 OK\r\n"+share+"\r\n\r\n")
		},
		"in a length": func(_ http.ResponseWriter, conn func() net.Conn) {
			io.WriteString(conn(), "HTTP/1.1 200 OK\r\nContent-Length: "+share+"\r\n\r\n")
		},
		"in a redirect": func(w http.ResponseWriter, _ func() net.Conn) {
			w.Header().Set("Location", "https://"+share)
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"in a fingerprint": func(w http.ResponseWriter, _ func() net.Conn) {
			io.WriteString(w, `{"complete":true,"keys_base64":["x"],"pgp_fingerprints":["`+share+`"]}`)
		},
	} {
		t.Run(claim, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					io.WriteString(w, `{"ha_enabled":false}`)
					return
				}
				answer(w, func() net.Conn {
					conn, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						panic(err)
					}
					t.Cleanup(func() { conn.Close() })
					return conn
				})
			}))
			t.Cleanup(server.Close)
			c := newClient(t, vault.Config{Addresses: []string{server.URL}, Timeout: time.Second})
			_, err := c.Submit(t.Context(), submission(ceremony.Rekey, ceremony.StepUpdate, "n", share))
			if err == nil {
				t.Fatal("no error")
			}
			for _, form := range []string{"%v", "%+v", "%#v", "%q"} {
				if strings.Contains(fmt.Sprintf(form, err), share[:16]) {
					t.Errorf("the error tells it: %v", err)
				}
			}
		})
	}
}

// BenchmarkSubmit is one share to a Vault on this machine that answers at once:
// what the adapter and its fresh connection cost.
func BenchmarkSubmit(b *testing.B) {
	pending := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"nonce":"n","started":true,"t":3,"n":5,"progress":1,"required":3}`)
		})
	}
	for _, scheme := range []string{"http", "https"} {
		b.Run(scheme, func(b *testing.B) {
			var o vaulttest.Options
			if scheme == "https" {
				var err error
				if o.TLS, err = vaulttest.NewAuthority(); err != nil {
					b.Fatal(err)
				}
			}
			o.Unruly = true // it is the same share over and over
			s := startEmulator(b, o)
			s.emulator.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Times: vaulttest.Always, Do: pending})
			c := s.client(b)
			b.ReportAllocs()
			for b.Loop() {
				submit(b, c, ceremony.Rekey, ceremony.StepUpdate, "n", s.keys.Shares[0])
			}
		})
	}
}
