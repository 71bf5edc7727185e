/** Answers that real stores gave, recorded by the suites of `test/real`: each is called what it is. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { classify } from "../src/core/failures/classify.ts";
import type { RecordedAnswer } from "./fixtures/answers.ts";

const DIRECTORY = "test/fixtures";

for (const file of readdirSync(DIRECTORY).filter((name) => /^answers-.*\.json$/.test(name))) {
  const rows = JSON.parse(readFileSync(join(DIRECTORY, file), "utf8")) as readonly RecordedAnswer[];
  describe(`recorded answers of ${rows[0]?.store ?? file}`, () => {
    for (const { name, step, answer, expected } of rows) {
      const what = answer.network ?? `${answer.status} ${answer.code ?? "without a code"}`;
      test(`${name}, ${what}, is ${expected}`, () => {
        assert.equal(classify(step, answer), expected);
      });
    }
  });
}
