package slacktest

import (
	"encoding/json"

	"conclave/bot/slacktest/blockkit"
)

func authTest(c *call) (object, error) {
	return object{
		"url": c.URL() + "/", "team": "Conclave", "user": c.bot.name, "team_id": c.TeamID(), "user_id": c.bot.id,
		"bot_id": c.BotID(), "is_enterprise_install": false,
	}, nil
}

// blocksValidate serves blocks.validate. The answer has a JSON pointer for each fault.
func blocksValidate(c *call) (object, error) {
	given := ""
	for _, arg := range []string{"blocks", "message", "view"} {
		if c.args[arg] == "" {
			continue
		}
		if given != "" {
			return nil, refuseArguments("must provide exactly one of `blocks`, `view`, or `message`")
		}
		given = arg
	}
	if given == "" {
		return nil, refuseArguments("must provide exactly one of `blocks`, `view`, or `message`")
	}
	var value any
	if err := json.Unmarshal([]byte(c.args[given]), &value); err != nil {
		return nil, refuseArguments("`" + given + "` is not JSON")
	}
	check := &blockkit.Checker{}
	switch given {
	case "blocks":
		check.Blocks("", value, blockkit.InMessage)
	case "message":
		check.Blocks("/blocks", blockkit.List(value, "blocks"), blockkit.InMessage)
	case "view":
		check.View("", value)
	}
	if len(check.Faults) == 0 {
		return object{}, nil
	}
	var faults []object
	for _, f := range check.Faults {
		faults = append(faults, object{"code": "failed_constraint", "message": f.What, "pointer": f.Pointer})
	}
	return nil, &apiError{code: "invalid_" + given, extra: object{"errors": faults}}
}
