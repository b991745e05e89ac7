// Package archivetest has the real other sides of package archive, on loopback: a
// time-stamping server made of OpenSSL, and an S3 server with object lock. No test of
// a client is worth more than the server that it talks to.
package archivetest
