package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/record"
)

// act is the body of a request that lets a person of the workspace do something.
type act struct {
	As       string            `json:"as"`      // the person's name
	Channel  string            `json:"channel"` // a channel's name or id; empty means the direct messages with the app
	Text     string            `json:"text"`
	Name     string            `json:"name"`    // of a file
	Content  []byte            `json:"content"` // of a file, base64 in JSON
	Command  string            `json:"command"`
	TS       string            `json:"ts"`
	ActionID string            `json:"action_id"`
	Value    string            `json:"value"`
	Tab      string            `json:"tab"`
	Values   map[string]string `json:"values"`
}

// control lets other processes act in a workspace.
type control struct{ w *slacktest.Workspace }

// handler lets another process, or a page, act as the people of the workspace. It asks for no password, so it must
// listen on loopback only.
//
// GET: /_emu/state, /_emu/messages?channel=, /_emu/sees?as=&channel=, /_emu/inbox?as=, /_emu/form?as=, /_emu/home?as=,
// /_emu/journal, /_emu/traffic, /_emu/violations, /_emu/wait?after=N (answers when the journal is longer than N).
//
// POST, with a JSON body: /_emu/say, /_emu/reply, /_emu/upload, /_emu/edit, /_emu/delete, /_emu/command, /_emu/click,
// /_emu/select, /_emu/submit, /_emu/close, /_emu/open, /_emu/deactivate, /_emu/invite, /_emu/kick, /_emu/archive,
// /_emu/cut.
func (c *control) handler() http.Handler {
	mux := http.NewServeMux()
	for path, show := range map[string]func(*http.Request) (any, error){
		"state":      c.showState,
		"violations": func(*http.Request) (any, error) { return append([]record.Violation{}, c.w.Violations()...), nil },
		"journal":    func(*http.Request) (any, error) { return append([]record.Entry{}, c.w.Journal()...), nil },
		"wait":       c.showWait,
		"messages": func(in *http.Request) (any, error) {
			ch, err := c.channelNamed(in.FormValue("channel"))
			if err != nil {
				return nil, err
			}
			return c.readable(ch.Messages()), nil
		},
		"sees": func(in *http.Request) (any, error) {
			p, ch, err := c.whoAndWhere(act{As: in.FormValue("as"), Channel: in.FormValue("channel")})
			if err != nil {
				return nil, err
			}
			return c.readable(p.Sees(ch)), nil
		},
		"inbox": func(in *http.Request) (any, error) {
			p, err := c.personNamed(in.FormValue("as"))
			if err != nil {
				return nil, err
			}
			return c.readable(p.Inbox()), nil
		},
		"form": func(in *http.Request) (any, error) { return c.showView(in, (*slacktest.Person).Form) },
		"home": func(in *http.Request) (any, error) { return c.showView(in, (*slacktest.Person).Home) },
	} {
		mux.HandleFunc("GET /_emu/"+path, func(out http.ResponseWriter, in *http.Request) {
			value, err := show(in)
			reply(out, value, err)
		})
	}
	mux.HandleFunc("GET /_emu/traffic", func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = out.Write(c.w.Traffic())
	})
	for path, do := range c.acts() {
		mux.HandleFunc("POST /_emu/"+path, func(out http.ResponseWriter, in *http.Request) {
			var a act
			if err := json.NewDecoder(in.Body).Decode(&a); err != nil {
				reply(out, nil, fmt.Errorf("read body: %w", err))
				return
			}
			value, err := do(a)
			reply(out, value, err)
		})
	}
	return mux
}

