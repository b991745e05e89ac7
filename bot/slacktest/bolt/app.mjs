// An app on Slack's own SDK, as a second client of slacktest. It prints "ready" once it is connected. Then it does what an
// app does: answers a slash command with a form, takes the form, answers a direct message, posts and updates, and shares
// files.
import bolt from "@slack/bolt";

const { App, LogLevel } = bolt;

const app = new App({
  token: process.env.BOT_TOKEN,
  appToken: process.env.APP_TOKEN,
  socketMode: true,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl: `${process.env.SLACK_URL}/api/` },
});

app.command("/ceremony", async ({ command, ack, client }) => {
  await ack({ response_type: "ephemeral", text: `you said ${command.text}` });
  await client.views.open({
    trigger_id: command.trigger_id,
    view: {
      type: "modal",
      callback_id: "submit_share",
      private_metadata: command.channel_id,
      title: { type: "plain_text", text: "Submit a share" },
      submit: { type: "plain_text", text: "Submit" },
      blocks: [
        {
          type: "input",
          block_id: "share",
          label: { type: "plain_text", text: "Share" },
          element: { type: "plain_text_input", action_id: "text", multiline: true },
        },
      ],
    },
  });
});

app.view("submit_share", async ({ view, ack, body, client }) => {
  const typed = view.state.values.share.text.value;
  if (!typed.includes("BEGIN")) {
    await ack({ response_action: "errors", errors: { share: "not armored" } });
    return;
  }
  await ack();
  const posted = await client.chat.postMessage({ channel: view.private_metadata, text: `<@${body.user.id}> has handed one in` });
  await client.chat.update({
    channel: posted.channel,
    ts: posted.ts,
    text: "one of three",
    blocks: [
      { type: "section", block_id: "status", text: { type: "mrkdwn", text: "*one* of three" } },
      { type: "actions", block_id: "act", elements: [{ type: "button", action_id: "cancel", value: "k7m2", text: { type: "plain_text", text: "Cancel" } }] },
    ],
  });
});

app.action("cancel", async ({ ack, respond, action }) => {
  await ack();
  await respond({ text: `cancelled ${action.value}`, response_type: "ephemeral", replace_original: false });
});

// The SDK's own upload in its three steps, into a thread, and a download of the files that were posted.
app.message("a file, please", async ({ message, client }) => {
  const { files } = await client.filesUploadV2({
    channel_id: message.channel,
    thread_ts: message.ts,
    initial_comment: "as you asked",
    file_uploads: [
      { filename: "transcript.json", title: "for machines", content: '{"all":"well"}' },
      { filename: "transcript.html", title: "for people", content: "<!DOCTYPE html><p>all is well" },
    ],
  });
  const { file } = await client.files.info({ file: files[0].files[0].id });
  const response = await fetch(file.url_private_download, { headers: { Authorization: `Bearer ${process.env.BOT_TOKEN}` } });
  await client.chat.postMessage({ channel: message.channel, text: `I can read ${file.name}: ${await response.text()}` });
});

app.message(async ({ message, say }) => {
  await say(`I heard: ${message.text}`);
});

await app.start();
console.log("ready");
process.stdin.resume();
process.stdin.on("end", async () => {
  await app.stop();
  process.exit(0);
});
