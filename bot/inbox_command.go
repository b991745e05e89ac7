package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/bot/command"
	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
	"conclave/plural"
)

// listed reports whether an account is in the configuration. No other account is told
// anything.
func (in *inbox) listed(who ceremony.Account) bool {
	return slices.ContainsFunc(in.engine.Clusters(), func(c ceremony.Cluster) bool {
		return slices.ContainsFunc(slices.Concat(c.Initiators, c.Approvers, c.Holders, c.Receivers, c.Owners, c.Witnesses),
			func(p ceremony.Person) bool { return p.Account == who })
	})
}

// execute does what a person asks for by a command or a click. With t a form can be
// opened, for a moment.
func (in *inbox) execute(
	ctx context.Context, by ceremony.Account, cmd command.Command, t trigger,
) (render.Message, error) {
	switch cmd.Verb {
	case command.VerbHelp:
		return render.Help(cmd.Topic), nil
	case command.VerbList:
		return in.withDue(render.OpenCeremonies(in.engine.Current(), in.engine.SetAside(), time.Now()), nil)
	case command.VerbHistory:
		return in.history(cmd.Cluster)
	case command.VerbHolders:
		return in.holders(cmd.Cluster)
	case command.VerbKeyStatus:
		return in.keyStatus(ctx, cmd.Cluster)
	case command.VerbStart:
		return in.start(ctx, by, cmd)
	}
	id, err := in.which(cmd)
	if err != nil {
		return render.Message{}, err
	}
	switch cmd.Verb {
	case command.VerbStatus:
		return in.withDue(in.status(id, by))
	case command.VerbSubmit:
		if cmd.Form {
			return in.openForm(ctx, by, id, "", t)
		}
		return in.submit(id, by)
	case command.VerbApprove:
		return in.approve(ctx, id, by, cmd.Hash)
	case command.VerbResume:
		return in.resume(ctx, id, by)
	case command.VerbTranscript:
		return in.transcript(ctx, id, by, cmd.Send)
	case command.VerbReset:
		return in.reset(ctx, id, by)
	case command.VerbReverify:
		return in.reverify(ctx, id, by)
	case command.VerbDelete:
		return in.delete(ctx, id, by)
	case command.VerbAccessor:
		return in.accessor(ctx, id, by, cmd.Accessor)
	case command.VerbRevoked:
		return in.revoked(ctx, id, by)
	}
	return in.decide(ctx, id, by, cmd)
}

// decide does what the engine answers with yes or no, and says what was done.
func (in *inbox) decide(
	ctx context.Context, id ceremony.ID, by ceremony.Account, cmd command.Command,
) (render.Message, error) {
	var done string
	var err error
	switch cmd.Verb {
	case command.VerbReject:
		_, err = in.engine.Reject(ctx, id, by, cmd.Text)
		done = "You rejected `%s`. Nothing was sent to Vault."
	case command.VerbCancel:
		_, err = in.engine.Cancel(ctx, id, by, cmd.Text)
		done = "You cancelled `%s`. What becomes of it in Vault is shown in the status post."
	case command.VerbAcknowledge:
		_, err = in.engine.Acknowledge(ctx, id, by, cmd.Text, "")
		done = "You look after `%s`. The owners of the cluster see that in its status post."
	case command.VerbFreeze:
		_, err = in.engine.Freeze(ctx, id, by, cmd.Text)
		done = "`%s` stands still, as soon as Vault has answered what it was asked. " +
			"It goes on when its initiator and an approver agree."
	case command.VerbProceed:
		_, err = in.engine.Proceed(ctx, id, by)
		done = "You have let the next step of `%s` happen."
	case command.VerbAgree, command.VerbDisagree:
		_, err = in.engine.Testify(ctx, id, by, cmd.Verb == command.VerbAgree, cmd.Text)
		done = "Your statement about `%s` is written down, and becomes part of the transcript."
	case command.VerbException:
		_, err = in.engine.Note(ctx, id, by, cmd.Text)
		done = "Written down in the journal of `%s`."
	default:
		panic(fmt.Sprintf("verb %q is understood and not done", cmd.Verb))
	}
	if err != nil {
		return render.Message{}, err
	}
	return render.Say(done, id), nil
}

