// Package event holds what a journal tells: the events of a ceremony, their names on disk,
// and the port of the journal that keeps them. Journals of every age must stay readable, so
// an event's name and the JSON names of its fields never change.
package event
