package slacktest

import (
	"encoding/json"
	"strconv"
	"strings"

	"conclave/bot/slacktest/mrkdwn"
)

func filesGetUploadURLExternal(c *call) (object, error) {
	length, err := strconv.Atoi(c.args["length"])
	if err != nil || length < 0 {
		return nil, refuseArguments("[ERROR] must be a number [json-pointer:/length]")
	}
	if length == 0 {
		return nil, refuse("missing_argument")
	}
	if length > maxFile {
		return nil, refuse("file_upload_size_restricted")
	}
	f := &file{w: c.Workspace, owner: c.bot, length: length, created: c.cfg.Now().Unix(), ticket: c.idLocked("Up")}
	f.ID, f.Name, f.Title = c.idLocked("F"), c.args["filename"], c.args["filename"]
	c.files = append(c.files, f)
	return object{"upload_url": c.URL() + "/upload/v1/" + f.ticket, "file_id": f.ID}, nil
}

func filesCompleteUploadExternal(c *call) (object, error) {
	wanted, err := c.uploads()
	if err != nil {
		return nil, err
	}
	var into []*Channel
	for _, id := range c.uploadChannels() {
		ch, err := c.postInto(id)
		if err != nil {
			return nil, err
		}
		into = append(into, ch)
	}
	var blocks []any
	if c.args["initial_comment"] == "" {
		if blocks, err = c.readBlocksLocked(c.method, c.args["blocks"]); err != nil {
			return nil, err
		}
	}
	thread := c.args["thread_ts"]
	if err := inThread(into, thread); err != nil {
		return nil, err
	}
	for _, f := range wanted {
		f.complete = true
	}
	for _, ch := range into {
		m := &message{author: c.bot}
		m.Text, m.Blocks, m.BotID, m.ThreadTS = mrkdwn.EscapeSent(c.args["initial_comment"]), blocks, c.BotID(), thread
		if c.cfg.Timing.Share == 0 {
			ch.shareLocked(m, wanted)
			continue
		}
		c.after(c.cfg.Timing.Share, func() {
			ch.shareLocked(m, wanted)
			c.changeLocked()
		})
	}
	described := []object{}
	for _, f := range wanted {
		described = append(described, f.describeLocked())
	}
	return object{"files": described}, nil
}

// inThread refuses a thread_ts that the reference does not allow: it goes with one channel, and names the first message
// of a thread there.
func inThread(into []*Channel, thread string) error {
	switch {
	case thread == "":
		return nil
	case len(into) != 1:
		return refuseArguments("[ERROR] thread_ts goes with one channel [json-pointer:/thread_ts]")
	}
	if parent := into[0].findLocked(thread); parent == nil || parent.ThreadTS != "" {
		return refuseArguments("[ERROR] must be the first message of a thread [json-pointer:/thread_ts]")
	}
	return nil
}

func (c *call) uploads() ([]*file, error) {
	named, err := decodeFiles(c.args["files"])
	if err != nil {
		return nil, refuseArguments("[ERROR] must be a list of objects with id [json-pointer:/files]")
	}
	var all []*file
	for _, n := range named {
		f := c.fileLocked(n.ID)
		if f == nil || !f.uploaded || f.complete || f.owner != c.bot {
			return nil, refuse("file_not_found")
		}
		if n.Title != "" {
			f.Title = n.Title
		}
		all = append(all, f)
	}
	return all, nil
}

func (c *call) uploadChannels() []string {
	switch {
	case c.args["channel_id"] != "":
		return []string{c.args["channel_id"]}
	case c.args["channels"] != "":
		return strings.Split(c.args["channels"], ",")
	}
	return nil
}

// postInto finds a channel to share a file in. Unlike chat.postMessage it takes no user's id.
func (c *call) postInto(id string) (*Channel, error) {
	ch, err := c.reachLocked(id)
	switch {
	case err != nil:
		return nil, err
	case ch.archived, ch.kind == directMessage && c.cfg.MessagesTab == TabOff:
		return nil, refuse("posting_to_channel_denied")
	}
	return ch, nil
}

func filesInfo(c *call) (object, error) {
	f := c.fileLocked(c.args["file"])
	switch {
	case f == nil || !f.seenByBotLocked():
		return nil, refuse("file_not_found")
	case f.deleted:
		return nil, refuse("file_deleted")
	}
	return object{"file": f.describeLocked(), "comments": []any{}, "response_metadata": object{"next_cursor": ""}}, nil
}

func filesDelete(c *call) (object, error) {
	f := c.fileLocked(c.args["file"])
	switch {
	case f == nil || !f.seenByBotLocked():
		return nil, refuse("file_not_found")
	case f.deleted:
		return nil, refuse("file_deleted")
	case f.owner != c.bot:
		return nil, refuse("cant_delete_file")
	}
	f.deleted = true
	return object{}, nil
}

type fileName struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

func decodeFiles(raw string) ([]fileName, error) {
	var all []fileName
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNotThere
	}
	return all, nil
}
