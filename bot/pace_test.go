package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/record"
	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/engine"
	books "conclave/ceremony/journal"
	"conclave/ceremony/rules"
)

// travel is how long a call is on its way.
const travel = 50 * time.Millisecond

// direct is a way to a workspace without the network.
type direct struct{ w *slacktest.Workspace }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if req.Body == nil {
		req.Body = http.NoBody
	}
	time.Sleep(travel)
	rec := httptest.NewRecorder()
	d.w.ServeHTTP(rec, req)
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

// crowd is many ceremonies at a time, in a bubble of their own time, in a workspace that
// has Slack's limits.
type crowd struct {
	t        *testing.T
	w        *slacktest.Workspace
	ops      *slacktest.Channel
	people   map[string]*slacktest.Person
	clusters []ceremony.Cluster
	dir      string
	openPGP  *ceremonytest.FakeOpenPGP
	bot      *Bot
	engine   *engine.Engine
	file     *books.Journal
	cancel   context.CancelFunc
	done     chan error
	log      io.Writer
}

// gather plays a test with so many clusters. holders returns the names of a cluster's holders.
func gather(t *testing.T, n int, holders func(cluster int) []string, f func(c *crowd)) {
	t.Helper()
	c := &crowd{people: map[string]*slacktest.Person{}, dir: t.TempDir(), log: io.Discard}
	var err error
	if c.w, err = slacktest.Start(slacktest.Config{RateLimits: true}); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		defer c.w.Close()
		c.t, c.openPGP = t, &ceremonytest.FakeOpenPGP{}
		for i := range n {
			cluster := ceremony.Cluster{
				Name: fmt.Sprintf("c%03d", i), Vault: ceremonytest.NewFakeVault(), Operations: ceremony.Operations(),
				Initiators: c.who("olga"), Approvers: c.who("paul", "olga"), Approvals: 1,
				Holders: c.who(holders(i)...), Receivers: c.who(holders(i)...), NewThreshold: 2,
				Verification: true, Backup: true, Window: 8 * time.Hour, Poll: 15 * time.Second,
			}
			v := cluster.Vault.(*ceremonytest.FakeVault)
			v.ClusterID = "cluster-" + cluster.Name
			v.Shares, v.Threshold = v.Shares[:len(cluster.Holders)], 2
			c.clusters = append(c.clusters, cluster)
		}
		members := append(slices.Collect(maps.Values(c.people)), c.w.Bot())
		c.ops = c.w.AddChannel("ops", members...)
		c.start()
		defer c.stop()
		f(c)
	})
}

func (c *crowd) who(names ...string) []ceremony.Person {
	all := ceremonytest.People(names...)
	for i, name := range names {
		p, known := c.people[name]
		if !known {
			p = c.w.AddPerson(name)
			c.people[name] = p
		}
		all[i].Account = ceremony.Account{Team: c.w.TeamID(), User: p.ID()}
	}
	return all
}

