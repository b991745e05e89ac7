package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/plural"
)

// listed says whether an account is in the configuration. Nobody else is told
// anything.
func (d *desk) listed(who ceremony.Account) bool {
	return slices.ContainsFunc(d.engine.Clusters(), func(c ceremony.Cluster) bool {
		return slices.ContainsFunc(slices.Concat(c.Initiators, c.Approvers, c.Holders, c.Receivers, c.Owners, c.Witnesses),
			func(p ceremony.Person) bool { return p.Account == who })
	})
}

// obey does what a person asks for, whether they typed it or clicked. A form can be
// opened with t, for a moment.
func (d *desk) obey(ctx context.Context, by ceremony.Account, cmd command, t trigger) (message, error) {
	switch cmd.verb {
	case verbHelp:
		return renderHelp(cmd.topic), nil
	case verbList:
		return renderList(d.engine.Ceremonies(), time.Now()), nil
	case verbHistory:
		return d.history(cmd.cluster)
	case verbHolders:
		return d.holders(cmd.cluster)
	case verbKeyStatus:
		return d.keyStatus(ctx, cmd.cluster)
	case verbStart:
		return d.start(ctx, by, cmd)
	}
	id, err := d.which(cmd)
	if err != nil {
		return message{}, err
	}
	switch cmd.verb {
	case verbStatus:
		return d.status(id, by)
	case verbSubmit:
		if cmd.form {
			return d.openForm(ctx, by, id, "", t)
		}
		return d.submit(id, by)
	case verbApprove:
		c, err := d.engine.Approve(ctx, id, by, cmd.hash)
		if err != nil {
			return message{}, err
		}
		if missing := c.Plan.Approvals - len(c.Approvals); missing > 0 {
			return say("You approved `%s`. %s missing.", id, plural.Of(missing, "more approval")), nil
		}
		return say("You approved `%s`. %s", id, beginning(c)), nil
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
	case verbAcknowledge:
		if _, err := d.engine.Acknowledge(ctx, id, by, cmd.text, ""); err != nil {
			return message{}, err
		}
		return say("You look after `%s`. The owners of the cluster see that in its status post.", id), nil
	case verbFreeze:
		if _, err := d.engine.Freeze(ctx, id, by, cmd.text); err != nil {
			return message{}, err
		}
		return say("`%s` stands still, as soon as Vault has answered what it was asked. It goes on when its initiator and an approver agree.", id), nil
	case verbProceed:
		if _, err := d.engine.Proceed(ctx, id, by); err != nil {
			return message{}, err
		}
		return say("You have let the next step of `%s` happen.", id), nil
	case verbAgree, verbDisagree:
		if _, err := d.engine.Testify(ctx, id, by, cmd.verb == verbAgree, cmd.text); err != nil {
			return message{}, err
		}
		return say("Your statement about `%s` is written down, and becomes part of the transcript.", id), nil
	case verbException:
		if _, err := d.engine.Note(ctx, id, by, cmd.text); err != nil {
			return message{}, err
		}
		return say("Written down in the journal of `%s`.", id), nil
	case verbTranscript:
		return d.transcript(ctx, id, by, cmd.send)
	case verbReset:
		return d.reset(ctx, id, by)
	case verbReverify:
		return d.reverify(ctx, id, by)
	case verbDelete:
		return d.delete(ctx, id, by)
	case verbAccessor:
		return d.accessor(ctx, id, by, cmd.accessor)
	case verbRevoked:
		return d.revoked(ctx, id, by)
	}
	panic(fmt.Sprintf("verb %q is understood and not done", cmd.verb))
}

// which finds the ceremony that is meant. Without an id it is the only open one,
// for verbs that change nothing.
func (d *desk) which(cmd command) (ceremony.ID, error) {
	all := d.engine.Ceremonies()
	if cmd.id != "" {
		return resolve(cmd.id, all, cmd.verb != verbStatus && cmd.verb != verbSubmit && cmd.verb != verbTranscript)
	}
	return onlyOpen(all)
}

func (d *desk) start(ctx context.Context, by ceremony.Account, cmd command) (message, error) {
	if !slices.Contains(ceremony.Operations(), cmd.operation) {
		return message{}, unknownOperation(cmd.operation)
	}
	if !d.configured(cmd.cluster) {
		return message{}, ceremony.UnknownCluster
	}
	if err := d.courier.stands.check(ctx, d.courier.channel(cmd.cluster)); err != nil {
		return message{}, err
	}
	c, err := d.engine.Propose(ctx, ceremony.Proposal{
		Operation: cmd.operation, Cluster: cmd.cluster, Reason: cmd.text, By: by, Options: cmd.options,
	})
	switch r, _ := ceremony.RefusalOf(err); {
	case r == ceremony.WrongOption:
		return message{}, wrongOption(cmd)
	case err != nil:
		return message{}, onlyAsked(err)
	}
	return renderProposed(c, by), nil
}

