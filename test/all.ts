/**
 * Runs every suite that needs nothing but npm packages, in one process: `node dist/test/all.js [part of a path…]`.
 *
 * Suites that need servers live in `test/real`, measurements in `test/bench`; each has an entry of its own. Those of
 * `test/loop` take minutes and run only when they are named.
 */
import { readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = process.argv.slice(2);

const suites = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".test.js") && !path.startsWith(join("test", "real")))
  .filter((path) => wanted.length > 0 || !path.startsWith(join("test", "loop")))
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
  .sort();

if (suites.length === 0) {
  process.stderr.write(`no suite under ${relative(process.cwd(), root)} matches ${wanted.join(" ")}\n`);
  process.exitCode = 2;
}
for (const suite of suites) await import(pathToFileURL(join(root, suite)).href);
