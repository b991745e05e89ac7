package slacktest

func usersInfo(c *call) (object, error) {
	p := c.personByIDLocked(c.args["user"])
	if p == nil {
		return nil, refuse("user_not_found")
	}
	return object{"user": p.describeLocked()}, nil
}

func usersList(c *call) (object, error) {
	people, next, err := page(c, c.people, 999)
	if err != nil {
		return nil, err
	}
	members := []object{}
	for _, p := range people {
		members = append(members, p.describeLocked())
	}
	return object{"members": members, "cache_ts": c.cfg.Now().Unix(), "response_metadata": next}, nil
}

func usersLookupByEmail(c *call) (object, error) {
	for _, p := range c.people {
		if p.email == c.args["email"] && !p.deleted {
			return object{"user": p.describeLocked()}, nil
		}
	}
	return nil, refuse("users_not_found")
}

func botsInfo(c *call) (object, error) {
	if id := c.args["bot"]; id != "" && id != c.BotID() {
		return nil, refuse("bot_not_found")
	}
	return object{"bot": object{
		"id": c.BotID(), "deleted": false, "name": c.bot.name, "updated": 1700000000, "app_id": c.AppID(),
		"user_id": c.bot.id, "icons": object{},
	}}, nil
}

func teamInfo(c *call) (object, error) {
	return object{"team": object{"id": c.TeamID(), "name": "Conclave", "domain": "conclave",
		"email_domain": "conclave.example", "icon": object{}}}, nil
}

// usergroupsUsersList finds no user group: a workspace has none.
func usergroupsUsersList(*call) (object, error) { return nil, refuse("no_such_subteam") }
