/** Notifications as stores send them: the cases are files that anybody could add to, each with where its form is from. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { ReadNotification } from "./notice.ts";
import { readNotification } from "./read.ts";

const CASES = "test/fixtures/notifications";

interface Case {
  readonly name: string;
  readonly source: string;
  /** Either of both. */
  readonly body?: unknown;
  readonly text?: string;
  readonly expected: ReadNotification;
}

for (const file of readdirSync(CASES)) {
  describe(`a notification of ${file.replace(".json", "")}`, () => {
    for (const { name, text, body, expected } of JSON.parse(readFileSync(join(CASES, file), "utf8")) as Case[]) {
      it(name, () => {
        assert.deepEqual(readNotification(text ?? JSON.stringify(body)), expected);
      });
    }
  });
}

describe("a notification", () => {
  it("never makes the reader throw, however it is cut off", () => {
    const [first] = JSON.parse(readFileSync(join(CASES, "aws.json"), "utf8")) as Case[];
    const text = JSON.stringify(first?.body);
    for (let length = 1; length < text.length; length++) {
      const { notices, problems } = readNotification(text.slice(0, length));
      assert.deepEqual([notices.length, problems.length], [0, 1]);
    }
  });
});
