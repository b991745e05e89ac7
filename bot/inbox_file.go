package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
	"conclave/bot/transport"
)

// maxFile is how much of a file is read, in bytes. An envelope has a tenth of it.
const maxFile = 64 << 10

// download fetches a file that a person sent. With an error that says that the file is no
// envelope it returns the file's beginning nevertheless, in which a secret may stand.
func (in *inbox) download(ctx context.Context, id string) ([]byte, error) {
	f, err := transport.Read(ctx, func() (*slack.File, error) {
		f, _, _, err := in.api.GetFileInfoContext(ctx, id, 0, 0)
		return f, err
	})
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		switch said.Err {
		case "file_not_found", "file_deleted":
			return nil, refusal.FileGone
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask Slack about file %s: %w: %w", id, refusal.FileUnread, err)
	case f.IsExternal:
		return nil, refusal.ForeignFile
	}
	from := f.URLPrivateDownload
	if from == "" {
		from = f.URLPrivate
	}
	var into *bounded
	_, err = transport.Read(ctx, func() (struct{}, error) {
		into = &bounded{most: maxFile}
		return struct{}{}, in.api.GetFileContext(ctx, from, into)
	})
	content := into.content.Bytes()
	switch {
	case err != nil && !errors.Is(err, refusal.TooLargeFile):
		return nil, fmt.Errorf("download file %s: %w: %w", id, refusal.FileUnread, err)
	case !readable(f):
		return content, refusal.OtherFile
	case err != nil, f.Size > maxFile:
		return content, refusal.TooLargeFile
	}
	return content, nil
}

// readable reports whether a file may hold an envelope, by its name. A long text
// that Slack's client made a snippet of has a name that the client chose.
func readable(f *slack.File) bool {
	switch strings.ToLower(path.Ext(f.Name)) {
	case ".asc", ".gpg", ".pgp", ".txt":
		return true
	}
	return f.Mode == "snippet"
}

// bounded is a buffer that takes at most so many bytes, whatever size Slack said that the
// file has, and keeps those.
type bounded struct {
	most    int
	content bytes.Buffer
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.most - b.content.Len()
	if len(p) > room {
		b.content.Write(p[:room])
		return room, refusal.TooLargeFile
	}
	return b.content.Write(p)
}