// onlyAsked is an error of something for which Vault is asked and told nothing, so
// that nothing is uncertain.
func onlyAsked(err error) error {
	if errors.Is(err, ceremony.ErrUncertain) {
		return fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	return err
}

// status shows where a ceremony stands, and lets people do what it waits for from
// them.
func (d *desk) status(id ceremony.ID, by ceremony.Account) (message, error) {
	c, live, err := d.engine.Ceremony(id)
	if err != nil {
		return message{}, err
	}
	m := renderBoard(c, live, time.Now())
	m.blocks = append(m.blocks, deeds(c, by)...)
	return m, nil
}

func (d *desk) reset(ctx context.Context, id ceremony.ID, by ceremony.Account) (message, error) {
	_, err := d.engine.Reset(ctx, id, by)
	switch r, _ := ceremony.RefusalOf(err); {
	case r == ceremony.MayNotCancel:
		return message{}, mayNotReset
	case err != nil:
		return message{}, err
	}
	return say("The sealed nodes of `%s` forget the shares that they have counted, and everybody is asked once more.", id), nil
}

func (d *desk) reverify(ctx context.Context, id ceremony.ID, by ceremony.Account) (message, error) {
	_, err := d.engine.Reverify(ctx, id, by)
	switch r, _ := ceremony.RefusalOf(err); {
	case r == ceremony.MayNotCancel:
		return message{}, mayNotReverify
	case err != nil:
		return message{}, err
	}
	return say("The new shares of `%s` are proven again, from the beginning. Everybody is asked once more; the old key stays in force until then.", id), nil
}

func (d *desk) delete(ctx context.Context, id ceremony.ID, by ceremony.Account) (message, error) {
	_, err := d.engine.Delete(ctx, id, by)
	switch r, _ := ceremony.RefusalOf(err); {
	case r == ceremony.AlreadyApproved:
		return message{}, deletionAsked
	case err != nil:
		return message{}, err
	}
	return say("You let the backup of `%s` go. Vault is being asked to forget it.", id), nil
}

// accessor names the root token that a ceremony has made.
func (d *desk) accessor(ctx context.Context, id ceremony.ID, by ceremony.Account, accessor string) (message, error) {
	if _, err := d.engine.NameToken(ctx, id, by, accessor); err != nil {
		return message{}, onlyAsked(err)
	}
	return say("Vault knows the token of `%s` by this accessor. I ask every minute whether it is gone, and write down when it was. Revoke it as soon as the work is done.", id), nil
}

func (d *desk) revoked(ctx context.Context, id ceremony.ID, by ceremony.Account) (message, error) {
	_, err := d.engine.TokenRevoked(ctx, id, by)
	if r, _ := ceremony.RefusalOf(err); r == ceremony.NotWaiting {
		if c, _, known := d.engine.Ceremony(id); known == nil && c.OwesRevocation() && c.Accessor != "" {
			return message{}, vaultIsAsked
		}
	}
	if err != nil {
		return message{}, err
	}
	return say("Written down: you say that the token of `%s` is revoked. Without its accessor nobody could ask Vault.", id), nil
}

// submit shows a holder again what to run.
func (d *desk) submit(id ceremony.ID, by ceremony.Account) (message, error) {
	c, to, err := d.wanted(id, by)
	if err != nil {
		return message{}, err
	}
	return renderAsk(c, to, *c.Key), nil
}

// wanted is whom a ceremony means when it waits for somebody with this account. The
// error says why it does not.
func (d *desk) wanted(id ceremony.ID, by ceremony.Account) (ceremony.Ceremony, ceremony.Person, error) {
	c, _, err := d.engine.Ceremony(id)
	switch {
	case err != nil:
	case c.Ended():
		err = ceremony.Closed
	case c.State == ceremony.StateFrozen:
		err = ceremony.IsFrozen
	case !c.Wants():
		err = ceremony.NotCollecting
	case c.HasCounted(by):
		err = ceremony.AlreadyCounted
	}
	if err != nil {
		return c, ceremony.Person{}, err
	}
	missing := c.Missing()
	i := slices.IndexFunc(missing, func(p ceremony.Person) bool { return p.Account == by })
	if i < 0 {
		return c, ceremony.Person{}, nothingAsked
	}
	return c, missing[i], nil
}

// configured says whether a cluster has this name. It is asked here, since the
// engine's error would take what was typed to the log.
func (d *desk) configured(cluster string) bool {
	return slices.ContainsFunc(d.engine.Clusters(), func(c ceremony.Cluster) bool { return c.Name == cluster })
}

func (d *desk) history(cluster string) (message, error) {
	if cluster != "" && !d.configured(cluster) {
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
	return renderHolders(clusters, d.engine.Ceremonies()), nil
}

func (d *desk) keyStatus(ctx context.Context, cluster string) (message, error) {
	if !d.configured(cluster) {
		return message{}, ceremony.UnknownCluster
	}
	r, err := d.engine.KeyReport(ctx, cluster)
	if err != nil {
		return message{}, onlyAsked(err)
	}
	return renderKeyReport(cluster, r), nil
}
