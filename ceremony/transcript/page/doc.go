// Package page makes of a ceremony's transcript a page for people: one HTML file
// that needs nothing but itself, no script and no network, and that prints well.
//
// The page proves nothing. What is signed is the JSON file of which it is made, and
// whoever doubts the page makes it again: conclave verify --page.
//
// It knows no words for events: whoever tells people about them elsewhere tells them
// here, see [Tell].
package page
