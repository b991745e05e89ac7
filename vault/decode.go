package vault

import (
	"encoding/json"
	"errors"
	"fmt"

	"conclave/ceremony"
)

// decode reads an answer. At least one of the fields must be there: an answer without
// any does not come from Vault. The fields stand at the top, or under "data" as in
// everything that passes Vault's router.
//
// The error is ErrUncertain: an answer that can't be read leaves open what the request
// did.
func decode[T any](body []byte, fields ...string) (T, error) {
	var answer T
	var top map[string]json.RawMessage
	if err := json.Unmarshal(body, &top); err != nil {
		if isWebPage(body) {
			return answer, fmt.Errorf("%w: %w", ceremony.ErrUncertain, errWebPage)
		}
		return answer, malformed("it is not JSON")
	}
	level, inner := body, top
	if data, ok := top["data"]; ok {
		if inner = nil; json.Unmarshal(data, &inner) == nil && inner != nil {
			level = data
		} else {
			inner = top
		}
	}
	for _, field := range fields {
		if _, ok := inner[field]; ok {
			if json.Unmarshal(level, &answer) != nil {
				return answer, malformed("a field has the wrong type")
			}
			return answer, nil
		}
	}
	return answer, malformed("it lacks what Vault would say")
}

// malformed returns the error of an answer that can't be read. It names what is wrong,
// and quotes none of it.
func malformed(what string) error {
	return fmt.Errorf("%w: %w", ceremony.ErrUncertain, errors.New("the answer can't be read: "+what))
}
