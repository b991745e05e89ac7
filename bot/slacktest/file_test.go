package slacktest_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"conclave/bot/slacktest"
)

func (c client) fetch(address, token string) (*http.Response, string) {
	c.t.Helper()
	out, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	out.Header.Set("Authorization", "Bearer "+token)
	in, err := http.DefaultClient.Do(out)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = in.Body.Close() }()
	body, err := io.ReadAll(in.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return in, string(body)
}

func TestUploadedFileArrivesAsMessageAndAsFile(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	must(alice.Shares(alice.Direct(), "here", slacktest.Upload{Name: "share 1.asc", Content: []byte("-----BEGIN")},
		slacktest.Upload{Name: "b.gpg", Content: []byte{0x85, 1}}))(t)
	event := at(s.next(), "payload", "event")
	files, _ := at(event, "files").([]any)
	if at(event, "subtype") != "file_share" || at(event, "channel_type") != "im" || len(files) != 2 ||
		at(files[0], "mimetype") != "text/plain" || at(files[1], "size") != 2.0 {
		t.Fatalf("got %v", event)
	}
	shared := at(s.next(), "payload", "event")
	if at(shared, "type") != "file_shared" || at(shared, "file_id") != at(files[0], "id") ||
		at(shared, "user_id") != alice.ID() {
		t.Errorf("got %v", shared)
	}
	address := at(files[0], "url_private_download").(string)
	if !strings.HasPrefix(address, w.URL()+"/") {
		t.Errorf("file is at %s", address)
	}
	if in, body := c.fetch(address, w.BotToken()); body != "-----BEGIN" || in.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%v: %q", in.Header, body)
	}
	if got := at(c.ok("files.info", "file", at(files[0], "id").(string)), "file", "name"); got != "share 1.asc" {
		t.Errorf("files.info: %v", got)
	}
	if a := c.form("files.delete", "file", at(files[0], "id").(string)); a["error"] != "cant_delete_file" {
		t.Errorf("files.delete: %v", a)
	}
}

func TestPrivateFileLeadsStrangersToTheSignInPage(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	alice := w.AddPerson("alice")
	m := must(alice.Uploads("share.asc", []byte("secret bytes")))(t)
	address := at(c.ok("files.info", "file", m.Files[0].ID), "file", "url_private").(string)
	elsewhere := w.AddPrivateChannel("elsewhere", alice)
	hidden := must(alice.Shares(elsewhere, "", slacktest.Upload{Name: "hidden.asc", Content: []byte("secret bytes")}))(t)
	for name, get := range map[string]func() (*http.Response, string){
		"wrong token": func() (*http.Response, string) { return c.fetch(address, "xoxb-nobody") },
		"app token":   func() (*http.Response, string) { return c.fetch(address, w.AppToken()) },
		"out of reach": func() (*http.Response, string) {
			return c.fetch(strings.ReplaceAll(address, m.Files[0].ID, hidden.Files[0].ID), w.BotToken())
		},
		"no scope": func() (*http.Response, string) {
			w.RemoveScope("files:read")
			defer w.GrantScope("files:read")
			return c.fetch(address, w.BotToken())
		},
	} {
		in, body := get()
		if in.StatusCode != http.StatusOK || !strings.Contains(body, "Sign in") || in.Request.URL.Query().Get("redir") == "" {
			t.Errorf("%s: %d %q", name, in.StatusCode, body)
		}
	}
	if a := c.form("files.info", "file", hidden.Files[0].ID); a["error"] != "file_not_found" {
		t.Errorf("files.info: %v", a)
	}
	do(t, alice.DeletesFile(m.Files[0].ID))
	if a := c.form("files.info", "file", m.Files[0].ID); a["error"] != "file_deleted" {
		t.Errorf("files.info: %v", a)
	}
	if in, _ := c.fetch(address, w.BotToken()); in.StatusCode != http.StatusNotFound {
		t.Errorf("deleted file: %d", in.StatusCode)
	}
}

