package hostport_test

import (
	"net/url"
	"testing"

	"conclave/host/hostport"
)

func TestOnePlaceIsWrittenInOneWay(t *testing.T) {
	for address, want := range map[string]string{
		"https://vault.example.com":         "vault.example.com:443",
		"https://Vault.Example.COM:443/x":   "vault.example.com:443",
		"https://vault.example.com:8200":    "vault.example.com:8200",
		"http://vault.example.com":          "vault.example.com:80",
		"https://[2001:DB8:0:0:0:0:0:1]":    "[2001:db8::1]:443",
		"https://[2001:db8::1]:443":         "[2001:db8::1]:443",
		"http://127.0.0.1:8200":             "127.0.0.1:8200",
		"https://[fe80::1%25Eth0]:8200":     "[fe80::1%Eth0]:8200",
		"https://vault.example.com.:8200":   "vault.example.com.:8200",
		"https://user@vault.example.com:80": "vault.example.com:80",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostport.Of(u); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
}

func TestOnlyThisMachineIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.example.com": false, "LOCALHOST.": false, "10.0.0.1": false, "0.0.0.0": false, "::": false,
		"127.0.0.1:8200": false, "127.1": false, "2130706433": false,
	} {
		if got := hostport.IsLoopback(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}