func (in *inbox) approve(ctx context.Context, id ceremony.ID, by ceremony.Account, hash string) (render.Message, error) {
	c, err := in.engine.Approve(ctx, id, by, hash)
	if err != nil {
		return render.Message{}, err
	}
	if missing := c.Plan.Approvals - len(c.Approvals); missing > 0 {
		return render.Say("You approved `%s`. %s missing.", id, plural.Of(missing, "more approval")), nil
	}
	return render.Say("You approved `%s`. %s", id, wording.Beginning(c)), nil
}

func (in *inbox) resume(ctx context.Context, id ceremony.ID, by ceremony.Account) (render.Message, error) {
	c, err := in.engine.Resume(ctx, id, by)
	if err != nil {
		return render.Message{}, err
	}
	if c.Phase == rules.PhaseFrozen {
		return render.Say("You want `%s` to go on. It takes the initiator *and* an approver; the other one is missing.",
			id), nil
	}
	return render.Say("`%s` goes on. Vault is compared with the plan first.", id), nil
}

// which returns the ceremony that a command means. Without an id it is the only open one,
// for verbs that change nothing.
func (in *inbox) which(cmd command.Command) (ceremony.ID, error) {
	if cmd.ID != "" {
		harmless := []command.Verb{command.VerbStatus, command.VerbSubmit, command.VerbTranscript}
		open, ended := in.engine.Named(cmd.ID)
		return command.Resolve(cmd.ID, open, ended, !slices.Contains(harmless, cmd.Verb))
	}
	return command.OnlyOpen(in.engine.Current())
}

func (in *inbox) start(ctx context.Context, by ceremony.Account, cmd command.Command) (render.Message, error) {
	if !slices.Contains(ceremony.Operations(), cmd.Operation) {
		return render.Message{}, command.UnknownOperation(cmd.Operation)
	}
	if !in.configured(cmd.Cluster) {
		return render.Message{}, ceremony.UnknownCluster
	}
	if err := in.notifier.channels.Check(ctx, in.notifier.channel(cmd.Cluster)); err != nil {
		return render.Message{}, err
	}
	c, err := in.engine.Propose(ctx, ceremony.Proposal{
		Operation: cmd.Operation, Cluster: cmd.Cluster, Reason: cmd.Text, By: by, Options: cmd.Options,
	})
	switch r, _ := ceremony.RefusalOf(err); {
	case r == ceremony.WrongOption:
		return render.Message{}, command.WrongOption(cmd)
	case err != nil:
		return render.Message{}, onlyAsked(err)
	}
	return render.Proposed(c, by), nil
}

