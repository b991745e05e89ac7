package slacktest

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/record"
)

// File is an uploaded file.
type File struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Title    string `json:"title"`
	Mimetype string `json:"mimetype"`
	Mode     string `json:"mode"` // "snippet" for text that Slack shows in line, else "hosted"
	Content  []byte `json:"content"`
}

type file struct {
	File
	w        *Workspace
	owner    *Person
	ticket   string // of the upload URL
	length   int    // announced
	uploaded bool
	complete bool
	deleted  bool
	created  int64
	sharedIn []*Channel
	// givenToApp is set when a person attached the file to a form of the app.
	givenToApp bool
}

// maxFile is the largest upload that is taken. Slack's own limit is 1 GB, which no test needs.
const maxFile = 16 << 20

// kindOf guesses MIME type and mode from name and content, as Slack does.
func kindOf(name string, content []byte) (mimetype, mode string) {
	switch extension := strings.ToLower(path.Ext(name)); extension {
	case ".asc", ".txt", ".pem", ".md":
		// Slack takes armor for text and shows it as a snippet.
		mimetype = "text/plain"
	case ".gpg", ".pgp", ".bin":
		mimetype = "application/octet-stream"
	default:
		if mimetype = mime.TypeByExtension(extension); mimetype == "" {
			mimetype = http.DetectContentType(content)
		}
	}
	mimetype, _, _ = strings.Cut(mimetype, ";")
	if strings.HasPrefix(mimetype, "text/") && utf8.Valid(content) {
		return mimetype, "snippet"
	}
	return mimetype, "hosted"
}

func (f *file) path(download bool) string {
	p := "/files-pri/" + f.w.TeamID() + "-" + f.ID + "/"
	if download {
		p += "download/"
	}
	return p + url.PathEscape(strings.ToLower(f.Name))
}

func (f *file) describeLocked() object {
	extension := strings.TrimPrefix(path.Ext(f.Name), ".")
	channels, groups, ims := []string{}, []string{}, []string{}
	for _, ch := range f.sharedIn {
		switch ch.kind {
		case publicChannel:
			channels = append(channels, ch.id)
		case privateChannel:
			groups = append(groups, ch.id)
		case directMessage:
			ims = append(ims, ch.id)
		}
	}
	return object{
		"id": f.ID, "created": f.created, "timestamp": f.created, "name": f.Name, "title": f.Title, "mimetype": f.Mimetype,
		"filetype": extension, "pretty_type": strings.ToUpper(extension), "user": f.owner.id, "user_team": f.owner.team,
		"editable": f.Mode == "snippet", "size": len(f.Content), "mode": f.Mode, "is_external": false, "external_type": "",
		"is_public": len(channels) > 0, "public_url_shared": false, "display_as_bot": false, "username": "",
		"url_private": f.w.URL() + f.path(false), "url_private_download": f.w.URL() + f.path(true),
		"permalink":   f.w.URL() + "/files/" + f.owner.id + "/" + f.ID + "/" + url.PathEscape(f.Name),
		"file_access": "visible", "channels": channels, "groups": groups, "ims": ims,
	}
}

// shareLocked posts files into a channel, with Slack's two events for it: the message and file_shared.
func (ch *Channel) shareLocked(m *message, files []*file) *message {
	w := ch.w
	m.Subtype = "file_share"
	m.files = files
	for _, f := range files {
		f.sharedIn = append(f.sharedIn, ch)
		m.Files = append(m.Files, f.File)
	}
	ch.postLocked(m)
	for _, f := range files {
		w.raiseLocked("file_shared", ch, object{
			"type": "file_shared", "file_id": f.ID, "user_id": f.owner.id, "file": object{"id": f.ID}, "channel_id": ch.id,
			"event_ts": w.tsLocked(),
		})
	}
	return m
}

func (w *Workspace) fileLocked(id string) *file {
	for _, f := range w.files {
		if f.ID == id {
			return f
		}
	}
	return nil
}

