/** The list of causes that people meet, row by row: refused at once, through the whole loop, or shown elsewhere. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, describe, test } from "node:test";
import { temporaryDirectory } from "../e2e/binary.ts";
import { closeTheLoop } from "./case.ts";
import { CASES } from "./cases.ts";
import { CAUSES, type Cause } from "./causes.ts";
import { Standard } from "./standard.ts";

const ROWS = Array.from({ length: 57 }, (_, index) => index + 1);

describe("causes that people meet", () => {
  const directory = temporaryDirectory();
  after(() => directory.remove());

  test("loop: no row of the list is left out", () => {
    assert.deepEqual(Object.keys(CAUSES).map(Number), ROWS);
    assert.deepEqual(
      ROWS.filter((row) => (CAUSES[row] ?? []).length === 0),
      [],
    );
  });

  for (const row of ROWS) {
    for (const cause of CAUSES[row] ?? []) {
      test(`loop: cause ${row}: ${nameOf(cause)}`, () => play(cause, directory.path));
    }
  }
});

function nameOf(cause: Cause): string {
  switch (cause.how) {
    case "loop":
    case "refused":
    case "play":
      return cause.name;
    case "case":
      return `is the case of ${cause.code}`;
    case "elsewhere":
      return `is shown in ${cause.path}`;
    case "outside":
      return `cannot be shown: ${cause.because}`;
  }
}

async function play(cause: Cause, stateDir: string): Promise<void> {
  switch (cause.how) {
    case "loop":
      return await closeTheLoop(cause.code, cause, stateDir);
    case "case":
      return assert.ok(CASES[cause.code] !== undefined);
    case "elsewhere":
      return assert.ok(existsSync(cause.path), cause.path);
    case "outside":
      return;
    case "refused":
      return await inWorld(stateDir, async (set) => {
        const refusal = await cause.put(set).then(
          () => "it was not refused",
          (error: unknown) => (error instanceof Error ? wordsOf(error) : String(error)),
        );
        assert.match(refusal, cause.answers);
      });
    case "play":
      return await inWorld(stateDir, cause.play);
  }
}

/** Code and message, as the AWS SDK and our client give them. */
function wordsOf(error: Error): string {
  const { fields } = error as Error & { readonly fields?: { readonly code?: string } };
  return `${error.name} ${fields?.code ?? ""}: ${error.message}`;
}

async function inWorld(stateDir: string, play: (set: Standard) => Promise<void>): Promise<void> {
  const set = await Standard.make(stateDir);
  try {
    await play(set);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`${what}\n${await set.world.story()}`, { cause: error });
  } finally {
    await set.world.close();
  }
}
