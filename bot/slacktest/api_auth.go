package slacktest

import "encoding/json"

func authTest(c *call) (object, error) {
	return object{
		"url": c.URL() + "/", "team": "Conclave", "user": c.bot.name, "team_id": c.TeamID(), "user_id": c.bot.id,
		"bot_id": c.BotID(), "is_enterprise_install": false,
	}, nil
}

// blocksValidate answers as the method of that name does, with a JSON pointer for each fault.
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
	check := &checker{}
	switch given {
	case "blocks":
		check.blocks("", value, inMessage)
	case "message":
		check.blocks("/blocks", list(value, "blocks"), inMessage)
	case "view":
		check.view("", value)
	}
	if len(check.faults) == 0 {
		return object{}, nil
	}
	var faults []object
	for _, f := range check.faults {
		faults = append(faults, object{"code": "failed_constraint", "message": f.what, "pointer": f.pointer})
	}
	return nil, &apiError{code: "invalid_" + given, extra: object{"errors": faults}}
}
