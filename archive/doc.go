// Package archive keeps signed transcripts where whoever rules the bot's host, its
// journal and its Slack workspace can't change them: a time-stamping server (RFC 3161)
// witnesses that a transcript existed, a directory or a bucket with object lock holds
// a copy of it. It is the only importer of the libraries for both.
package archive
