// Package transcript builds, reads and verifies transcripts: the evidence of one ceremony
// in one signed file (P8).
//
// A check needs the file and the fingerprint of the bot's identity, and neither the
// network nor the bot. It reports faults, which make a transcript untrustworthy, and gaps:
// what the transcript does not prove although everything in it is true.
package transcript