// onlyAsked returns the error of a request that only reads from Vault. Without an answer
// nothing is uncertain then: it counts as not sent.
func onlyAsked(err error) error {
	if errors.Is(err, ceremony.ErrUncertain) {
		return fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	return err
}

// status shows where a ceremony stands, with buttons for what it waits for from this
// person.
func (in *inbox) status(id ceremony.ID, by ceremony.Account) (render.Message, error) {
	c, live, err := in.engine.Ceremony(id)
	if err != nil {
		return render.Message{}, err
	}
	m := render.StatusPost(c, live, time.Now())
	m.Blocks = append(m.Blocks, render.Buttons(c, by)...)
	return m, nil
}

func (in *inbox) reset(ctx context.Context, id ceremony.ID, by ceremony.Account) (render.Message, error) {
	_, err := in.engine.Reset(ctx, id, by)
	switch r, _ := ceremony.RefusalOf(err); {
	case r == ceremony.MayNotCancel:
		return render.Message{}, refusal.MayNotReset
	case err != nil:
		return render.Message{}, err
	}
	return render.Say("The sealed nodes of `%s` forget the shares that they have counted, "+
		"and everybody is asked once more.", id), nil
}

func (in *inbox) reverify(ctx context.Context, id ceremony.ID, by ceremony.Account) (render.Message, error) {
	_, err := in.engine.Reverify(ctx, id, by)
	switch r, _ := ceremony.RefusalOf(err); {
	case r == ceremony.MayNotCancel:
		return render.Message{}, refusal.MayNotReverify
	case err != nil:
		return render.Message{}, err
	}
	return render.Say("The new shares of `%s` are proven again, from the beginning. "+
		"Everybody is asked once more; the old key stays in force until then.", id), nil
}

func (in *inbox) delete(ctx context.Context, id ceremony.ID, by ceremony.Account) (render.Message, error) {
	_, err := in.engine.Delete(ctx, id, by)
	switch r, _ := ceremony.RefusalOf(err); {
	case r == ceremony.AlreadyApproved:
		return render.Message{}, refusal.DeletionAsked
	case err != nil:
		return render.Message{}, err
	}
	return render.Say("You let the backup of `%s` go. Vault is being asked to forget it.", id), nil
}

// accessor names the root token that a ceremony has made.
func (in *inbox) accessor(
	ctx context.Context, id ceremony.ID, by ceremony.Account, accessor string,
) (render.Message, error) {
	if _, err := in.engine.NameToken(ctx, id, by, accessor); err != nil {
		return render.Message{}, onlyAsked(err)
	}
	return render.Say("Vault knows the token of `%s` by this accessor. I ask every minute whether it is gone, "+
		"and write down when it was. Revoke it as soon as the work is done.", id), nil
}

func (in *inbox) revoked(ctx context.Context, id ceremony.ID, by ceremony.Account) (render.Message, error) {
	_, err := in.engine.TokenRevoked(ctx, id, by)
	if r, _ := ceremony.RefusalOf(err); r == ceremony.NotWaiting {
		if c, _, known := in.engine.Ceremony(id); known == nil && c.OwesRevocation() && c.Accessor != "" {
			return render.Message{}, refusal.VaultIsAsked
		}
	}
	if err != nil {
		return render.Message{}, err
	}
	return render.Say("Written down: you say that the token of `%s` is revoked. "+
		"Without its accessor nobody could ask Vault.", id), nil
}

// submit shows a person again what to run.
func (in *inbox) submit(id ceremony.ID, by ceremony.Account) (render.Message, error) {
	c, to, err := in.wanted(id, by)
	if err != nil {
		return render.Message{}, err
	}
	return render.ShareRequest(c, to, *c.Key, in.config.Sign)
}

// wanted returns a ceremony and the person of this account, when the ceremony waits for a
// message of theirs. The error says why it does not.
func (in *inbox) wanted(id ceremony.ID, by ceremony.Account) (rules.State, ceremony.Person, error) {
	c, _, err := in.engine.Ceremony(id)
	switch {
	case err != nil:
	case c.Ended():
		err = ceremony.Closed
	case c.Phase == rules.PhaseFrozen:
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
		return c, ceremony.Person{}, refusal.NothingAsked
	}
	return c, missing[i], nil
}

// configured reports whether a cluster has this name. It is checked before the engine is
// asked, whose error would bring what was typed into the log.
func (in *inbox) configured(cluster string) bool {
	return slices.ContainsFunc(in.engine.Clusters(), func(c ceremony.Cluster) bool { return c.Name == cluster })
}

func (in *inbox) history(cluster string) (render.Message, error) {
	if cluster != "" && !in.configured(cluster) {
		return render.Message{}, ceremony.UnknownCluster
	}
	newest, all := in.engine.Past(cluster, wording.MaxListed)
	return render.PastCeremonies(newest, all), nil
}

func (in *inbox) holders(cluster string) (render.Message, error) {
	clusters := in.engine.Clusters()
	if cluster != "" {
		clusters = slices.DeleteFunc(clusters, func(c ceremony.Cluster) bool { return c.Name != cluster })
		if len(clusters) == 0 {
			return render.Message{}, ceremony.UnknownCluster
		}
	}
	return render.Holders(clusters, in.engine.Exposures), nil
}

func (in *inbox) keyStatus(ctx context.Context, cluster string) (render.Message, error) {
	if !in.configured(cluster) {
		return render.Message{}, ceremony.UnknownCluster
	}
	r, err := in.engine.KeyReport(ctx, cluster)
	if err != nil {
		return render.Message{}, onlyAsked(err)
	}
	return render.KeyReport(cluster, r), nil
}
