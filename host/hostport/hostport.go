// Package hostport compares the hosts and ports of URLs.
package hostport

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Of returns a URL's host with its port, or with the port that its scheme implies. Of the
// many ways to write them it chooses one: a name in small letters, an IP address as Go
// prints it. So two URLs can be compared. No name is looked up.
func Of(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	} else {
		host = strings.ToLower(host)
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(host, port)
}

// IsLoopback reports whether a host, without a port, is this machine's loopback address or
// "localhost". No name is looked up.
func IsLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
