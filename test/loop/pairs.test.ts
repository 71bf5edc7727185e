/**
 * Two faults at once: both are found in one run and no third, whichever of them hides the other; both are patched and
 * everything is replicated in one round.
 */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Cause } from "../../src/core/diagnose/report.ts";
import { temporaryDirectory } from "../e2e/binary.ts";
import { codesOf } from "./codes.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { assertReplicated, SMALL_KINDS, write } from "./objects.ts";
import { Standard } from "./standard.ts";

describe("two faults at once", () => {
  const directory = temporaryDirectory();
  after(() => directory.remove());

  for (const [at, first] of FAULTS.entries()) {
    for (const second of FAULTS.slice(at + 1)) {
      test(`loop: ${first.name}, and ${second.name}`, () => both(first, second, directory.path));
    }
  }
});

async function both(first: Fault, second: Fault, stateDir: string): Promise<void> {
  const set = await Standard.make(stateDir);
  const { world } = set;
  try {
    for (const fault of [first, second]) if (fault.before === true) await fault.breakIt(set);
    world.sites.hold();
    await write(set, SMALL_KINDS);
    for (const fault of [first, second]) if (fault.before !== true) await fault.breakIt(set);
    world.sites.release();
    await world.settle();
    const said = await world.diagnose();
    for (const fault of [first, second]) {
      const found = said.causes.filter((cause) => names(cause, fault));
      assert.ok(found.length > 0, `it is found that ${fault.name}`);
      const targets = found.flatMap((cause) => cause.fix.patches.map((patch) => patch.target));
      assert.ok(targets.includes(fault.target), `there is a patch for that ${fault.name}`);
    }
    const others = said.causes.filter((cause) => !names(cause, first) && !names(cause, second));
    assert.deepEqual(codesOf({ ...said, causes: others }), [], "no third cause is said");
    assert.equal(said.causes.length, isOne(first, second) ? 1 : 2, "one cause for each");
    assert.deepEqual(said.unexplained, []);
    await world.fixAll();
    const { foundFailed, foundUntried, completed } = await world.resync();
    assert.equal(completed, foundFailed + foundUntried, "one round replicates everything");
    assert.deepEqual(codesOf(await world.diagnose()), []);
    await assertReplicated(set, () => false);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`${first.name}, and ${second.name}:\n${what}\n${await world.story()}`, { cause: error });
  } finally {
    await world.close();
  }
}

function names(cause: Cause, { codes, action, says }: Fault): boolean {
  const evidence = cause.evidence.map((piece) => piece.says).join("\n");
  return codes.includes(cause.code) && cause.action === action && (says === undefined || says.test(evidence));
}

/** What two policies do not allow is one cause with two patches: neither alone would help. */
function isOne(first: Fault, second: Fault): boolean {
  const isSame = first.action === second.action && first.codes[0] === second.codes[0] && first.action !== undefined;
  return isSame && first.says === undefined && second.says === undefined;
}
