package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// obeyText does what somebody typed behind /ceremony.
func (d *desk) obeyText(ctx context.Context, by ceremony.Account, text string) (message, error) {
	if !d.listed(by) {
		return message{}, unlisted
	}
	cmd, err := parseCommand(text)
	if err != nil {
		return message{}, err
	}
	return d.obey(ctx, by, cmd)
}

// listed says whether an account is in the configuration. Nobody else is told
// anything.
func (d *desk) listed(who ceremony.Account) bool {
	return slices.ContainsFunc(d.engine.Clusters(), func(c ceremony.Cluster) bool {
		return slices.ContainsFunc(slices.Concat(c.Initiators, c.Approvers, c.Holders, c.Receivers),
			func(p ceremony.Person) bool { return p.Account == who })
	})
}

// obey does what a person asks for, whether they typed it or clicked.
func (d *desk) obey(ctx context.Context, by ceremony.Account, cmd command) (message, error) {
	switch cmd.verb {
	case verbHelp:
		return renderHelp(cmd.topic), nil
	case verbList:
		return renderList(d.engine.Ceremonies(), time.Now()), nil
	case verbHistory:
		return d.history(cmd.cluster)
	case verbHolders:
		return d.holders(cmd.cluster)
	case verbStart:
		return d.start(ctx, by, cmd)
	}
	id, err := d.which(cmd)
	if err != nil {
		return message{}, err
	}
	switch cmd.verb {
	case verbStatus:
		return d.status(id)
	case verbSubmit:
		return d.submit(id, by)
	case verbApprove:
		c, err := d.engine.Approve(ctx, id, by, cmd.hash)
		if err != nil {
			return message{}, err
		}
		if missing := c.Plan.Approvals - len(c.Approvals); missing > 0 {
			return say("You approved `%s`. %s missing.", id, plural(missing, "more approval")), nil
		}
		return say("You approved `%s`. Vault is being asked to begin.", id), nil
	case verbReject:
		if _, err := d.engine.Reject(ctx, id, by, cmd.text); err != nil {
			return message{}, err
		}
		return say("You rejected `%s`. Nothing was sent to Vault.", id), nil
	case verbCancel:
		if _, err := d.engine.Cancel(ctx, id, by, cmd.text); err != nil {
			return message{}, err
		}
		return say("You cancelled `%s`. What becomes of it in Vault is shown in the status post.", id), nil
	case verbResume:
		c, err := d.engine.Resume(ctx, id, by)
		if err != nil {
			return message{}, err
		}
		if c.State == ceremony.StateFrozen {
			return say("You want `%s` to go on. It takes the initiator *and* an approver; the other one is missing.", id), nil
		}
		return say("`%s` goes on. Vault is compared with the plan first.", id), nil
	}
	panic(fmt.Sprintf("verb %q is understood and not done", cmd.verb))
}

// which finds the ceremony that is meant. Without an id it is the only open one,
// for verbs that change nothing.
func (d *desk) which(cmd command) (ceremony.ID, error) {
	all := d.engine.Ceremonies()
	if cmd.id != "" {
		return resolve(cmd.id, all, cmd.verb != verbStatus && cmd.verb != verbSubmit)
	}
	return onlyOpen(all)
}

func (d *desk) start(ctx context.Context, by ceremony.Account, cmd command) (message, error) {
	if !slices.Contains(ceremony.Operations(), cmd.operation) {
		return message{}, ceremony.UnknownOperation
	}
	if err := d.courier.stands.check(ctx, d.courier.channel(cmd.cluster)); err != nil {
		return message{}, err
	}
	c, err := d.engine.Propose(ctx, ceremony.Proposal{
		Operation: cmd.operation, Cluster: cmd.cluster, Reason: cmd.text, By: by,
	})
	if errors.Is(err, ceremony.ErrUncertain) {
		// Before there is a ceremony Vault is only asked, so that nothing is uncertain.
		err = fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	if err != nil {
		return message{}, err
	}
	var may []string
	for _, p := range c.Plan.Approvers {
		if p.Account != by {
			may = append(may, escape(p.Name))
		}
	}
	return message{
		line: fmt.Sprintf("Proposed: %s", c.ID()),
		blocks: []slack.Block{
			section("*Proposed:* `%s`, %s. I have asked %s to approve it.", c.ID(), escape(strings.ToLower(subject(c.Plan)[:1])+subject(c.Plan)[1:]), listAnd(may)),
			section("Tell them the hash of the plan in another way than Slack:\n`%s`  (%s)", short(c.PlanHash), ceremony.SpokenHash(c.PlanHash, spokenWords)),
		},
	}, nil
}

func (d *desk) status(id ceremony.ID) (message, error) {
	c, live, err := d.engine.Ceremony(id)
	if err != nil {
		return message{}, err
	}
	return renderBoard(c, live, time.Now()), nil
}

// submit shows a holder again what to run.
func (d *desk) submit(id ceremony.ID, by ceremony.Account) (message, error) {
	c, _, err := d.engine.Ceremony(id)
	switch {
	case err != nil:
		return message{}, err
	case c.Ended():
		return message{}, ceremony.Closed
	case c.State == ceremony.StateFrozen:
		return message{}, ceremony.IsFrozen
	case !c.Wants():
		return message{}, ceremony.NotCollecting
	case c.HasCounted(by):
		return message{}, ceremony.AlreadyCounted
	}
	missing := c.Missing()
	i := slices.IndexFunc(missing, func(p ceremony.Person) bool { return p.Account == by })
	if i < 0 {
		return message{}, nothingAsked
	}
	return renderAsk(c, missing[i], *c.Key), nil
}

func (d *desk) history(cluster string) (message, error) {
	if cluster != "" && !slices.ContainsFunc(d.engine.Clusters(), func(c ceremony.Cluster) bool { return c.Name == cluster }) {
		return message{}, ceremony.UnknownCluster
	}
	return renderPast(d.engine.Ceremonies(), cluster), nil
}

func (d *desk) holders(cluster string) (message, error) {
	clusters := d.engine.Clusters()
	if cluster != "" {
		clusters = slices.DeleteFunc(clusters, func(c ceremony.Cluster) bool { return c.Name != cluster })
		if len(clusters) == 0 {
			return message{}, ceremony.UnknownCluster
		}
	}
	return renderHolders(clusters), nil
}
