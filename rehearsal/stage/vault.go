package stage

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"conclave/ceremony"
	"conclave/vault/vaulttest/operator"
)

// Server is the Vault of a stage.
type Server struct {
	Addrs []string
	CA    []byte // in PEM; nil over plain HTTP, or for the system's authorities

	// Shares are the shares of an initialised server in plain text, in hex or base64: all of them, at most five. The
	// first holders get one each, and all holders get one from a rekey. Without shares, Set initialises the server:
	// five shares of which three are needed, encrypted to their holders by Vault.
	Shares []string
	// Token is a root token. It is not needed if Set initialises the server.
	Token string
	// BotToken is the token that the bot gets. Empty means Token.
	BotToken string
	// Uninitialised leaves a new server as it is: neither people nor the bot have a share or a token of it.
	Uninitialised bool
}

func (s *Stage) botToken() string {
	if s.server.BotToken != "" {
		return s.server.BotToken
	}
	return s.Vault.Token
}

// GiveLeastToken replaces the bot's token by one with the policy that "conclave
// policy" prints for the configuration, and nothing else. The server has to be
// unsealed.
func (s *Stage) GiveLeastToken(ctx context.Context) error {
	policy, err := s.Run(ctx, "policy", ClusterName, "--config", s.ConfigFile())
	if err != nil {
		return err
	}
	token, _, err := s.Vault.NewToken(ctx, policy, map[string]any{"no_parent": true, "no_default_policy": true})
	if err != nil {
		return err
	}
	s.Know("the bot's Vault token", token)
	return s.writeSecret("vault-token", token)
}

// prepareVault initialises and unseals the server if need be, and gives each holder a share.
func (s *Stage) prepareVault(ctx context.Context) error {
	if len(s.server.Addrs) == 0 {
		return errors.New("no vault to go to")
	}
	s.Vault = operator.NewOperator(s.server.Addrs[0], s.server.CA)
	s.Vault.Token = s.server.Token
	if s.server.CA != nil {
		if err := writeFile(s.dir, "vault-ca.pem", string(s.server.CA)); err != nil {
			return err
		}
	}
	if s.server.Uninitialised {
		return nil
	}
	if err := s.handOut(ctx); err != nil {
		return err
	}
	s.Know("vault's root token", s.Vault.Token)
	var shares []string
	for _, name := range s.settings.Holders {
		share, err := s.Person(name).Share(ctx, "")
		if err != nil {
			return fmt.Errorf("%s opens the first share: %w", name, err)
		}
		s.Know(name+"'s first share", share)
		shares = append(shares, share)
	}
	seal, err := s.Seal(ctx)
	if err != nil {
		return err
	}
	for _, address := range s.server.Addrs {
		if err := s.At(address).Unseal(ctx, shares[:seal.Threshold]...); err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
	}
	return nil
}

// At returns the same person as Vault, at another node.
func (s *Stage) At(address string) *operator.Operator {
	other := *s.Vault
	other.Addr = address
	return &other
}

// handOut returns each holder a share, encrypted to them as they keep it.
func (s *Stage) handOut(ctx context.Context) error {
	if len(s.server.Shares) == 0 {
		return s.initialise(ctx)
	}
	seal, err := s.Seal(ctx)
	if err != nil {
		return err
	}
	switch n := len(s.server.Shares); {
	case !seal.Initialized:
		return errors.New("the server is not initialised, so that the shares can't be its own")
	case n != seal.Shares:
		return fmt.Errorf("the server's key has %d shares, and %d are given", seal.Shares, n)
	case n > len(Holders()):
		return fmt.Errorf("the server's key has %d shares, and there are %d people on stage", n, len(Holders()))
	}
	s.settings.Holders, s.settings.Receivers = Holders()[:len(s.server.Shares)], Holders()
	for i, share := range s.server.Shares {
		p := s.Person(s.settings.Holders[i])
		message, err := encryptTo(p.Keys.Certificate(), []byte(share))
		if err != nil {
			return fmt.Errorf("encrypt a share to %s: %w", p.Name, err)
		}
		if err := p.Keys.Keep(ShareFile, message); err != nil {
			return err
		}
	}
	return nil
}

