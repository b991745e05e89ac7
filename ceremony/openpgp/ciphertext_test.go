package openpgp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"conclave/ceremony/openpgp"
)

// wrapped breaks a text into lines, as base64(1), openssl or a narrow window does.
func wrapped(s string, size int) string {
	var b strings.Builder
	for len(s) > size {
		b.WriteString(s[:size] + "\n")
		s = s[size:]
	}
	return b.String() + s + "\n"
}

func TestShareIsReadInEveryFormInWhichVaultPrintsIt(t *testing.T) {
	s := newStage(t)
	certificate := must(s.bot.Certificate(s.want.Signer))(t)
	message := asVault(t, certificate, share)
	b64, digits := base64.StdEncoding.EncodeToString(message), hex.EncodeToString(message)
	armored := string(enarmor(t, "PGP MESSAGE", message))
	signed := must(s.bot.SignDelivery(s.parcel(t)))(t)
	forms := map[string]string{
		"binary":                      string(message),
		"armored":                     armored,
		"armored, with a BOM":         "\ufeff" + armored,
		"the message that brought it": signed.Line + armored,
		"armored twice":               armored + "\n" + armored,
		"base64":                      b64,
		"base64 without padding":      strings.TrimRight(b64, "="),
		"base64 and a line's end":     b64 + "\n",
		"base64 in lines":             wrapped(b64, 76),
		"hex":                         digits,
		"capital hex":                 strings.ToUpper(digits),
		"hex in lines":                wrapped(digits, 60),
		"hex in groups":               strings.Join(strings.Fields(fmt.Sprintf("% x", message)), " "),
		"a line of operator init":     "Unseal Key 1: " + b64 + "\n",
		"that line, broken":           "Unseal Key 1: " + wrapped(b64, 64),
		"a line of operator rekey":    "Key 2 fingerprint: " + string(s.want.Signer) + "; value: " + b64 + "\n",
		"JSON":                        `{"keys":["` + digits + `"],"keys_base64":["` + b64 + `"],"pgp_fingerprints":["` + string(s.want.Signer) + `"]}`,
		"a variable":                  "SHARE=" + b64,
	}
	holder := holderKey(t, s.holder)
	for name, form := range forms {
		files := map[string]string{name: form}
		if name != "binary" {
			files[name+", CRLF"] = strings.ReplaceAll(form, "\n", "\r\n") + "\r\n"
			files[name+", BOM"] = "\ufeff" + form
			files[name+", UTF-16"] = utf16As(binary.LittleEndian)(form)
			files[name+", UTF-16 the other way"] = utf16As(binary.BigEndian)(form)
		}
		for name, file := range files {
			if got, err := openpgp.Ciphertext([]byte(file)); err != nil || !bytes.Equal(got, message) {
				t.Errorf("%s: %v", name, err)
			}
			if plain, err := holder.Decrypt([]byte(file)); err != nil || string(plain) != share {
				t.Errorf("%s: opens as %q, %v", name, plain, err)
			}
		}
	}
}

func enarmored(t *testing.T, b64 string) string {
	t.Helper()
	return string(enarmor(t, "PGP MESSAGE", must(base64.StdEncoding.DecodeString(b64))(t))) + "\n"
}

