package openpgp

import "errors"

// What is wrong with a key, in words that follow a key's name.
var (
	ErrNoKey          = errors.New("there is no OpenPGP key in it")
	ErrSecretKey      = errors.New("it holds a secret key; only public keys may leave their owner")
	ErrNotSecretKey   = errors.New("it holds no secret key")
	ErrSeveralKeys    = errors.New("it holds more than one key; export just one")
	ErrKeyVersion     = errors.New("only version 4 keys can be read again by every Vault")
	ErrKeyAlgorithm   = errors.New("only RSA, Ed25519 with Curve25519 (as gpg makes them) and the NIST curves are usable with Vault")
	ErrKeyTooShort    = errors.New("RSA keys need 2048 bits or more")
	ErrWeakSelfSig    = errors.New("its own signatures use SHA-1 or are damaged; renew them, in gpg by setting the expiry again, and export it once more")
	ErrKeyExpired     = errors.New("it has expired")
	ErrKeyExpires     = errors.New("it expires before the ceremony's window closes")
	ErrKeyRevoked     = errors.New("it is revoked")
	ErrCannotEncrypt  = errors.New("it has no valid part to encrypt to")
	ErrCannotSign     = errors.New("it has no valid part that signs")
	ErrTrialFailed    = errors.New("encrypting to it as Vault does goes wrong")
	ErrUnknownKey     = errors.New("no certificate with this fingerprint is configured")
	ErrKeyOnCard      = errors.New("the part of it that signs is not in the file: it is on a smartcard or kept elsewhere, and gpg can use it")
	ErrPassphrase     = errors.New("the passphrase does not open it")
	ErrNoPassphrase   = errors.New("a passphrase is needed, and must not be empty")
	ErrNotProtected   = errors.New("it is not protected by a passphrase")
	ErrNotIdentityKey = errors.New("an identity is a version 4 Ed25519 key that signs")
)

// What is wrong with something that should come from the bot.
var (
	ErrNoAnnouncement    = errors.New("there is no announcement in it")
	ErrNoCertificate     = errors.New("the bot's certificate is missing; it comes with the announcement")
	ErrOtherIdentity     = errors.New("it comes from another identity than the pinned one")
	ErrNotSigned         = errors.New("it is not signed by the pinned identity")
	ErrAnnouncement      = errors.New("the announcement can't be understood")
	ErrAnnouncementPlan  = errors.New("the announcement's plan is not the one that its hash names")
	ErrAnnouncementStale = errors.New("the announcement has expired")
	ErrFromTheFuture     = errors.New("it is dated in the future; is this computer's clock right?")
	ErrCeremonyKey       = errors.New("the certificate's encryption key is not the one that was announced")
	ErrNotAShare         = errors.New("it does not look like a key share: neither hexadecimal digits nor base64 of the right length")
	ErrNotAPassword      = errors.New("it does not look like a one-time password: 20 to 64 letters and digits, and nothing else")
	ErrAsksShare         = errors.New("the message asks for a key share, and not for a one-time password")
	ErrAsksPassword      = errors.New("the message asks for a one-time password, and not for a key share")
	ErrNoDelivery        = errors.New("there is no signed delivery line in it")
	ErrDeliveryAltered   = errors.New("the ciphertext is not the one that the delivery line names")
	ErrNotDecrypted      = errors.New("the message can't be decrypted with this key")
	ErrNotCiphertext     = errors.New("it is no PGP message, or not encrypted")
	ErrWrongRecipient    = errors.New("the message is not encrypted to its recipient's key")
)
