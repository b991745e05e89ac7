// The official Slack types as JSON Schema, with the limits that their comments state.
//
// @slack/types says in its TypeScript which keys a block or view may have, and in its comments how long things may be
// ("Maximum length for this field is 255 characters"). Both are turned into one schema here, so that messages are checked
// without any knowledge of this project.
import fs from "node:fs";
import path from "node:path";
import { Ajv } from "ajv";

const here = import.meta.dirname;

// load returns a function: (definition, value) → list of reasons why the value is not one of that definition.
export async function load(cache) {
  const schema = await cached(cache);
  const ajv = new Ajv({ strict: false, allErrors: true, discriminator: false });
  ajv.addSchema(schema, "slack");
  return (definition, value) => {
    const check = ajv.getSchema(`slack#/definitions/${definition}`);
    if (!check) throw new Error(`@slack/types has no ${definition}`);
    return check(value) ? [] : reasons(check.errors);
  };
}

// check judges one value by its form: a view, a list of blocks, or a message with blocks.
export function check(validate, value) {
  if (Array.isArray(value)) return blocks(validate, value, "");
  if (value?.type === "modal") return view(validate, value, "ModalView");
  if (value?.type === "home") return view(validate, value, "HomeView");
  if (Array.isArray(value?.blocks)) return blocks(validate, value.blocks, "/blocks");
  return ["neither a view, a list of blocks, nor a message with blocks"];
}

// A view's and a message's blocks are judged one by one, each as the type that it claims to be: the union of all blocks would accept
// anything with a type (its last member is an open "Block"), and would name every other block in its reasons.
function view(validate, value, definition) {
  const { blocks: own = [], ...rest } = value;
  return [...validate(definition, { ...rest, blocks: [] }), ...blocks(validate, own, "/blocks")];
}

function blocks(validate, list, at) {
  return list.flatMap((block, i) => {
    const definition = definitions[block?.type];
    if (!definition) return [`${at}/${i}/type: no block of Slack's: ${block?.type}`];
    return validate(definition, block).map((reason) => `${at}/${i}${reason}`);
  });
}

const definitions = {
  actions: "ActionsBlock", context: "ContextBlock", divider: "DividerBlock", file: "FileBlock", header: "HeaderBlock", image: "ImageBlock",
  input: "InputBlock", markdown: "MarkdownBlock", rich_text: "RichTextBlock", section: "SectionBlock", table: "TableBlock", video: "VideoBlock",
};

function reasons(errors) {
  const all = errors
    .filter((e) => e.keyword !== "anyOf" && e.keyword !== "const")
    .map((e) => `${e.instancePath}: ${e.message}${e.params?.additionalProperty ? ` (${e.params.additionalProperty})` : ""}`);
  return [...new Set(all.length > 0 ? all : errors.map((e) => `${e.instancePath}: ${e.message}`))];
}

async function cached(folder) {
  const types = path.join(here, "node_modules/@slack/types");
  const version = JSON.parse(fs.readFileSync(path.join(types, "package.json"), "utf8")).version;
  const own = fs.statSync(import.meta.filename).mtimeMs;
  const file = path.join(folder, `slack-types-${version}.schema.json`);
  if (fs.existsSync(file) && fs.statSync(file).mtimeMs > own) return JSON.parse(fs.readFileSync(file, "utf8"));
  const { createGenerator } = await import("ts-json-schema-generator");
  const schema = createGenerator({
    path: path.join(types, "dist/index.d.ts"), type: "*", skipTypeCheck: true, additionalProperties: false,
  }).createSchema("*");
  for (const definition of Object.values(schema.definitions)) limit(definition);
  fs.mkdirSync(folder, { recursive: true });
  const fresh = `${file}.${process.pid}`;
  fs.writeFileSync(fresh, JSON.stringify(schema));
  fs.renameSync(fresh, file);
  return schema;
}

// limit turns the limits in the comments of a definition's properties into keywords, also in the members of a union.
function limit(definition) {
  for (const member of [...(definition.anyOf ?? []), ...(definition.allOf ?? [])]) limit(member);
  for (const [name, property] of Object.entries(definition.properties ?? {})) {
    const words = (property.description ?? "").replace(/\s+/g, " ");
    const length = words.match(/maximum length[^.]*?(\d+) characters/i);
    const least = words.match(/minimum length[^.]*?(\d+)/i);
    const items = words.match(/maximum(?: number of (?:items|options))?(?: is| of) (\d+)(?: (?:options|elements|items|blocks))?/i);
    if (property.type === "array") {
      if (items) property.maxItems = Number(items[1]);
      if (length) property.items = { allOf: [property.items, { properties: { text: { maxLength: Number(length[1]) } } }] };
    } else if (length && property.type === "string") {
      property.maxLength = Number(length[1]);
      if (least) property.minLength = Number(least[1]);
    } else if (length) {
      definition.properties[name] = { description: words, allOf: [property, { properties: { text: { maxLength: Number(length[1]) } } }] };
    }
  }
}

export function cacheFolder() {
  return path.resolve(here, "../../../.build/blockkit");
}
