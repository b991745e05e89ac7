// node verdicts.mjs < cases > verdicts
//
// Judges many values at once. A case is {definition, value}; without a definition it is judged by its form.
// The verdicts are lists of reasons, in the order of the cases.
import fs from "node:fs";
import { cacheFolder, check, load } from "./schema.mjs";

const validate = await load(cacheFolder());
const cases = JSON.parse(fs.readFileSync(0, "utf8"));
const verdicts = cases.map(({ definition, value }) => (definition ? validate(definition, value) : check(validate, value)));
process.stdout.write(JSON.stringify(verdicts));