// seenByBotLocked reports whether the app can read the file: its own, or shared where it is.
func (f *file) seenByBotLocked() bool {
	return f.owner == f.w.bot || f.givenToApp ||
		slices.ContainsFunc(f.sharedIn, func(ch *Channel) bool { return ch.hasLocked(f.w.bot) })
}

// serveUpload takes the bytes of a file, raw or as the first part of a form.
func (w *Workspace) serveUpload(out http.ResponseWriter, in *http.Request) {
	const what = "upload_url"
	content, err := readUpload(in)
	w.record(record.FromClient, what, content)
	effect := w.strike(what)
	effect.wait(in.Context())
	if effect.instead(w, out, what) {
		return
	}
	w.mu.Lock()
	at := slices.IndexFunc(w.files, func(f *file) bool { return f.ticket == in.PathValue("ticket") })
	status := http.StatusOK
	switch {
	case at < 0:
		status = http.StatusNotFound
	case err != nil, len(content) == 0, w.files[at].uploaded:
		status = http.StatusBadRequest
	default:
		f := w.files[at]
		f.Content, f.uploaded = content, true
		f.Mimetype, f.Mode = kindOf(f.Name, content)
		if len(content) != f.length {
			w.violateLocked(record.RuleArguments, what, "%d bytes where %d were announced", len(content), f.length)
		}
		w.changeLocked()
	}
	w.mu.Unlock()
	if effect.afterwards(out) {
		return
	}
	out.WriteHeader(status)
	if status == http.StatusOK {
		_, _ = io.WriteString(out, "OK - "+strconv.Itoa(len(content)))
	}
}

func readUpload(in *http.Request) ([]byte, error) {
	body := http.MaxBytesReader(nil, in.Body, maxFile)
	in.Body = body
	parts, err := in.MultipartReader()
	if err != nil {
		return io.ReadAll(body)
	}
	part, err := parts.NextPart()
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(part)
	if err != nil {
		return nil, err
	}
	// The rest of the form has to be read too, or its writer would see a broken pipe.
	for err == nil {
		_, err = parts.NextPart()
	}
	if err != io.EOF {
		return nil, err
	}
	return content, nil
}

// servePrivateFile sends a file's bytes to a client whose token may read it. Any other request is redirected to the
// sign-in page, as Slack does. The status there is 200, so that a client which looks at the status alone takes the page
// for the file.
func (w *Workspace) servePrivateFile(out http.ResponseWriter, in *http.Request) {
	const what = "url_private"
	w.record(record.FromClient, what, blockkit.Encode(in.URL.Path))
	effect := w.strike(what)
	effect.wait(in.Context())
	if effect.instead(w, out, what) {
		return
	}
	secret, _ := strings.CutPrefix(in.Header.Get("Authorization"), "Bearer ")
	w.mu.Lock()
	at := slices.IndexFunc(w.files, func(f *file) bool {
		return f.path(false) == in.URL.EscapedPath() || f.path(true) == in.URL.EscapedPath()
	})
	allowed := at >= 0 && w.authorizeLocked(method{token: botToken}, secret) == nil && w.hasScopeLocked("files:read") &&
		w.files[at].seenByBotLocked()
	var f File
	gone := false
	if allowed {
		f, gone = w.files[at].File, w.files[at].deleted
	}
	w.mu.Unlock()
	switch {
	case !allowed:
		http.Redirect(out, in, "/?redir="+url.QueryEscape(in.URL.Path), http.StatusFound)
	case gone:
		http.NotFound(out, in)
	default:
		w.record(record.ToClient, what, f.Content)
		if effect.afterwards(out) {
			return
		}
		out.Header().Set("Content-Type", f.Mimetype)
		_, _ = out.Write(f.Content)
	}
}

func serveSignIn(out http.ResponseWriter, _ *http.Request) {
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(out, "<!DOCTYPE html><title>Sign in to Conclave | Slack</title><p>Sign in to your workspace</p>")
}
