package vaulttest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Always, as the Times of a fault, lets the fault hit every request that it matches.
const Always = -1

// Fault is something that goes wrong with a request. Several faults for one route hit one request each, in the order of
// their scripting. No request is hit by two.
type Fault struct {
	// Route is the requests' method and path, as in "PUT sys/rekey/update"; POST is PUT. A path alone matches each
	// method, and an empty route every request.
	Route string
	// Node is the node that is asked, counted from 1; 0 is any.
	Node int
	// Skip is the number of matching requests that are left alone first, counted from now.
	Skip int
	// Times is the number of requests that it hits then. 0 means one.
	Times int
	// Do is the effect.
	Do Act
}

// script holds the faults that are to come.
type script struct {
	mu     sync.Mutex
	faults []*scripted
}

type scripted struct {
	Fault
	fired bool
}

// Script adds faults.
func (c *Cluster) Script(faults ...Fault) {
	c.script.mu.Lock()
	defer c.script.mu.Unlock()
	for _, fault := range faults {
		fault.Times = cmp.Or(fault.Times, 1)
		c.script.faults = append(c.script.faults, &scripted{Fault: fault})
	}
}

// Unscript drops all faults that have not happened yet, and those that happen always.
func (c *Cluster) Unscript() {
	c.script.mu.Lock()
	defer c.script.mu.Unlock()
	c.script.faults = nil
}

// Unfired describes the faults that have hit fewer requests than they should. One that hits always should hit at least
// once.
func (c *Cluster) Unfired() []string {
	c.script.mu.Lock()
	defer c.script.mu.Unlock()
	var unfired []string
	for _, f := range c.script.faults {
		if f.Times > 0 || f.Times == Always && !f.fired {
			unfired = append(unfired, fmt.Sprintf("%q, with %d to skip", cmp.Or(f.Route, "any request"), f.Skip))
		}
	}
	return unfired
}

// wrap returns the handler of a request, within the fault that is due for it, if any.
func (s *script) wrap(n *Node, c *call, next http.Handler) http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due *scripted
	for _, fault := range s.faults {
		switch {
		case !fault.matches(n, c):
		case fault.Skip > 0:
			fault.Skip--
		case due == nil:
			due = fault
		}
	}
	if due == nil {
		return next
	}
	due.fired = true
	if due.Times > 0 {
		due.Times--
	}
	s.faults = slices.DeleteFunc(s.faults, func(f *scripted) bool { return f.Times == 0 })
	return due.Do(next)
}

func (f *scripted) matches(n *Node, c *call) bool {
	if f.Node != 0 && f.Node != n.number {
		return false
	}
	return matchesRoute(f.Route, c.method, c.path)
}

func matchesRoute(route, method, path string) bool {
	if route == "" {
		return true
	}
	wantMethod, wantPath, both := strings.Cut(route, " ")
	if !both {
		return route == path
	}
	if wantMethod == http.MethodPost {
		wantMethod = http.MethodPut
	}
	return wantMethod == method && wantPath == path
}
