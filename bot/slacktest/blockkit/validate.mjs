// node validate.mjs FILE…
//
// Checks files of Block Kit JSON (views, lists of blocks, messages with blocks) against the official @slack/types.
// Exits 1 and prints the reasons if Slack's own types do not allow one of them, or if there is no file at all.
import fs from "node:fs";
import { cacheFolder, check, load } from "./schema.mjs";

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("validate: no files");
  process.exit(1);
}
const validate = await load(cacheFolder());
let bad = 0;
for (const file of files) {
  for (const reason of check(validate, JSON.parse(fs.readFileSync(file, "utf8")))) {
    console.error(`${file}: ${reason}`);
    bad++;
  }
}
process.exit(bad === 0 ? 0 : 1);
