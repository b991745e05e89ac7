package engine

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/planning"
	"conclave/ceremony/rules"
	"conclave/ceremony/story"
	"conclave/ceremony/transcript"
)

// doubt returns why a ceremony that was open when the program started must not go on as
// its journal has it, or nil. An attacker who can write to the journal's folder can add a
// line. So signed statements are verified again, the story is judged, and the plan is compared
// with the configuration.
func (e *Engine) doubt(c rules.State, cluster ceremony.Cluster) *rules.Difference {
	switch bot := e.config.OpenPGP.Identity(); {
	case c.Ended() || c.Plan.Operation == ceremony.Alarm:
		return nil
	case e.isBehind(c) != nil:
		return e.isBehind(c)
	case bot != c.Plan.Identity:
		return rules.OtherBot(c.Plan, bot)
	}
	if d := planning.Drift(c.Plan, cluster); d != nil {
		return d
	}
	if d := e.uncalled(c.Plan, cluster); d != nil {
		return d
	}
	if d := transcript.Unsigned(c, e.config.OpenPGP.PublicKey, e.config.Signatures); d != nil {
		return d
	}
	if d := story.Doubt(c); d != nil {
		return d
	}
	return c.Adoption()
}

// uncalled returns a difference when the policy's roll call asks for more people than the
// plan's, or nil. The journals show that everybody who is not called has used their key.
func (e *Engine) uncalled(p ceremony.Plan, cluster ceremony.Cluster) *rules.Difference {
	again := p
	again.RollCall, again.Present = nil, 0
	e.callRoll(&again, cluster.Policy(p.Operation).RollCall)
	if p.Present < again.Present {
		return planning.OtherConfig(fmt.Sprintf("roll call, present needed %d", p.Present), fmt.Sprint(again.Present))
	}
	return nil
}