func TestUploadInThreeSteps(t *testing.T) {
	for _, asForm := range []bool{false, true} {
		w := start(t, slacktest.Config{})
		c := client{t, w}
		alice := w.AddPerson("alice")
		dm := alice.Direct().ID()
		a := c.ok("files.getUploadURLExternal", "filename", "new-share.asc", "length", "5")
		id := a["file_id"].(string)
		if a := c.form("files.completeUploadExternal", "files", `[{"id":"`+id+`"}]`, "channel_id",
			dm); a["error"] != "file_not_found" {
			t.Errorf("completed before the bytes came: %v", a)
		}
		kind, body := "application/octet-stream", bytes.NewBufferString("armor")
		if asForm {
			body.Reset()
			form := multipart.NewWriter(body)
			part := must(form.CreateFormFile("file", "new-share.asc"))(t)
			must(part.Write([]byte("armor")))(t)
			do(t, form.Close())
			kind = form.FormDataContentType()
		}
		in := must(http.Post(a["upload_url"].(string), kind, body))(t)
		printed := must(io.ReadAll(in.Body))(t)
		_ = in.Body.Close()
		if in.StatusCode != http.StatusOK || string(printed) != "OK - 5" {
			t.Errorf("upload: %d %q", in.StatusCode, printed)
		}
		c.ok("files.completeUploadExternal", "files", `[{"id":"`+id+`","title":"Your share"}]`, "channel_id", dm,
			"initial_comment", "for you")
		inbox := alice.Inbox()
		if len(inbox) != 1 || inbox[0].Subtype != "file_share" || string(inbox[0].Files[0].Content) != "armor" ||
			inbox[0].Files[0].Title != "Your share" {
			t.Errorf("inbox: %+v", inbox)
		}
		if got := w.Read(inbox[0]); got != "for you\n[file new-share.asc, 5 bytes]" {
			t.Errorf("reads %q", got)
		}
		if a := c.form("files.completeUploadExternal", "files", `[{"id":"`+id+`"}]`); a["error"] != "file_not_found" {
			t.Errorf("completed twice: %v", a)
		}
		c.ok("files.delete", "file", id)
		wantNoViolations(t, w)
	}
}

func TestFilesAreSharedIntoOneThread(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	ops := w.AddChannel("ops", w.Bot())
	other := w.AddChannel("other", w.Bot())
	uploaded := func() string {
		a := c.ok("files.getUploadURLExternal", "filename", "transcript.json", "length", "2")
		in := must(http.Post(a["upload_url"].(string), "application/octet-stream", strings.NewReader("{}")))(t)
		_ = in.Body.Close()
		return `[{"id":"` + a["file_id"].(string) + `"}]`
	}
	first := c.ok("chat.postMessage", "channel", ops.ID(), "text", "status")["ts"].(string)
	reply := c.ok("chat.postMessage", "channel", ops.ID(), "text", "reply", "thread_ts", first)["ts"].(string)
	c.ok("files.completeUploadExternal", "files", uploaded(), "channel_id", ops.ID(), "thread_ts", first)
	if thread := ops.Thread(first); len(thread) != 3 || len(thread[2].Files) != 1 || thread[2].User != w.Bot().ID() {
		t.Errorf("the thread is %+v", thread)
	}
	wantNoViolations(t, w)
	for name, args := range map[string][]string{
		"a reply":      {"channel_id", ops.ID(), "thread_ts", reply},
		"no message":   {"channel_id", ops.ID(), "thread_ts", "1.1"},
		"two channels": {"channels", ops.ID() + "," + other.ID(), "thread_ts", first},
	} {
		if a := c.form("files.completeUploadExternal",
			append([]string{"files", uploaded()}, args...)...); a["error"] != "invalid_arguments" {
			t.Errorf("%s: %v", name, a)
		}
	}
	w.RemoveScope("files:write")
	if a := c.form("files.getUploadURLExternal", "filename", "x", "length", "1"); a["error"] != "missing_scope" ||
		a["needed"] != "files:write" {
		t.Errorf("without the scope: %v", a)
	}
}

func TestFileGivenToAFormIsForTheAppAlone(t *testing.T) {
	w := start(t, slacktest.Config{})
	c := client{t, w}
	s := c.connect()
	alice := w.AddPerson("alice")
	id := alice.Attaches("share.asc", []byte("armor"))
	if a := c.form("files.info", "file", id); a["error"] != "file_not_found" {
		t.Errorf("before: %v", a)
	}
	openForm(c, s, alice, `{"type":"modal","title":{"type":"plain_text","text":"Share"},"submit":{"type":"plain_text","text":"Send"},"blocks":[
		{"type":"input","block_id":"file","label":{"type":"plain_text","text":"File"},"element":{"type":"file_input","action_id":"f"}}]}`)
	form, _ := alice.Form()
	done := background(func() error { return second(alice.Submits(form, map[string]string{"f": id})) })
	envelope := s.next()
	s.ack(envelope)
	do(t, <-done)
	files, _ := at(envelope, "payload", "view", "state", "values", "file", "f", "files").([]any)
	if len(files) != 1 || at(files[0], "id") != id {
		t.Errorf("got %v", envelope)
	}
	c.ok("files.info", "file", id)
}
