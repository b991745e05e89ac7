package openpgp_test

import (
	"bytes"
	"crypto"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/needs"
)

const statement = "conclave-word1 prod-rekey-k7m2 0b9d5dc1 approve"

// state signs a text inline, as gpg --sign does.
func state(t testing.TB, text string, at time.Time, signers ...*pgp.Entity) []byte {
	t.Helper()
	var message bytes.Buffer
	w, err := pgp.Sign(
		&message, signers, nil, &packet.Config{Time: func() time.Time { return at }, DefaultHash: crypto.SHA256},
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return message.Bytes()
}

func TestStatementOfTheRightPersonIsRead(t *testing.T) {
	s := newStage(t)
	signed := state(t, statement+"\n", s.want.Now, s.holder)
	for name, pasted := range map[string][]byte{
		"binary":     signed,
		"armored":    enarmor(t, "PGP MESSAGE", signed),
		"with words": []byte("here it is:\n" + string(enarmor(t, "PGP MESSAGE", signed)) + "\nAda\n"),
	} {
		got, err := s.bot.VerifyStatement(pasted, s.want.Signer, s.want.NotBefore, s.want.Now)
		if err != nil || got.Line != statement {
			t.Errorf("%s: %q, %v", name, got.Line, err)
		}
		// What is kept of it is what was signed, and no word that stood around it.
		if kept, err := s.bot.VerifyStatement([]byte(got.Armor), s.want.Signer, s.want.NotBefore, s.want.Now); err != nil || kept != got || strings.Contains(got.Armor, "Ada") {
			t.Errorf("%s: kept is %q, %v", name, got.Armor, err)
		}
	}
}

func TestP2StatementIsRefusedForItsOwnReason(t *testing.T) {
	s := newStage(t)
	other := newHolder(t, "Eve", start)
	altered := state(t, statement, s.want.Now, s.holder)
	altered[bytes.Index(altered, []byte("approve"))] = 'A'
	var clear bytes.Buffer
	w, err := clearsign.Encode(&clear, s.holder.PrivateKey, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, statement)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var unsigned bytes.Buffer
	literal(t, &unsigned, statement)

	for name, c := range map[string]struct {
		pasted []byte
		want   ceremony.Refusal
	}{
		"by another key":       {state(t, statement, s.want.Now, other), ceremony.WrongSigner},
		"by two":               {state(t, statement, s.want.Now, s.holder, other), ceremony.ManySignatures},
		"before the plan":      {state(t, statement, s.want.NotBefore.Add(-time.Hour), s.holder), ceremony.Stale},
		"tomorrow":             {state(t, statement, s.want.Now.Add(24*time.Hour), s.holder), ceremony.FromTheFuture},
		"altered":              {altered, ceremony.BadSignature},
		"two lines":            {state(t, statement+"\n"+statement, s.want.Now, s.holder), ceremony.BadMessage},
		"with a cursor's move": {state(t, statement+"\x1b[2J", s.want.Now, s.holder), ceremony.BadMessage},
		"empty":                {state(t, "\n", s.want.Now, s.holder), ceremony.BadMessage},
		"a novel":              {state(t, strings.Repeat("a", 4<<10), s.want.Now, s.holder), ceremony.TooBig},
		"more than a letter":   {bytes.Repeat([]byte("a"), 64<<10), ceremony.TooBig},
		"clearsigned":          {clear.Bytes(), ceremony.NoArmor},
		"encrypted":            {s.craft(t, craft{content: statement}), ceremony.BadMessage},
		"nothing":              {nil, ceremony.NoArmor},
		"unsigned":             {unsigned.Bytes(), ceremony.Unsigned},
	} {
		got, err := s.bot.VerifyStatement(c.pasted, s.want.Signer, s.want.NotBefore, s.want.Now)
		if reason, _ := ceremony.RefusalOf(err); reason != c.want || got != (ceremony.SignedLine{}) {
			t.Errorf("%s: %q, %v; want %s", name, got.Line, err, c.want)
		}
	}
}

func TestStatementOfSomebodyWithoutACertificateIsNone(t *testing.T) {
	s := newStage(t)
	_, err := s.bot.VerifyStatement(state(t, statement, s.want.Now, s.holder), ceremony.Fingerprint(strings.Repeat("0", 40)), s.want.NotBefore, s.want.Now)
	if !errors.Is(err, ceremony.HolderKeyInvalid) {
		t.Error(err)
	}
}

func TestPeekSeesTheLineThatVerifyJudges(t *testing.T) {
	s := newStage(t)
	signed := state(t, statement+"\n", s.want.Now, s.holder)
	for name, pasted := range map[string][]byte{
		"binary":        signed,
		"armored":       enarmor(t, "PGP MESSAGE", signed),
		"with words":    []byte("here it is:\n" + string(enarmor(t, "PGP MESSAGE", signed)) + "\nAda\n"),
		"by a stranger": state(t, statement, s.want.Now, newHolder(t, "Eve", start)),
		"two lines":     state(t, statement+"\n"+statement, s.want.Now, s.holder),
	} {
		if line, ok := s.bot.PeekStatement(pasted); !ok || line != statement {
			t.Errorf("%s: %q, %t", name, line, ok)
		}
	}
}

func TestPeekSeesNothingInWhatIsNoStatement(t *testing.T) {
	s := newStage(t)
	var unsigned strings.Builder
	literal(t, &unsigned, statement)
	for name, pasted := range map[string][]byte{
		"nothing":       nil,
		"talk":          []byte(statement),
		"an envelope":   s.craft(t, craft{}),
		"unsigned":      []byte(unsigned.String()),
		"a key":         public(t, s.holder),
		"too long":      append(state(t, statement, s.now, s.holder), make([]byte, 64<<10)...),
		"signed share":  state(t, s.payload(), s.now, s.holder),
		"signed token":  state(t, "hvs.CAESIJ0123456789abcdefABCDEF", s.now, s.holder),
		"a long line":   state(t, strings.Repeat("a", 4<<10), s.now, s.holder),
		"cursor's move": state(t, "\x1b[2J"+statement, s.now, s.holder),
	} {
		if line, ok := s.bot.PeekStatement(pasted); ok {
			t.Errorf("%s: %q", name, line)
		}
	}
}

func TestP1SignedShareIsNoStatement(t *testing.T) {
	s := newStage(t)
	for text, want := range map[string]ceremony.Refusal{
		s.payload():                        ceremony.PlainShare,
		"hvs.CAESIJ0123456789abcdefABCDEF": ceremony.PrivateMaterial,
	} {
		got, err := s.bot.VerifyStatement(state(t, text, s.want.Now, s.holder), s.want.Signer, s.want.NotBefore, s.want.Now)
		if reason, _ := ceremony.RefusalOf(err); reason != want || got != (ceremony.SignedLine{}) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A message of 800 bytes that unpacks to gigabytes is left alone after a little of
// it.
func TestPeekIsNotKeptBusyByABomb(t *testing.T) {
	s := newStage(t)
	for _, algorithm := range []packet.CompressionAlgo{packet.CompressionZLIB, packet.CompressionZIP} {
		var b strings.Builder
		w := must(packet.SerializeCompressed(nopCloser{&b}, algorithm, nil))(t)
		inner := must(pgp.Sign(w, []*pgp.Entity{s.holder}, nil, at(s.now)))(t)
		for range 64 / needs.Step(4) {
			if _, err := inner.Write(make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
		}
		if err := inner.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if line, ok := s.bot.PeekStatement([]byte(b.String())); ok {
			t.Errorf("%d bytes: %q", b.Len(), line)
		}
	}
}

// A command that was copied has spaces that are none of ASCII's, and what a computer
// with Windows pipes begins with a mark. As no word, it would be called a share in the
// open.
func TestStatementWithOtherSpacesIsRead(t *testing.T) {
	s := newStage(t)
	for name, text := range map[string]string{
		"no-break":   strings.ReplaceAll(statement, " ", "\u00a0"),
		"narrow":     strings.Replace(statement, " ", "\u202f", 1) + "\r\n",
		"with a BOM": "\ufeff" + statement + "\n",
	} {
		signed := state(t, text, s.want.Now, s.holder)
		if line, ok := s.bot.PeekStatement(signed); !ok || line != statement {
			t.Errorf("%s: seen as %q, %t", name, line, ok)
		}
		kept, err := s.bot.VerifyStatement(signed, s.want.Signer, s.want.NotBefore, s.want.Now)
		if err != nil || kept.Line != statement {
			t.Errorf("%s: %q, %v", name, kept.Line, err)
			continue
		}
		line, _, err := openpgp.VerifySignedWord(
			string(public(t, s.holder)), s.want.Signer, kept.Armor, s.want.NotBefore, s.want.Now,
		)
		if err != nil || line != statement {
			t.Errorf("%s: an auditor reads %q, %v", name, line, err)
		}
	}
}