// initialise lets Vault encrypt the first shares to their holders, as a careful team does.
func (s *Stage) initialise(ctx context.Context) error {
	var keys []string
	for _, name := range s.settings.Holders {
		key, err := dearmor(s.Person(name).Keys.Certificate())
		if err != nil {
			return fmt.Errorf("read %s's certificate: %w", name, err)
		}
		keys = append(keys, base64.StdEncoding.EncodeToString(key))
	}
	seal, err := s.Seal(ctx)
	if err != nil {
		return err
	}
	terms, made := map[string]any{"secret_shares": len(keys), "secret_threshold": Threshold,
		"pgp_keys": keys}, "keys_base64"
	if seal.UnsealsItself() {
		terms = map[string]any{"recovery_shares": len(keys), "recovery_threshold": Threshold, "recovery_pgp_keys": keys}
		made = "recovery_keys_base64"
	}
	answer, err := s.demand(ctx, "PUT", "sys/init", terms)
	if err != nil {
		return err
	}
	s.Vault.Token = answer.String("root_token")
	for i, message := range answer.Strings(made) {
		binary, err := base64.StdEncoding.DecodeString(message)
		if err != nil {
			return fmt.Errorf("read share %d: %w", i+1, err)
		}
		if err := s.Person(s.settings.Holders[i]).Keys.Keep(ShareFile, binary); err != nil {
			return err
		}
	}
	return nil
}

// Seal returns the server's seal status.
func (s *Stage) Seal(ctx context.Context) (ceremony.Seal, error) {
	answer, err := s.demand(ctx, "GET", "sys/seal-status", nil)
	return ceremony.Seal{
		Initialized: answer.Bool("initialized"), Sealed: answer.Bool("sealed"), Type: answer.String("type"),
		Shares: answer.Int("n"), Threshold: answer.Int("t"), Version: answer.String("version"),
	}, err
}

// demand sends a request to Vault that has to succeed.
func (s *Stage) demand(ctx context.Context, method, path string, body any) (operator.Answer, error) {
	answer, err := s.Vault.Do(ctx, method, path, body)
	if err == nil && answer.Status >= http.StatusMultipleChoices {
		err = fmt.Errorf("vault: %s %s: status %d: %s", method, path, answer.Status, strings.Join(answer.Errors, "; "))
	}
	return answer, err
}

// Shares returns people's shares in plain text, in the order of the people: the shares that they hold, or with a
// ceremony the ones that it brought.
func (s *Stage) Shares(ctx context.Context, of ceremony.ID, who ...string) ([]string, error) {
	var shares []string
	for _, name := range who {
		share, err := s.Person(name).Share(ctx, of)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		shares = append(shares, share)
	}
	return shares, nil
}

// Proves reports whether Vault takes the shares for the key in force, without sealing it: they make a root token, which
// is revoked at once. Vault compares the key that they combine to with its own before it makes one.
func (s *Stage) Proves(ctx context.Context, shares ...string) (_ bool, err error) {
	attempt, err := s.demand(ctx, "PUT", "sys/generate-root/attempt", map[string]any{})
	if err != nil {
		return false, err
	}
	otp, nonce := attempt.String("otp"), attempt.String("nonce")
	for _, share := range shares {
		answer, err := s.Vault.Do(ctx, "PUT", "sys/generate-root/update", map[string]string{"key": share, "nonce": nonce})
		if err != nil {
			return false, err
		}
		if answer.Bool("complete") {
			return s.provesRoot(ctx, answer.String("encoded_token"), otp)
		}
		if answer.Status != http.StatusOK {
			break
		}
	}
	// Vault drops an attempt whose shares are wrong. After another error the attempt is still there.
	_, err = s.demand(ctx, "DELETE", "sys/generate-root/attempt", nil)
	return false, err
}

// provesRoot reports whether the token that came out is a root token, and revokes it.
func (s *Stage) provesRoot(ctx context.Context, encoded, otp string) (bool, error) {
	token, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil || len(token) != len(otp) {
		return false, errors.New("vault's encoded token can't be decoded")
	}
	for i := range token {
		token[i] ^= otp[i]
	}
	root, err := s.Vault.IsRootToken(ctx, string(token))
	if err != nil {
		return false, err
	}
	if err := s.Revoke(ctx, string(token)); err != nil {
		return false, err
	}
	return root, nil
}

// AccessorOf returns the accessor of a token, which names the token without giving it away. "vault token lookup" shows
// it to the token's holder.
func (s *Stage) AccessorOf(ctx context.Context, token string) (string, error) {
	answer, err := s.Vault.As(token).Do(ctx, "GET", "auth/token/lookup-self", nil)
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("look up token: status %d: %s", answer.Status, strings.Join(answer.Errors, "; "))
	}
	return answer.Data().String("accessor"), err
}

// Revoke revokes a token by itself, as its holder does when the work is done.
func (s *Stage) Revoke(ctx context.Context, token string) error {
	answer, err := s.Vault.As(token).Do(ctx, "PUT", "auth/token/revoke-self", nil)
	if err == nil && answer.Status >= http.StatusMultipleChoices {
		err = fmt.Errorf("revoke token: status %d: %s", answer.Status, strings.Join(answer.Errors, "; "))
	}
	return err
}
