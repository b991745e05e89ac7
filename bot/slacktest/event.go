package slacktest

import (
	"slices"
	"strings"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/manifest"
)

// raiseLocked sends an event to the app if the app subscribes to it, has the scope for it, and is in the channel.
func (w *Workspace) raiseLocked(name string, ch *Channel, event object) {
	if !slices.Contains(w.cfg.Events, name) || !w.mayHearLocked(name) {
		return
	}
	if left := strings.HasSuffix(name, "_left"); ch != nil && !left && !ch.hasLocked(w.bot) {
		return
	}
	if event["event_ts"] == nil {
		event["event_ts"] = w.tsLocked()
	}
	w.hub.Raise(object{
		"token": "verification", "team_id": w.TeamID(), "api_app_id": w.AppID(), "event": event, "type": "event_callback",
		"event_id": w.idLocked("Ev"), "event_time": w.cfg.Now().Unix(), "is_ext_shared_channel": ch != nil && ch.extShared,
		"event_context": "4-" + w.idLocked("ctx"),
		"authorizations": []object{{
			"enterprise_id": nil, "team_id": w.TeamID(), "user_id": w.bot.id, "is_bot": true, "is_enterprise_install": false,
		}},
	})
}

// raiseMessageLocked sends a message event under the name that fits the channel, and app_mention when the app is
// mentioned.
func (w *Workspace) raiseMessageLocked(ch *Channel, event object) {
	w.raiseLocked("message."+string(ch.kind), ch, event)
	if ch.kind != directMessage && event["subtype"] == nil &&
		strings.Contains(blockkit.Text(event, "text"), "<@"+w.bot.id+">") {
		mention := object{"type": "app_mention"}
		for _, key := range []string{"user", "text", "ts", "team", "blocks", "channel", "thread_ts", "event_ts"} {
			if v, there := event[key]; there {
				mention[key] = v
			}
		}
		w.raiseLocked("app_mention", ch, mention)
	}
}

func (w *Workspace) mayHearLocked(name string) bool {
	needed := manifest.ScopesOfEvent(name)
	return len(needed) == 0 || slices.ContainsFunc(needed, w.hasScopeLocked)
}
