/** Runs the suites that need programs of Debian's packages: `node dist/test/real/all.js [part of a name…]`. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const directory = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const suites = readdirSync(directory)
  .filter((name) => name.endsWith(".test.js"))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort();

if (suites.length === 0) {
  process.stderr.write(`no suite of test/real matches ${wanted.join(" ")}\n`);
  process.exitCode = 2;
}
for (const suite of suites) await import(pathToFileURL(join(directory, suite)).href);
