package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/wording"
)

const (
	// uploadTimeout bounds one upload, which takes longer than other calls.
	uploadTimeout = time.Minute
	// shareLooks is how often a message with files is looked for after they were shared.
	// Slack posts it a moment later.
	shareLooks = 5
	sharePause = 200 * time.Millisecond
)

// share posts files as one message into a thread, or into a channel when thread is
// empty. Until the last step nobody can see them. Its errors are those of
// engine.Notifier.
//
// Files carry no metadata. After a lost answer the message is found again by their names,
// which no other files in that place may have. since is when the message was due.
// Source: docs.slack.dev "Working with files".
func (n *notifier) share(ctx context.Context, channel, thread string, files []ceremony.File, text string, maybe bool, since time.Time) (ceremony.Ref, error) {
	if maybe {
		found, err := n.findShared(ctx, channel, thread, files, since)
		if err != nil || found.TS != "" {
			return found, err
		}
	}
	var uploaded []slack.FileSummary
	for _, f := range files {
		id, err := n.upload(ctx, f)
		if err != nil {
			return ceremony.Ref{}, notShared(err)
		}
		uploaded = append(uploaded, slack.FileSummary{ID: id, Title: f.Name})
	}
	if err := n.waits(ctx, []string{transport.Files(channel)}); err != nil {
		return ceremony.Ref{}, fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	_, err := n.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
		Files: uploaded, Channel: channel, ThreadTimestamp: thread, InitialComment: wording.Clip(text, wording.MaxSection),
	})
	if err != nil {
		return ceremony.Ref{}, classifyPost(err)
	}
	for range shareLooks {
		if found, err := n.findShared(ctx, channel, thread, files, since); err == nil && found.TS != "" {
			return found, nil
		}
		if transport.Sleep(ctx, sharePause) != nil {
			break
		}
	}
	// It was taken and is on its way; its thread is the nearest place that is known.
	return ceremony.Ref{Channel: channel, TS: thread}, nil
}

// upload brings one file to Slack, where nobody sees it yet, and returns its id.
func (n *notifier) upload(ctx context.Context, f ceremony.File) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	place, err := n.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: f.Name, FileSize: len(f.Content)})
	if err != nil {
		return "", fmt.Errorf("ask where to upload %s: %w", f.Name, err)
	}
	err = n.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: place.UploadURL, Reader: bytes.NewReader(f.Content), Filename: f.Name})
	if err != nil {
		return "", fmt.Errorf("upload %s: %w", f.Name, err)
	}
	return place.FileID, nil
}

// notShared classifies an error from before the files were shared: whatever became of the
// call, nothing was posted.
func notShared(err error) error {
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok && tooMuch(said.Err) {
		return fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
	}
	return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
}

// tooMuch reports whether an error of files.getUploadURLExternal means that Slack will
// never take the same file.
func tooMuch(code string) bool { return code == "file_upload_size_restricted" }

// findShared looks for a message of the bot's that has all these files.
func (n *notifier) findShared(ctx context.Context, channel, thread string, files []ceremony.File, since time.Time) (ceremony.Ref, error) {
	self, err := n.me(ctx)
	if err != nil {
		return ceremony.Ref{}, err
	}
	has := func(m slack.Message, f ceremony.File) bool {
		return slices.ContainsFunc(m.Files, func(posted slack.File) bool { return posted.Name == f.Name })
	}
	oldest := strconv.FormatInt(since.Add(-clockSkew).Unix(), 10)
	cursor := ""
	for {
		messages, next, err := n.page(ctx, channel, thread, oldest, cursor)
		if err != nil {
			return ceremony.Ref{}, fmt.Errorf("look for files: %w", err)
		}
		for _, m := range messages {
			// What an app shares is its bot's user's; not all of it names the bot, too.
			ours := m.User == self.user || m.BotID == self.bot
			if ours && !slices.ContainsFunc(files, func(f ceremony.File) bool { return !has(m, f) }) {
				return ceremony.Ref{Channel: channel, TS: m.Timestamp}, nil
			}
		}
		if next == "" {
			return ceremony.Ref{}, nil
		}
		cursor = next
	}
}
