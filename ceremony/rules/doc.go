// Package rules is the rulebook of a ceremony. [State] is an immutable value, worked out
// from the journal. [Decide] turns a command into events, [Apply] folds an event into the
// next State. [State.Next] returns what is to be done now, and [State.Due] what people have
// yet to be told. All of it is pure: no clock, no file, no network.
package rules
