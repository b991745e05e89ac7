package planning

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
)

// Follow writes the demands of the operation's policy into a plan. It refuses demands that
// the cluster's people can't meet.
func Follow(p *ceremony.Plan, cluster ceremony.Cluster, policy ceremony.Policy,
	usable func(ceremony.Fingerprint) error) error {
	p.Approvals, p.ApprovalsFrom, p.SignedApprovals = policy.Approvals, policy.Classes, policy.Signed
	p.Cooling, p.Ways = ceremony.Span(policy.Cooling), policy.Ways
	if policy.Quiet != (ceremony.Quiet{}) {
		quiet := policy.Quiet
		p.Quiet = &quiet
	}

	takesPart := slices.Concat(p.Holders, p.Receivers)
	var unable error
	p.Approvers = slices.DeleteFunc(slices.Clone(cluster.Approvers), func(a ceremony.Person) bool {
		_, part := ceremony.Find(takesPart, a.Account)
		if policy.Separate && part || policy.Signed && a.Key == "" {
			return true
		}
		if !policy.Signed {
			return false
		}
		err := usable(a.Key)
		if err != nil {
			unable = errors.Join(unable, fmt.Errorf("%s: %w", a.Name, err))
		}
		return err != nil
	})
	switch err := p.EnoughApprovers(); {
	case err != nil && unable != nil:
		return fmt.Errorf("%w: %w: %w", ceremony.UnableToSign, err, unable)
	case err != nil:
		return err
	}
	if policy.Witness {
		others := slices.Concat(p.Deciders(), takesPart)
		for _, w := range cluster.Witnesses {
			if _, part := ceremony.Find(others, w.Account); !part {
				p.Witnesses = append(p.Witnesses, w)
			}
		}
		if len(p.Witnesses) == 0 {
			return ceremony.NoWitness
		}
	}
	if begins := p.Begins(p.Proposed.Add(policy.Cooling)); !begins.Before(p.Closes) {
		return fmt.Errorf("nothing begins before %s: %w", begins.Format(time.RFC3339), ceremony.NoTime)
	}
	return nil
}
