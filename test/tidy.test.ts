/** The rules that the tree keeps: checked over the sources as text, so that they hold for everybody. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { FAILURES } from "../src/core/failures/catalogue.ts";
import { CASES } from "./loop/cases.ts";

/** Which rooms a room may import from, itself left out. Arrows point left. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  s3: ["core"],
  aws: ["core"],
  ledger: ["core"],
  engine: ["core", "s3", "aws", "ledger"],
  doctor: ["core", "s3", "aws", "ledger"],
  lab: ["core", "s3", "aws", "ledger"],
  monitor: ["core", "s3", "aws", "ledger"],
  console: ["core", "s3", "aws", "ledger", "engine", "doctor", "monitor"],
  cli: ["core", "s3", "aws", "ledger", "engine", "doctor", "lab", "monitor", "console"],
};

/** Files that nobody imports because the world does. */
const ENTRIES = new Set([
  "src/index.ts",
  "src/core/index.ts",
  "src/lab/index.ts",
  "src/cli/main.ts",
  "src/console/web/main.tsx",
]);

const SOURCES = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path) && !path.endsWith("vite.config.ts"))
  .map((path) => posix.join("src", ...path.split(/[\\/]/)))
  .sort();
const PRODUCT = SOURCES.filter((path) => !path.endsWith(".test.ts"));
const TEXT = new Map(SOURCES.map((path) => [path, readFileSync(path, "utf8")]));

function textOf(path: string): string {
  return TEXT.get(path) ?? "";
}

/** Paths and packages that a file imports, statically or on demand. */
function importsOf(path: string): string[] {
  const code = textOf(path).replace(/\/\*[\s\S]*?\*\//g, "");
  const found = code.matchAll(/(?:\bfrom|\bimport\(?)\s*"([^"]+)"/g);
  return [...found].map(([, target = ""]) =>
    target.startsWith(".") ? posix.normalize(posix.join(posix.dirname(path), target)) : target,
  );
}

function roomOf(path: string): string {
  return path.split("/")[1] ?? "";
}

test("tidy: every import points to the left, and siblings do not know each other", () => {
  const wrong = PRODUCT.flatMap((path) =>
    importsOf(path)
      .filter((target) => target.startsWith("src/"))
      .filter((target) => path !== "src/index.ts" && roomOf(target) !== roomOf(path))
      .filter((target) => !(ROOMS[roomOf(path)] ?? []).includes(roomOf(target)))
      .map((target) => `${path} → ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test("tidy: every room is known to this file", () => {
  const rooms = new Set(PRODUCT.filter((path) => path.split("/").length > 2).map(roomOf));
  assert.deepEqual([...rooms].sort(), Object.keys(ROOMS).sort());
});

test("tidy: the core imports nothing but the core", () => {
  const foreign = PRODUCT.filter((path) => roomOf(path) === "core").flatMap((path) =>
    importsOf(path)
      .filter((target) => !target.startsWith("src/core/"))
      .map((target) => `${path} → ${target}`),
  );
  assert.deepEqual(foreign, []);
});

const AMBIENT =
  /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bconsole\.(?:log|error|warn|info|debug)\(|\bprocess\.(?:env|argv|exit|stdout|stderr)\b/;

test("tidy: clock, chance, console and environment are met in src/cli only", () => {
  const wrong = PRODUCT.filter((path) => roomOf(path) !== "cli").flatMap((path) =>
    textOf(path)
      .split("\n")
      .filter((line) => !/^\s*(?:\*|\/\/|\/\*)/.test(line) && AMBIENT.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  );
  assert.deepEqual(wrong, []);
});

test("tidy: every file is imported by another one that is not its test", () => {
  const imported = new Set(PRODUCT.flatMap(importsOf));
  assert.deepEqual(
    PRODUCT.filter((path) => !imported.has(path) && !ENTRIES.has(path) && !path.endsWith(".d.ts")),
    [],
  );
});

test("tidy: every file says at its top what it is, or is a command's data", () => {
  const silent = PRODUCT.filter(
    (path) => !/^(?:#!.*\n)?\/\*\*/.test(textOf(path)) && !path.startsWith("src/cli/commands/"),
  );
  assert.deepEqual(silent, []);
});

test("tidy: no file of the product is longer than 450 lines, but for tables", () => {
  const tables = new Set(["src/core/failures/catalogue.ts"]);
  const long = PRODUCT.filter((path) => !tables.has(path) && textOf(path).split("\n").length > 450);
  assert.deepEqual(long, []);
});

test("tidy: documents name no path that does not exist", () => {
  const missing = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"].flatMap((document) => {
    const text = readFileSync(document, "utf8");
    const named = text.matchAll(/`((?:src|test|\.ci|bench)\/[A-Za-z0-9_./-]*)`/g);
    const linked = text.matchAll(/\]\(([A-Za-z0-9_./-]+)\)/g);
    return [...named, ...linked]
      .map(([, path = ""]) => path)
      .filter((path) => !existsSync(path))
      .map((path) => `${document}: ${path}`);
  });
  assert.deepEqual(missing, []);
});

test("tidy: no failure code is without a case", () => {
  const cases = [...SOURCES.filter((path) => path.endsWith(".test.ts")).map(textOf), ...fixtures("test/fixtures")].join(
    "\n",
  );
  const without = Object.keys(FAILURES).filter((code) => !new RegExp(`"${code}[" ]`).test(cases));
  assert.deepEqual(without, []);
});

test("tidy: every failure code has a case that closes the loop", () => {
  assert.deepEqual(Object.keys(CASES).sort(), Object.keys(FAILURES).sort());
});

function fixtures(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".json"))
    .map((path) => readFileSync(join(directory, path), "utf8"));
}

test("tidy: hooks of tests stand in a describe, for all suites share one process", () => {
  const suites = [...SOURCES.filter((path) => path.endsWith(".test.ts")), ...testFiles()];
  const loose = suites.filter((path) => /^(?:before|after)(?:Each)?\(/m.test(readFileSync(path, "utf8")));
  assert.deepEqual(loose, []);
});

function testFiles(): string[] {
  return readdirSync("test", { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join("test", path));
}

test("tidy: nothing in the repository names the workplace it was made in", () => {
  const words = /\/work\/|\.\.\/shared|\/root\/|\/farm\//;
  const named = [
    ...SOURCES.map((path) => [path, textOf(path)]),
    ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map((path) => [
      path,
      readFileSync(path, "utf8"),
    ]),
  ];
  assert.deepEqual(
    named.filter(([, text = ""]) => words.test(text)).map(([path]) => path),
    [],
  );
});