func TestFileWithoutOneCiphertextSaysWhatItIs(t *testing.T) {
	s := newStage(t)
	certificate := must(s.bot.Certificate(s.want.Signer))(t)
	one, two := base64.StdEncoding.EncodeToString(asVault(t, certificate, share)), base64.StdEncoding.EncodeToString(
		asVault(t, certificate, share),
	)
	for name, tt := range map[string]struct {
		file string
		want error
	}{
		"nothing":              {"", openpgp.ErrNotCiphertext},
		"words":                {"the root token went to mallory\n", openpgp.ErrNotCiphertext},
		"base64 of words":      {"dGhlIHJvb3QgdG9rZW4gd2VudCB0byBtYWxsb3J5", openpgp.ErrNotCiphertext},
		"base64 that was cut":  {one[:len(one)/3], openpgp.ErrNotCiphertext},
		"a signed message":     {s.key.Announced().Announcement, openpgp.ErrNotCiphertext},
		"a share in the open":  {share + "\r\n", openpgp.ErrOpenShare},
		"one in UTF-16":        {utf16As(binary.LittleEndian)(share), openpgp.ErrOpenShare},
		"everybody's":          {"Unseal Key 1: " + one + "\nUnseal Key 2: " + two + "\n", openpgp.ErrSeveralCiphertexts},
		"everybody's as JSON":  {`["` + one + `","` + two + `"]`, openpgp.ErrSeveralCiphertexts},
		"an old one and a new": {enarmored(t, one) + enarmored(t, two), openpgp.ErrSeveralCiphertexts},
		"armor with a hole":    {strings.Replace(enarmored(t, one), "\n\n", "\n\nAAAA", 1), openpgp.ErrNotCiphertext},
	} {
		if got, err := openpgp.Ciphertext([]byte(tt.file)); !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestCutCiphertextIsNotTakenForAWholeOne(t *testing.T) {
	s := newStage(t)
	message := asVault(t, must(s.bot.Certificate(s.want.Signer))(t), share)
	for n := range message {
		if 2*n == len(share) {
			continue // that many digits look like a share
		}
		if _, err := openpgp.Ciphertext([]byte(hex.EncodeToString(message[:n]))); !errors.Is(err, openpgp.ErrNotCiphertext) {
			t.Errorf("%d of %d bytes: %v", n, len(message), err)
		}
	}
}

func TestWhatVaultPrintsIsArmoredForADelivery(t *testing.T) {
	s := newStage(t)
	parcel := s.parcel(t)
	signed := must(s.bot.SignDelivery(parcel))(t)
	message := must(base64.StdEncoding.DecodeString(parcel.Ciphertext))(t)
	for name, file := range map[string]string{"base64": parcel.Ciphertext + "\n", "hex": hex.EncodeToString(message), "UTF-16": utf16As(binary.LittleEndian)(parcel.Ciphertext)} {
		armored := must(openpgp.Armored([]byte(file)))(t)
		got, err := openpgp.CheckDeliveries([]byte(signed.Line+"\n"+string(armored)), s.identity.Fingerprint())
		if err != nil || len(got) != 1 || got[0].Parcel != parcel {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// Each file of a delivery may be in an encoding of its own.
func TestMessageAndShareAreReadTogetherWhateverTheirEncodings(t *testing.T) {
	s := newStage(t)
	parcel := s.parcel(t)
	signed := must(s.bot.SignDelivery(parcel))(t)
	plain := func(s string) string { return s }
	for _, one := range []func(string) string{plain, utf16As(binary.LittleEndian), utf16As(binary.BigEndian)} {
		for _, other := range []func(string) string{plain, utf16As(binary.LittleEndian), utf16As(binary.BigEndian)} {
			for name, share := range map[string]string{"base64": parcel.Ciphertext, "armor": signed.Armor} {
				files := []string{one(signed.Line), other(share)}
				var parts [][]byte
				for _, file := range append(files, files...) { // each of them before the other
					parts = append(parts, must(openpgp.Armored([]byte(file)))(t))
				}
				got, err := openpgp.CheckDeliveries(bytes.Join(parts[:2], []byte("\n")), s.identity.Fingerprint())
				if err != nil || len(got) != 1 || got[0].Parcel != parcel {
					t.Errorf("%s behind %q…: %v, %v", name, files[0][:4], got, err)
				}
				got, err = openpgp.CheckDeliveries(bytes.Join(parts[1:3], []byte("\n")), s.identity.Fingerprint())
				if err != nil || len(got) != 1 || got[0].Parcel != parcel {
					t.Errorf("%s before %q…: %v, %v", name, files[0][:4], got, err)
				}
			}
		}
	}
}

// The command decrypts a file that Windows has begun with a mark.
func TestEnvelopeWithAMarkBeforeTheShareIsOpened(t *testing.T) {
	s := newStage(t)
	s.opened(t, s.craft(t, craft{content: strings.Replace(s.wholePayload(), share, "\ufeff"+share, 1)}))
}
