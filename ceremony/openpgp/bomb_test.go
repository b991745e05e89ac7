package openpgp_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"conclave/ceremony/openpgp"
	"conclave/needs"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// zeros is a message that unpacks to that many megabytes of them.
func zeros(t testing.TB, algorithm packet.CompressionAlgo, megabytes int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := must(packet.SerializeCompressed(nopCloser{&b}, algorithm, &packet.CompressionConfig{Level: 9}))(t)
	l := must(packet.SerializeLiteral(nopCloser{w}, true, "", 0))(t)
	for range megabytes {
		if _, err := l.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bzippedZeros is 64 of them, packed by bzip2, which the standard library can only
// unpack: python3 -c 'import bz2; n = 64 << 20; print((b"\xa3\x03" + bz2.compress(
// b"\xcb\xff" + (n+6).to_bytes(4, "big") + b"b\0\0\0\0\0" + bytes(n))).hex())'.
func bzippedZeros(t testing.TB) []byte {
	t.Helper()
	return must(base64.StdEncoding.DecodeString(bzipped))(t)
}

const bzipped = "owNCWmg5MUFZJlNZYmgdOwV+OMEExQAQAAAIAAigAFCGAE1SA32RUBLRFQEt4IqAl7O80RUBL3zFBWSZTWbTjYJkAonTAAMI" +
	"AAAggADDMBSmmiVEJsJKiE8XckU4UJBwM1rv"

func TestDecompressionBombIsDefusedWhereverItIsRead(t *testing.T) {
	s := newStage(t)
	pinned := s.identity.Fingerprint()
	certificate := must(s.identity.PublicArmor())(t)
	megabytes := 64 / needs.Step(4)
	for name, packed := range map[string]struct {
		bomb      []byte
		megabytes int
	}{
		"zip":   {zeros(t, packet.CompressionZIP, megabytes), megabytes},
		"zlib":  {zeros(t, packet.CompressionZLIB, megabytes), megabytes},
		"bzip2": {bzippedZeros(t), 64},
	} {
		bomb, size := packed.bomb, uint64(packed.megabytes)<<20
		sealed := s.wrap(t, packet.CipherAES256, func(w io.Writer) { _, _ = w.Write(bomb) })
		armored := enarmor(t, "PGP MESSAGE", bomb)
		for where, read := range map[string]func() error{
			"an envelope":          func() error { _, _, err := s.key.Open(sealed, s.want); return err },
			"a letter in the open": func() error { _, _, err := s.key.Open(armored, s.want); return err },
			"beside an envelope": func() error {
				_, _, err := s.key.Open(concat(armored[:min(len(armored), 8<<10)], sealed), s.want)
				return err
			},
			"a statement": func() error {
				_, err := s.bot.VerifyStatement(armored, s.want.Signer, s.want.NotBefore, s.want.Now)
				return err
			},
			"a statement, peeked": func() error { _, ok := s.bot.PeekStatement(bomb); return map[bool]error{false: io.EOF}[ok] },
			"what an auditor reads": func() error {
				_, _, err := openpgp.VerifySignedWord(
					string(public(t, s.holder)), s.want.Signer, string(armored), s.want.NotBefore, s.want.Now,
				)
				return err
			},
			"what a holder pastes": func() error {
				_, err := openpgp.CheckAnnouncement(concat(armored, []byte(s.key.Announced().Certificate)), pinned, s.now)
				return err
			},
			"a delivery": func() error {
				_, err := openpgp.CheckDeliveries(concat(armored, []byte(certificate)), pinned)
				return err
			},
		} {
			var before, after runtime.MemStats
			began := time.Now()
			runtime.ReadMemStats(&before)
			err := read()
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("%s: %s is accepted", name, where)
			}
			// The tables of bzip2 take four bytes for each of the 900,000 of a block.
			if grown := after.TotalAlloc - before.TotalAlloc; grown > size/4 {
				t.Errorf("%s: %s: %d bytes made %d bytes of garbage", name, where, len(bomb), grown)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("%s: %s took %v", name, where, took)
			}
		}
	}
}

func TestDecompressionBombInWhatVaultHasMadeIsDefused(t *testing.T) {
	s := newStage(t)
	key := holderKey(t, s.holder)
	sealed := s.craft(t, craft{to: []*pgp.Entity{s.holder}, content: strings.Repeat("0", 10<<20/needs.Step(8)), compress: packet.CompressionZLIB, unsigned: true})
	if plain, err := key.Decrypt(sealed); err == nil {
		t.Errorf("%d bytes", len(plain))
	}
}
