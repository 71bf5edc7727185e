import assert from "node:assert/strict";
import { test } from "node:test";
import { CsvError, fieldsOf, lineOf } from "../core/csv.ts";
import { linesOf } from "./csv-lines.ts";

async function* bytesOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text, "latin1");
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(chunks)) lines.push(line);
  return lines;
}

test("lines are put together from chunks that cut them, and characters, anywhere", async () => {
  assert.deepEqual(await all(bytesOf("a,b\r\nc,\u00c3", "\u00a4\n\r\n\nd")), ["a,b", "c,ä", "d"]);
  assert.deepEqual(await all(bytesOf()), []);
});

test("a line that never ends is refused before it fills the memory", async () => {
  await assert.rejects(all(bytesOf("x".repeat(20_000))), CsvError);
});

test("fields may be empty, quoted, and hold quotes and commas", () => {
  assert.deepEqual(fieldsOf("a,b,c"), ["a", "b", "c"]);
  assert.deepEqual(fieldsOf("a,,"), ["a", "", ""]);
  assert.deepEqual(fieldsOf('"a","b,""c""",'), ["a", 'b,"c"', ""]);
  assert.deepEqual(fieldsOf('"",x'), ["", "x"]);
});

test("a quote that is not closed, or stands where none may, is refused", () => {
  for (const line of ['"a,b', 'a"b,c', '"a"b,c', 'a,"']) assert.throws(() => fieldsOf(line), CsvError, line);
});

test("what is printed is read back the same", () => {
  const fields = ["bucket", "a b", 'q"', "x,y", ""];
  assert.deepEqual(fieldsOf(lineOf(fields).slice(0, -1)), fields);
  assert.equal(lineOf(["a", 200, ""]), "a,200,\n");
});