func (c *control) acts() map[string]func(act) (any, error) {
	asPerson := func(do func(*slacktest.Person, *slacktest.Channel, act) (any, error)) func(act) (any, error) {
		return func(a act) (any, error) {
			p, ch, err := c.whoAndWhere(a)
			if err != nil {
				return nil, err
			}
			return do(p, ch, a)
		}
	}
	onMessage := func(do func(*slacktest.Person, slacktest.Message, act) (any, error)) func(act) (any, error) {
		return asPerson(func(p *slacktest.Person, ch *slacktest.Channel, a act) (any, error) {
			m, ok := ch.Message(a.TS)
			if !ok {
				return nil, fmt.Errorf("message %s: %w", a.TS, slacktest.ErrNotThere)
			}
			return do(p, m, a)
		})
	}
	return map[string]func(act) (any, error){
		"say": asPerson(func(p *slacktest.Person, ch *slacktest.Channel, a act) (any,
			error) {
			return p.Says(ch, a.Text)
		}),
		"reply": onMessage(func(p *slacktest.Person, m slacktest.Message, a act) (any,
			error) {
			return p.RepliesTo(m, a.Text)
		}),
		"edit": onMessage(func(p *slacktest.Person, m slacktest.Message, a act) (any, error) {
			return nil,
				p.Edits(m, a.Text)
		}),
		"delete": onMessage(func(p *slacktest.Person, m slacktest.Message, _ act) (any, error) { return nil, p.Deletes(m) }),
		"upload": asPerson(func(p *slacktest.Person, ch *slacktest.Channel, a act) (any, error) {
			return p.Shares(ch, a.Text, slacktest.Upload{Name: a.Name, Content: a.Content})
		}),
		"command": asPerson(func(p *slacktest.Person, ch *slacktest.Channel, a act) (any, error) {
			r := p.Command(ch, a.Command, a.Text)
			return blockkit.Object{"error": r.Error, "messages": c.readable(r.Messages())}, nil
		}),
		"click": onMessage(func(p *slacktest.Person, m slacktest.Message, a act) (any,
			error) {
			return p.Clicks(m, a.ActionID)
		}),
		"select": onMessage(func(p *slacktest.Person, m slacktest.Message, a act) (any, error) {
			return p.Selects(m, a.ActionID, a.Value)
		}),
		"submit": asPerson(func(p *slacktest.Person, _ *slacktest.Channel, a act) (any, error) {
			v, _ := p.Form()
			return p.Submits(v, a.Values)
		}),
		"close": asPerson(func(p *slacktest.Person, _ *slacktest.Channel, _ act) (any, error) {
			v, _ := p.Form()
			return nil, p.Closes(v)
		}),
		"open": asPerson(func(p *slacktest.Person, _ *slacktest.Channel, a act) (any, error) {
			return nil,
				p.Opens(a.Tab)
		}),
		"deactivate": asPerson(func(p *slacktest.Person, _ *slacktest.Channel, _ act) (any,
			error) {
			p.Deactivate()
			return nil, nil
		}),
		"invite": asPerson(func(p *slacktest.Person, ch *slacktest.Channel, _ act) (any, error) {
			ch.Invite(p)
			return nil,
				nil
		}),
		"kick": asPerson(func(p *slacktest.Person, ch *slacktest.Channel, _ act) (any, error) {
			ch.Kick(p)
			return nil,
				nil
		}),
		"archive": asPerson(func(_ *slacktest.Person, ch *slacktest.Channel, _ act) (any, error) {
			ch.Archive()
			return nil,
				nil
		}),
		"cut": func(act) (any, error) { c.w.CutSockets(); return nil, nil },
	}
}

func reply(out http.ResponseWriter, value any, err error) {
	out.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch {
	case errors.Is(err, slacktest.ErrNotThere):
		out.WriteHeader(http.StatusNotFound)
	case errors.Is(err, slacktest.ErrNotAllowed):
		out.WriteHeader(http.StatusForbidden)
	case err != nil:
		out.WriteHeader(http.StatusBadRequest)
	}
	if err != nil {
		value = blockkit.Object{"error": err.Error()}
	}
	_, _ = out.Write(blockkit.Encode(value))
}

// readableMessage is a message with the words that a person reads.
type readableMessage struct {
	slacktest.Message
	Read string `json:"read"`
}

func (c *control) readable(messages []slacktest.Message) []readableMessage {
	all := []readableMessage{}
	for _, m := range messages {
		all = append(all, readableMessage{m, c.w.Read(m)})
	}
	return all
}

func (c *control) personNamed(name string) (*slacktest.Person, error) {
	if p, ok := c.w.Person(name); ok {
		return p, nil
	}
	return nil, fmt.Errorf("person %q: %w", name, slacktest.ErrNotThere)
}

func (c *control) channelNamed(name string) (*slacktest.Channel, error) {
	for _, ch := range c.w.Channels() {
		if name != "" && (ch.ID() == name || ch.Name() == name) {
			return ch, nil
		}
	}
	return nil, fmt.Errorf("channel %q: %w", name, slacktest.ErrNotThere)
}

func (c *control) whoAndWhere(a act) (*slacktest.Person, *slacktest.Channel, error) {
	p, err := c.personNamed(a.As)
	if err != nil {
		return nil, nil, err
	}
	if a.Channel == "" {
		return p, p.Direct(), nil
	}
	ch, err := c.channelNamed(a.Channel)
	return p, ch, err
}

func (c *control) showView(in *http.Request, which func(*slacktest.Person) (slacktest.View, bool)) (any, error) {
	p, err := c.personNamed(in.FormValue("as"))
	if err != nil {
		return nil, err
	}
	v, ok := which(p)
	if !ok {
		return nil, slacktest.ErrNotThere
	}
	return blockkit.Object{"view": v, "read": c.w.ReadView(v)}, nil
}

func (c *control) showState(*http.Request) (any, error) {
	people, channels := []blockkit.Object{}, []blockkit.Object{}
	for _, p := range c.w.People() {
		people = append(people, p.Describe())
	}
	for _, ch := range c.w.Channels() {
		members := []string{}
		for _, m := range ch.Members() {
			members = append(members, m.Name())
		}
		o := ch.Describe()
		o["members"] = members
		channels = append(channels, o)
	}
	return blockkit.Object{
		"team": c.w.TeamID(), "people": people, "channels": channels, "sockets": c.w.Sockets(), "journal": len(c.w.Journal()),
	}, nil
}

// showWait returns when something has happened, or after half a minute with nothing new.
func (c *control) showWait(in *http.Request) (any, error) {
	after, err := strconv.Atoi(in.FormValue("after"))
	if err != nil {
		return nil, fmt.Errorf("after is not a number: %w", err)
	}
	ctx, cancel := context.WithTimeout(in.Context(), 30*time.Second)
	defer cancel()
	length := func() int { return len(c.w.Journal()) }
	if err := c.w.WaitFor(ctx, func() bool { return length() > after }); err != nil && in.Context().Err() != nil {
		return nil, err
	}
	return blockkit.Object{"journal": length()}, nil
}
