package bot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/transport"
	"conclave/ceremony"
)

const (
	// recallAge is how old the posts are, at most, that are compared with the journal, beside
	// the status posts of open ceremonies.
	recallAge = 30 * 24 * time.Hour
	// recallPages is how many pages of a channel are read, at most.
	recallPages = 5
)

// Recall returns the marks in the posts about a cluster's ceremonies. It takes them from
// whoever has posted them: what a mark proves does not depend on that. See engine.Recaller.
func (n *notifier) Recall(ctx context.Context, cluster string, boards []ceremony.Ref) ([]string, error) {
	var tokens []string
	channel, cursor := n.channel(cluster), ""
	oldest := time.Now().Add(-recallAge).Unix()
	for range recallPages {
		messages, next, err := n.page(ctx, channel, "", strconv.FormatInt(oldest, 10), cursor)
		if err != nil {
			return nil, classifyRecall(fmt.Errorf("read channel %s: %w", channel, err))
		}
		tokens = append(tokens, marksIn(messages)...)
		if cursor = next; next == "" {
			break
		}
	}
	for _, at := range boards {
		seconds, _ := strconv.ParseFloat(at.TS, 64)
		if at.Channel == channel && cursor == "" && int64(seconds) >= oldest {
			continue // it was among them, or is gone
		}
		history, err := n.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: at.Channel, Oldest: at.TS, Latest: at.TS, Inclusive: true, Limit: 1, IncludeAllMetadata: true,
		})
		if err != nil {
			return nil, classifyRecall(fmt.Errorf("read the status post %s in %s: %w", at.TS, at.Channel, err))
		}
		tokens = append(tokens, marksIn(history.Messages)...)
	}
	return tokens, nil
}

// marksIn returns the marks that messages carry.
func marksIn(messages []slack.Message) []string {
	var tokens []string
	for _, m := range messages {
		if token, ok := m.Metadata.EventPayload[metadataMark].(string); ok && m.Metadata.EventType == metadataType {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// classifyRecall wraps ErrUndeliverable when Slack answers, and would answer the same again:
// the bot is not in the channel, or lacks a scope.
func classifyRecall(err error) error {
	said, ok := errors.AsType[slack.SlackErrorResponse](err)
	if ok && said.Err != "ratelimited" && !transport.ServerTrouble(said.Err) {
		return fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
	}
	return err
}
