// Package page makes a page for people of a ceremony's transcript: one HTML file that needs
// no script and no network, and that prints well.
//
// The page proves nothing. The JSON file that it is made of is signed, and anybody can make
// the page again from it: conclave verify --page.
//
// The words for events come from the caller, who tells people about events elsewhere too,
// see [Tell].
package page
