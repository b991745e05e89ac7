package slacktest_test

import (
	"slices"
	"strings"
)

// Every refusal in every test of this package is compared with these lists: a method may answer what Slack's reference
// names for it (docs.slack.dev/reference/methods/METHOD, read 2026), and what every method may answer. Methods without
// a list are not checked.
const (
	everywhere = `not_authed invalid_auth not_allowed_token_type account_inactive token_revoked token_expired missing_scope ratelimited
		invalid_arguments invalid_json json_not_object invalid_form_data request_timeout internal_error fatal_error service_unavailable`

	chatPost = `channel_not_found invalid_blocks invalid_blocks_format is_archived markdown_text_conflict messages_tab_disabled no_text
		not_in_channel restricted_action too_many_attachments cannot_reply_to_message`
)

var documented = map[string]string{
	"chat.postMessage":   chatPost + ` invalid_metadata_format invalid_metadata_schema metadata_too_large msg_blocks_too_long`,
	"chat.postEphemeral": chatPost + ` msg_too_long user_not_in_channel invalid_attachments`,
	"chat.update": `block_mismatch cant_update_message channel_not_found edit_window_closed invalid_attachments invalid_blocks invalid_blocks_format
		invalid_metadata_format invalid_metadata_schema is_inactive markdown_text_conflict message_not_found metadata_too_large msg_too_long no_text
		too_many_attachments update_failed`,
	"chat.delete":           `cant_delete_message channel_not_found message_not_found`,
	"conversations.history": `channel_not_found invalid_cursor invalid_ts_latest invalid_ts_oldest not_in_channel restricted_action`,
	"conversations.replies": `channel_not_found invalid_cursor invalid_ts_latest invalid_ts_oldest thread_not_found method_not_supported_for_channel_type`,
	"conversations.open": `channel_not_found invalid_user_combination method_not_supported_for_channel_type not_enough_users restricted_action
		too_many_users user_disabled user_not_found user_not_visible users_list_not_supplied cannot_dm_bot`,
	"pins.add": `already_pinned bad_timestamp channel_not_found message_not_found no_item_specified not_in_channel not_pinnable restricted_action too_many_pins`,
	"files.getUploadURLExternal": `alt_txt_too_large file_upload_size_restricted file_uploads_disabled missing_argument snippet_too_large
		storage_limit_reached unknown_snippet_type`,
	"files.completeUploadExternal": `access_denied channel_not_found file_not_found file_update_failed invalid_blocks invalid_channel not_in_channel
		posting_to_channel_denied channels_limit_exceeded`,
	"files.info":            `access_denied file_deleted file_not_found not_visible`,
	"files.delete":          `cant_delete_file delete_not_allowed file_deleted file_deleting_disabled file_not_found`,
	"apps.connections.open": `forbidden_team insecure_request missing_args`,
	"views.open":            `duplicate_external_id exchanged_trigger_id expired_trigger_id invalid_trigger_id view_too_large`,
	"views.update":          `duplicate_external_id hash_conflict not_found view_too_large`,
	"views.publish":         `duplicate_external_id hash_conflict not_enabled view_too_large`,
	"blocks.validate":       `invalid_blocks invalid_view invalid_message`,
}

func isDocumented(method, code string) bool {
	list, known := documented[method]
	return !known || slices.Contains(strings.Fields(everywhere+" "+list), code)
}
