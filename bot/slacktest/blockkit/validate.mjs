// node validate.mjs FILE…
//
// Checks files of Block Kit JSON (views, lists of blocks, messages with blocks) against the official @slack/types.
// Exits 1 and says why if one of them is not what Slack's own types allow, or if there is no file at all.
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
