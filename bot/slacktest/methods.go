package slacktest

// tier is a method's rate: calls a minute, for one app in one workspace.
type tier int

// Source: docs.slack.dev "Rate limits". perChannel is chat.postMessage's own: one a second and channel, and "several
// hundred" a minute in a workspace.
const (
	tier2      tier = 20
	tier3      tier = 50
	tier4      tier = 100
	perChannel tier = -1

	postsAMinute = 300
)

// method is one method of the Web API.
type method struct {
	token    tokenKind
	scopes   []string // any one of them; empty means none is needed
	byKind   string   // the scope depends on the channel: "read" → channels:read, groups:read, im:read
	tier     tier
	required []string
	handle   func(*call) (object, error)
}

// needs returns the scopes of which the call needs one.
func (m method) needs(c *call) []string {
	if m.byKind == "" {
		return m.scopes
	}
	if ch := c.channelByIDLocked(c.args["channel"]); ch != nil {
		return []string{ch.kind.scope(m.byKind)}
	}
	return []string{publicChannel.scope(m.byKind), privateChannel.scope(m.byKind), directMessage.scope(m.byKind)}
}

// methods returns the methods that a bot of this kind can need, with scope and tier as the reference of each at
// docs.slack.dev/reference/methods has them. Every other name is refused with unknown_method.
func methods() map[string]method {
	return map[string]method{
		"auth.test":             {token: botToken, tier: tier4, handle: authTest},
		"apps.connections.open": {token: appToken, tier: tier3, handle: appsConnectionsOpen},
		"blocks.validate":       {tier: tier4, handle: blocksValidate},

		"chat.postMessage":   {token: botToken, scopes: []string{"chat:write"}, tier: perChannel, required: []string{"channel"}, handle: chatPostMessage},
		"chat.update":        {token: botToken, scopes: []string{"chat:write"}, tier: tier3, required: []string{"channel", "ts"}, handle: chatUpdate},
		"chat.delete":        {token: botToken, scopes: []string{"chat:write"}, tier: tier3, required: []string{"channel", "ts"}, handle: chatDelete},
		"chat.postEphemeral": {token: botToken, scopes: []string{"chat:write"}, tier: tier4, required: []string{"channel", "user"}, handle: chatPostEphemeral},
		"chat.getPermalink":  {token: botToken, tier: tier4, required: []string{"channel", "message_ts"}, handle: chatGetPermalink},

		"views.open":    {token: botToken, tier: tier4, required: []string{"view"}, handle: viewsOpen},
		"views.push":    {token: botToken, tier: tier4, required: []string{"view"}, handle: viewsPush},
		"views.update":  {token: botToken, tier: tier4, required: []string{"view"}, handle: viewsUpdate},
		"views.publish": {token: botToken, tier: tier4, required: []string{"user_id", "view"}, handle: viewsPublish},

		"conversations.open":     {token: botToken, scopes: []string{"im:write", "mpim:write", "groups:write", "channels:manage"}, tier: tier3, handle: conversationsOpen},
		"conversations.info":     {token: botToken, byKind: "read", tier: tier3, required: []string{"channel"}, handle: conversationsInfo},
		"conversations.members":  {token: botToken, byKind: "read", tier: tier4, required: []string{"channel"}, handle: conversationsMembers},
		"conversations.history":  {token: botToken, byKind: "history", tier: tier3, required: []string{"channel"}, handle: conversationsHistory},
		"conversations.replies":  {token: botToken, byKind: "history", tier: tier3, required: []string{"channel", "ts"}, handle: conversationsReplies},
		"conversations.list":     {token: botToken, byKind: "read", tier: tier2, handle: conversationsList},
		"conversations.invite":   {token: botToken, scopes: []string{"channels:manage", "groups:write", "channels:write.invites", "groups:write.invites"}, tier: tier3, required: []string{"channel", "users"}, handle: conversationsInvite},
		"conversations.join":     {token: botToken, scopes: []string{"channels:join"}, tier: tier3, required: []string{"channel"}, handle: conversationsJoin},
		"conversations.setTopic": {token: botToken, scopes: []string{"channels:manage", "groups:write", "channels:write.topic", "groups:write.topic"}, tier: tier2, required: []string{"channel", "topic"}, handle: conversationsSetTopic},

		"users.info":            {token: botToken, scopes: []string{"users:read"}, tier: tier4, required: []string{"user"}, handle: usersInfo},
		"users.list":            {token: botToken, scopes: []string{"users:read"}, tier: tier2, handle: usersList},
		"users.lookupByEmail":   {token: botToken, scopes: []string{"users:read.email"}, tier: tier3, required: []string{"email"}, handle: usersLookupByEmail},
		"users.conversations":   {token: botToken, byKind: "read", tier: tier3, handle: usersConversations},
		"bots.info":             {token: botToken, scopes: []string{"users:read"}, tier: tier3, handle: botsInfo},
		"team.info":             {token: botToken, scopes: []string{"team:read"}, tier: tier3, handle: teamInfo},
		"usergroups.users.list": {token: botToken, scopes: []string{"usergroups:read"}, tier: tier2, required: []string{"usergroup"}, handle: usergroupsUsersList},

		"pins.add":         {token: botToken, scopes: []string{"pins:write"}, tier: tier2, required: []string{"channel", "timestamp"}, handle: pinsAdd},
		"pins.remove":      {token: botToken, scopes: []string{"pins:write"}, tier: tier2, required: []string{"channel", "timestamp"}, handle: pinsRemove},
		"pins.list":        {token: botToken, scopes: []string{"pins:read"}, tier: tier2, required: []string{"channel"}, handle: pinsList},
		"reactions.add":    {token: botToken, scopes: []string{"reactions:write"}, tier: tier3, required: []string{"channel", "name", "timestamp"}, handle: reactionsAdd},
		"reactions.remove": {token: botToken, scopes: []string{"reactions:write"}, tier: tier2, required: []string{"channel", "name", "timestamp"}, handle: reactionsRemove},
		"bookmarks.add":    {token: botToken, scopes: []string{"bookmarks:write"}, tier: tier2, required: []string{"channel_id", "title", "type"}, handle: bookmarksAdd},

		"files.getUploadURLExternal":   {token: botToken, scopes: []string{"files:write"}, tier: tier4, required: []string{"filename", "length"}, handle: filesGetUploadURLExternal},
		"files.completeUploadExternal": {token: botToken, scopes: []string{"files:write"}, tier: tier4, required: []string{"files"}, handle: filesCompleteUploadExternal},
		"files.info":                   {token: botToken, scopes: []string{"files:read"}, tier: tier4, required: []string{"file"}, handle: filesInfo},
		"files.delete":                 {token: botToken, scopes: []string{"files:write"}, tier: tier3, required: []string{"file"}, handle: filesDelete},
	}
}