func (c *crowd) start() {
	c.t.Helper()
	var err error
	log := slog.New(slog.NewTextHandler(c.log, nil))
	c.bot, err = New(Config{
		AppToken: c.w.AppToken(), BotToken: c.w.BotToken(), APIURL: "http://slack.test/api/", Team: c.w.TeamID(),
		Channel: c.ops.ID(), Sign: testSigner{}, Mark: testMark, Files: testFiles, Log: log,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.bot.http.Transport = direct{c.w}
	if c.file, err = books.OpenJournal(c.dir, c.openPGP.JournalKey()); err != nil {
		c.t.Fatal(err)
	}
	c.engine = engine.NewEngine(engine.Config{
		Clusters: c.clusters, OpenPGP: c.openPGP, Signatures: ceremonytest.SpokenSignatures{},
		Notifier: c.bot.Notifier(), Journal: c.file, Log: log,
	})
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel, c.done = cancel, make(chan error, 1)
	go func() { c.done <- c.engine.Run(ctx) }()
	<-c.engine.Ready()
}

func (c *crowd) stop() {
	c.t.Helper()
	c.cancel()
	if err := <-c.done; err != nil {
		c.t.Errorf("the engine ended with %v", err)
	}
	if err := c.file.Close(); err != nil {
		c.t.Error(err)
	}
}

// begin has a rekey of every cluster proposed and approved.
func (c *crowd) begin() {
	c.t.Helper()
	olga, paul := c.who("olga")[0].Account, c.who("paul")[0].Account
	for _, cluster := range c.clusters {
		s, err := c.engine.Propose(c.t.Context(), ceremony.Proposal{
			Operation: ceremony.Rekey, Cluster: cluster.Name, Reason: "a test", By: olga,
		})
		if err == nil {
			_, err = c.engine.Approve(c.t.Context(), s.ID(), paul, "")
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

// sent is a post of the bot's.
type sent struct {
	ceremony, key string
	at            time.Time
}

// posts returns the bot's posts since a moment, oldest first.
func (c *crowd) posts(since time.Time) []sent {
	var all []sent
	for _, ch := range c.w.Channels() {
		for _, m := range ch.Messages() {
			seconds, micros, _ := strings.Cut(m.TS, ".")
			s, _ := strconv.ParseInt(seconds, 10, 64)
			us, _ := strconv.ParseInt(micros, 10, 64)
			at := time.Unix(s, us*1000)
			if m.Metadata == nil || at.Before(since) {
				continue
			}
			all = append(all, sent{fmt.Sprint(m.Metadata.EventPayload["ceremony"]), fmt.Sprint(m.Metadata.EventPayload["key"]), at})
		}
	}
	slices.SortFunc(all, func(a, b sent) int { return a.at.Compare(b.at) })
	return all
}

// asked returns how many requests for a share were posted since a moment, and after how long
// the last one was.
func (c *crowd) asked(since time.Time) (n int, last time.Duration) {
	for _, p := range c.posts(since) {
		if strings.HasPrefix(p.key, string(rules.AskMessage)+"/") {
			n, last = n+1, p.at.Sub(since)
		}
	}
	return n, last
}

// calls counts the calls and the refusals (429) since an entry of the journal, by method.
func (c *crowd) calls(from int) (calls, refused map[string]int, to int) {
	calls, refused = map[string]int{}, map[string]int{}
	all := c.w.Journal()
	for _, e := range all[from:] {
		var body struct{ Error string }
		switch {
		case e.Way == record.FromClient:
			calls[e.What]++
		case json.Unmarshal(e.Body, &body) == nil && body.Error == "ratelimited":
			refused[e.What]++
		}
	}
	return calls, refused, len(all)
}

// unavoidable returns how long Slack's limits make so many requests take at least: one post
// a second in the direct messages with each person, and 300 a minute in all.
func (c *crowd) unavoidable(requests int) time.Duration {
	each := 0
	for _, cluster := range c.clusters {
		if slices.ContainsFunc(cluster.Holders, func(p ceremony.Person) bool { return p.Name == "alice" }) {
			each++
		}
	}
	return max(time.Duration(each-1)*time.Second, time.Duration(requests-300)*time.Minute/300)
}

// expectAsked fails unless every holder of every ceremony was asked since a moment, within
// twice what Slack's limits make unavoidable. Slack may have refused so many calls for their
// pace.
func (c *crowd) expectAsked(what string, since time.Time, from, mayRefuse int) (to int) {
	c.t.Helper()
	calls, refused, to := c.calls(from)
	n, last := c.asked(since)
	requests := 0
	for _, cluster := range c.clusters {
		requests += len(cluster.Holders)
	}
	bound := c.unavoidable(requests)
	c.t.Logf("%s: %d requests, the last after %v, %v are unavoidable; calls %v; refused %v", what, n,
		last.Round(100*time.Millisecond), bound.Round(100*time.Millisecond), calls, refused)
	if n != requests || last > 2*bound {
		c.t.Errorf("%s: %d of %d requests, the last after %v", what, n, requests, last)
	}
	total := 0
	for _, n := range refused {
		total += n
	}
	if total > mayRefuse {
		c.t.Errorf("%s: Slack has refused %v", what, refused)
	}
	if calls["auth.test"] > 1 {
		c.t.Errorf("%s: asked %d times who we are", what, calls["auth.test"])
	}
	// Of each person's conversation, of the ops channel, and of no message by itself.
	if n := calls["conversations.history"]; n > len(c.people)+5 {
		c.t.Errorf("%s: read %d times what lies there", what, n)
	}
	return to
}

// TestHundredCeremoniesKeepToSlacksPaceAndAskPeopleFirst at their start, after a restart, and
// after a restart that broke off what was on its way.
func TestHundredCeremoniesKeepToSlacksPaceAndAskPeopleFirst(t *testing.T) {
	five := func(int) []string { return ceremonytest.Holders }
	gather(t, 100, five, func(c *crowd) {
		began := time.Now()
		c.begin()
		time.Sleep(10 * time.Minute)
		from := c.expectAsked("start", began, 0, 0)
		lastBoard, before := began, 0
		for _, p := range c.posts(began) {
			if p.key == rules.BoardKey {
				lastBoard = p.at
			}
		}
		for _, p := range c.posts(began) {
			if strings.HasPrefix(p.key, string(rules.AskMessage)+"/") && p.at.Before(lastBoard) {
				before++
			}
		}
		if before < 250 {
			c.t.Errorf("%d of 500 requests were posted before the last status post", before)
		}

		c.stop()
		began = time.Now()
		c.start()
		time.Sleep(10 * time.Minute)
		from = c.expectAsked("restart", began, from, 0)

		c.stop()
		c.start()
		time.Sleep(40 * time.Second)
		c.stop() // some are asked again by now
		_, _, from = c.calls(from)
		began = time.Now()
		c.start()
		time.Sleep(5 * time.Minute)
		// No program knows what the one before it has sent in the same minute.
		c.expectAsked("restart on the way", began, from, 10)
		seen := map[sent]bool{}
		for _, p := range c.posts(time.Time{}) {
			p.at = time.Time{}
			if seen[p] {
				c.t.Errorf("posted twice: %v", p)
			}
			seen[p] = true
		}
	})
}

// TestP10RequestWhoseTimeWentByIsNotPosted: an approver had got buttons 40 seconds after
// rejecting.
func TestP10RequestWhoseTimeWentByIsNotPosted(t *testing.T) {
	two := func(int) []string { return []string{"alice", "bob"} }
	gather(t, 20, two, func(c *crowd) {
		began := time.Now()
		for _, cluster := range c.clusters {
			if _, err := c.engine.Propose(t.Context(), ceremony.Proposal{
				Operation: ceremony.Rekey, Cluster: cluster.Name, Reason: "a test", By: c.who("olga")[0].Account,
			}); err != nil {
				c.t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Second)
		for _, s := range c.engine.Current() {
			if _, err := c.engine.Reject(c.t.Context(), s.ID(), c.who("paul")[0].Account, "no"); err != nil {
				c.t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		asked := 0
		for _, p := range c.posts(began) {
			if strings.HasPrefix(p.key, string(rules.ApprovalMessage)+"/") {
				asked++
				if after := p.at.Sub(began); after > 5*time.Second+2*travel {
					c.t.Errorf("asked after %v", after)
				}
			}
		}
		if asked == 0 || asked > 6 {
			c.t.Errorf("asked %d times", asked)
		}
	})
}
