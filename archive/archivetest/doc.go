// Package archivetest runs real servers for the tests of package archive, on loopback: a
// time-stamping server made of OpenSSL, and an S3 server with object lock. A test of a
// client is worth as much as the server that it talks to.
package archivetest
