package slacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"conclave/bot/slacktest/blockkit"
)

// act is what somebody outside asks a person to do.
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

// Control lets another process, or a page, act as the people of the workspace. It asks for no password, so it belongs on loopback only.
//
// GET: /_emu/state, /_emu/messages?channel=, /_emu/sees?as=&channel=, /_emu/inbox?as=, /_emu/form?as=, /_emu/home?as=, /_emu/journal,
// /_emu/traffic, /_emu/violations, /_emu/wait?after=N (answers when the journal is longer than N).
//
// POST, with a JSON body: /_emu/say, /_emu/reply, /_emu/upload, /_emu/edit, /_emu/delete, /_emu/command, /_emu/click, /_emu/select,
// /_emu/submit, /_emu/close, /_emu/open, /_emu/deactivate, /_emu/invite, /_emu/kick, /_emu/archive, /_emu/cut.
func (w *Workspace) Control() http.Handler {
	mux := http.NewServeMux()
	for path, show := range map[string]func(*http.Request) (any, error){
		"state":      w.showState,
		"violations": func(*http.Request) (any, error) { return append([]Violation{}, w.Violations()...), nil },
		"journal":    func(*http.Request) (any, error) { return append([]Entry{}, w.Journal()...), nil },
		"wait":       w.showWait,
		"messages": func(in *http.Request) (any, error) {
			ch, err := w.channelNamed(in.FormValue("channel"))
			if err != nil {
				return nil, err
			}
			return w.readable(ch.Messages()), nil
		},
		"sees": func(in *http.Request) (any, error) {
			p, ch, err := w.whoAndWhere(act{As: in.FormValue("as"), Channel: in.FormValue("channel")})
			if err != nil {
				return nil, err
			}
			return w.readable(p.Sees(ch)), nil
		},
		"inbox": func(in *http.Request) (any, error) {
			p, err := w.personNamed(in.FormValue("as"))
			if err != nil {
				return nil, err
			}
			return w.readable(p.Inbox()), nil
		},
		"form": func(in *http.Request) (any, error) { return w.showView(in, (*Person).Form) },
		"home": func(in *http.Request) (any, error) { return w.showView(in, (*Person).Home) },
	} {
		mux.HandleFunc("GET /_emu/"+path, func(out http.ResponseWriter, in *http.Request) {
			value, err := show(in)
			reply(out, value, err)
		})
	}
	mux.HandleFunc("GET /_emu/traffic", func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = out.Write(w.Traffic())
	})
	for path, do := range w.acts() {
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

func (w *Workspace) acts() map[string]func(act) (any, error) {
	asPerson := func(do func(*Person, *Channel, act) (any, error)) func(act) (any, error) {
		return func(a act) (any, error) {
			p, ch, err := w.whoAndWhere(a)
			if err != nil {
				return nil, err
			}
			return do(p, ch, a)
		}
	}
	onMessage := func(do func(*Person, Message, act) (any, error)) func(act) (any, error) {
		return asPerson(func(p *Person, ch *Channel, a act) (any, error) {
			m, ok := ch.Message(a.TS)
			if !ok {
				return nil, fmt.Errorf("message %s: %w", a.TS, ErrNotThere)
			}
			return do(p, m, a)
		})
	}
	return map[string]func(act) (any, error){
		"say":    asPerson(func(p *Person, ch *Channel, a act) (any, error) { return p.Says(ch, a.Text) }),
		"reply":  onMessage(func(p *Person, m Message, a act) (any, error) { return p.RepliesTo(m, a.Text) }),
		"edit":   onMessage(func(p *Person, m Message, a act) (any, error) { return nil, p.Edits(m, a.Text) }),
		"delete": onMessage(func(p *Person, m Message, _ act) (any, error) { return nil, p.Deletes(m) }),
		"upload": asPerson(func(p *Person, ch *Channel, a act) (any, error) {
			return p.Shares(ch, a.Text, Upload{Name: a.Name, Content: a.Content})
		}),
		"command": asPerson(func(p *Person, ch *Channel, a act) (any, error) {
			r := p.Command(ch, a.Command, a.Text)
			return object{"error": r.Error, "messages": w.readable(r.Messages())}, nil
		}),
		"click":  onMessage(func(p *Person, m Message, a act) (any, error) { return p.Clicks(m, a.ActionID) }),
		"select": onMessage(func(p *Person, m Message, a act) (any, error) { return p.Selects(m, a.ActionID, a.Value) }),
		"submit": asPerson(func(p *Person, _ *Channel, a act) (any, error) {
			v, _ := p.Form()
			return p.Submits(v, a.Values)
		}),
		"close": asPerson(func(p *Person, _ *Channel, _ act) (any, error) {
			v, _ := p.Form()
			return nil, p.Closes(v)
		}),
		"open":       asPerson(func(p *Person, _ *Channel, a act) (any, error) { return nil, p.Opens(a.Tab) }),
		"deactivate": asPerson(func(p *Person, _ *Channel, _ act) (any, error) { p.Deactivate(); return nil, nil }),
		"invite":     asPerson(func(p *Person, ch *Channel, _ act) (any, error) { ch.Invite(p); return nil, nil }),
		"kick":       asPerson(func(p *Person, ch *Channel, _ act) (any, error) { ch.Kick(p); return nil, nil }),
		"archive":    asPerson(func(_ *Person, ch *Channel, _ act) (any, error) { ch.Archive(); return nil, nil }),
		"cut":        func(act) (any, error) { w.CutSockets(); return nil, nil },
	}
}

func reply(out http.ResponseWriter, value any, err error) {
	out.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch {
	case errors.Is(err, ErrNotThere):
		out.WriteHeader(http.StatusNotFound)
	case errors.Is(err, ErrNotAllowed):
		out.WriteHeader(http.StatusForbidden)
	case err != nil:
		out.WriteHeader(http.StatusBadRequest)
	}
	if err != nil {
		value = object{"error": err.Error()}
	}
	_, _ = out.Write(blockkit.Encode(value))
}

// readableMessage is a message with the words that a person reads.
type readableMessage struct {
	Message
	Read string `json:"read"`
}

func (w *Workspace) readable(messages []Message) []readableMessage {
	all := []readableMessage{}
	for _, m := range messages {
		all = append(all, readableMessage{m, w.Read(m)})
	}
	return all
}

func (w *Workspace) personNamed(name string) (*Person, error) {
	if p, ok := w.Person(name); ok {
		return p, nil
	}
	return nil, fmt.Errorf("person %q: %w", name, ErrNotThere)
}

func (w *Workspace) channelNamed(name string) (*Channel, error) {
	for _, ch := range w.Channels() {
		if name != "" && (ch.id == name || ch.name == name) {
			return ch, nil
		}
	}
	return nil, fmt.Errorf("channel %q: %w", name, ErrNotThere)
}

func (w *Workspace) whoAndWhere(a act) (*Person, *Channel, error) {
	p, err := w.personNamed(a.As)
	if err != nil {
		return nil, nil, err
	}
	if a.Channel == "" {
		return p, p.Direct(), nil
	}
	ch, err := w.channelNamed(a.Channel)
	return p, ch, err
}

func (w *Workspace) showView(in *http.Request, which func(*Person) (View, bool)) (any, error) {
	p, err := w.personNamed(in.FormValue("as"))
	if err != nil {
		return nil, err
	}
	v, ok := which(p)
	if !ok {
		return nil, ErrNotThere
	}
	return object{"view": v, "read": w.ReadView(v)}, nil
}

func (w *Workspace) showState(*http.Request) (any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	people, channels := []object{}, []object{}
	for _, p := range w.people {
		people = append(people, p.describeLocked())
	}
	for _, ch := range w.channels {
		members := []string{}
		for _, m := range ch.members {
			members = append(members, m.name)
		}
		o := ch.describeLocked()
		o["members"] = members
		channels = append(channels, o)
	}
	return object{"team": w.TeamID(), "people": people, "channels": channels, "sockets": len(w.liveLocked()), "journal": len(w.journal)}, nil
}

// showWait returns when something has happened, or after half a minute with nothing new.
func (w *Workspace) showWait(in *http.Request) (any, error) {
	after, err := strconv.Atoi(in.FormValue("after"))
	if err != nil {
		return nil, fmt.Errorf("after is not a number: %w", err)
	}
	ctx, cancel := context.WithTimeout(in.Context(), 30*time.Second)
	defer cancel()
	length := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.journal)
	}
	if err := w.WaitFor(ctx, func() bool { return length() > after }); err != nil && in.Context().Err() != nil {
		return nil, err
	}
	return object{"journal": length()}, nil
}
