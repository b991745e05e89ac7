package blockkit

// Limits of Block Kit, as docs.slack.dev/reference/block-kit and the comments in the official @slack/types state them
// (a test reads those comments and compares). Lengths are in characters.
const (
	maxMessageBlockCount = 50
	maxViewBlockCount    = 100
	MaxMessageBlocks     = 13_200  // characters of a message's blocks in JSON; undocumented, seen to be refused above this
	MaxView              = 250_000 // bytes of a view in JSON

	MaxID              = 255 // block_id, action_id, callback_id, external_id
	maxPrivateMetadata = 3000
	maxViewTitle       = 24 // also of submit and close
	MaxViewStack       = 3

	maxSectionText   = 3000
	maxFields        = 10
	maxFieldText     = 2000
	maxHeader        = 150
	maxContextItems  = 10
	maxContextText   = 2000
	maxActions       = 25
	maxButtonText    = 75
	maxButtonValue   = 2000
	maxURL           = 3000
	maxAccessibility = 75
	maxConfirmTitle  = 100
	maxConfirmText   = 300
	maxConfirmButton = 30
	maxOptions       = 100
	maxOptionText    = 75
	maxOptionValue   = 75 // the reference page says 150, the types 75: the smaller is safe
	maxOptionHint    = 75
	maxChoices       = 10 // of checkboxes and radio buttons
	maxPlaceholder   = 150
	maxInputLabel    = 2000
	maxInputHint     = 2000
	MaxTyping        = 3000 // min_length and max_length of a plain_text_input
	maxAltText       = 2000
	maxImageTitle    = 2000
	maxMarkdown      = 12_000 // all markdown blocks of a message together
)

const (
	MaxPostText  = 40000 // chat.postMessage cuts text here without an error
	MaxOtherText = 4000  // chat.update and chat.postEphemeral refuse text above this (msg_too_long)
)
