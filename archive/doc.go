// Package archive keeps signed transcripts where they can't be changed, even by who rules
// the bot's host, its journal and its Slack workspace. A time-stamping server (RFC 3161)
// witnesses that a transcript existed. A directory, or a bucket with object lock, holds a
// copy. The package alone imports the libraries for time stamps and for S3.
package archive
