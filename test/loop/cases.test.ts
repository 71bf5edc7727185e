/** Every failure code: the lab is broken so that it occurs, it is named, mended, replicated again, and nothing is left. */
import { after, describe, test } from "node:test";
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import { temporaryDirectory } from "../e2e/binary.ts";
import { closeTheLoop, type LoopCase } from "./case.ts";
import { CASES } from "./cases.ts";

describe("the loop closes", () => {
  const directory = temporaryDirectory();
  after(() => directory.remove());

  for (const [code, one] of Object.entries(CASES) as [FailureCode, LoopCase][]) {
    const onRecord = one.onRecord === undefined ? "" : ` (on record only: ${one.onRecord})`;
    test(`loop: ${code}: ${one.name}${onRecord}`, () => closeTheLoop(code, one, directory.path));
  }
});
