/** Which change is named for a failure, and which is not. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FAILURES, type FailureCode } from "../failures/catalogue.ts";
import { areasBehind, type Broken, type Change, type ChangeArea } from "./change.ts";
import { type Course, onsetOf } from "./onset.ts";
import { SeenTimes } from "./seen-times.ts";

const BEGAN_MS = Date.UTC(2026, 1, 6, 14, 2, 10);
const HOUR_MS = 3_600_000;
const ONCE: Course = { firstMs: BEGAN_MS, lastMs: BEGAN_MS, isMixed: false };
const DENIED: Broken = { code: "DstPutObjectNotPermitted", buckets: ["dst"], role: "r", keys: [] };

function change(event: string, secondsBefore: number, area: ChangeArea, about: Partial<Change> = {}): Change {
  return { atMs: BEGAN_MS - secondsBefore * 1000, event, areas: [area], by: "eve", eventId: event, ...about };
}

function blamed(broken: Broken, course: Course, ...changes: Change[]): string | undefined {
  return onsetOf(broken, course, changes).change?.event;
}

describe("onset", () => {
  const policy = (seconds: number, bucket: string) => change("PutBucketPolicy", seconds, "bucketPolicy", { bucket });

  it("is said with the change, who made it and how long before", () => {
    assert.equal(
      onsetOf(DENIED, ONCE, [policy(35, "dst")]).says,
      "began 2026-02-06T14:02:10Z, 35 s after PutBucketPolicy on dst by eve",
    );
    assert.equal(onsetOf(DENIED, ONCE, []).says, "began 2026-02-06T14:02:10Z");
  });

  it("the nearest change before it is named, and the others are counted", () => {
    const role = change("PutRolePolicy", 20, "rolePolicy", { role: "r" });
    const { change: found, otherChanges } = onsetOf(DENIED, ONCE, [policy(600, "dst"), role, policy(90, "dst")]);
    assert.deepEqual([found?.event, otherChanges], ["PutRolePolicy", 2]);
  });

  it("what came afterwards, on another bucket, role or key, or is of another kind, is not named", () => {
    const strangers = [
      policy(-1, "dst"),
      policy(10, "other"),
      change("PutRolePolicy", 10, "rolePolicy", { role: "other" }),
      change("PutKeyPolicy", 10, "keyPolicy", { key: "arn:aws:kms:us-east-1:1:key/other" }),
      change("PutBucketVersioning", 10, "versioning", { bucket: "dst" }),
    ];
    const broken = { ...DENIED, keys: ["arn:aws:kms:us-east-1:1:key/k"] };
    assert.equal(blamed(broken, ONCE, ...strangers), undefined);
    assert.equal(blamed(broken, ONCE, change("PutKeyPolicy", 10, "keyPolicy", { key: "k" })), "PutKeyPolicy");
  });

  it("the kind of policy that denied says what may have been changed", () => {
    const changes = [policy(50, "dst"), change("AttachPolicy", 10, "organization")];
    assert.equal(blamed({ ...DENIED, policy: "resource" }, ONCE, ...changes), "PutBucketPolicy");
    assert.equal(blamed({ ...DENIED, policy: "scp" }, ONCE, ...changes), "AttachPolicy");
    assert.equal(blamed({ ...DENIED, policy: "boundary" }, ONCE, ...changes), undefined);
  });

  it("a change of the same thing is named rather than a nearer one of which that is not known", () => {
    const version = change("CreatePolicyVersion", 5, "rolePolicy", { policy: "arn:aws:iam::1:policy/p" });
    assert.equal(blamed(DENIED, ONCE, policy(60, "dst"), version), "PutBucketPolicy");
    assert.equal(blamed(DENIED, ONCE, version), "CreatePolicyVersion");
  });

  it("a change is too old after a day, or when the call still worked five minutes later", () => {
    assert.equal(blamed(DENIED, ONCE, policy(23 * 3600, "dst")), "PutBucketPolicy");
    assert.equal(blamed(DENIED, ONCE, policy(25 * 3600, "dst")), undefined);
    const worked = { ...ONCE, workedUntilMs: BEGAN_MS - 60_000 };
    assert.equal(blamed(DENIED, worked, policy(7 * 60, "dst")), undefined);
    assert.equal(blamed(DENIED, worked, policy(5 * 60, "dst")), "PutBucketPolicy");
  });

  it("is over when the call works again, with what healed it, unless it always worked for other objects", () => {
    const course = {
      firstMs: BEGAN_MS,
      lastMs: BEGAN_MS + HOUR_MS,
      workedAgainMs: BEGAN_MS + HOUR_MS + 9000,
      isMixed: false,
    };
    const healing = change("DeleteBucketPolicy", -3605, "bucketPolicy", { bucket: "dst" });
    const { recovered, recoveredAfter, says } = onsetOf(DENIED, course, [healing]);
    assert.equal(recovered, "2026-02-06T15:02:19Z");
    assert.deepEqual([recoveredAfter?.event, recoveredAfter?.secondsBefore], ["DeleteBucketPolicy", 4]);
    assert.match(says, /; recovered 2026-02-06T15:02:19Z, 4 s after DeleteBucketPolicy on dst by eve$/);
    const mixed = onsetOf(DENIED, { ...course, isMixed: true }, [healing]);
    assert.equal(mixed.recovered, undefined);
    assert.match(mixed.says, /other objects go through meanwhile$/);
  });

  it("no change is behind what passes by itself, and some change is behind every denial and setting", () => {
    for (const [code, entry] of Object.entries(FAILURES)) {
      const areas = areasBehind({ code: code as FailureCode, buckets: [], keys: [] });
      if (entry.class === "transient" || entry.class === "network") assert.deepEqual(areas, [], code);
      if (entry.class === "permission" || entry.class === "configuration") assert.ok(areas.length > 0, code);
    }
  });
});

describe("seen times", () => {
  it("what is next to a time is a time that was seen, on the right side of it, and exact while there are few", () => {
    const times = fc.array(fc.nat(10_000_000), { maxLength: 300 });
    fc.assert(
      fc.property(times, fc.nat(10_000_000), (all, ms) => {
        const seen = new SeenTimes();
        for (const one of all) seen.add(one * 1000);
        const before = all.filter((one) => one < ms).map((one) => one * 1000);
        const after = all.filter((one) => one > ms).map((one) => one * 1000);
        assert.equal(seen.lastBefore(ms * 1000), before.length === 0 ? undefined : Math.max(...before));
        assert.equal(seen.firstAfter(ms * 1000), after.length === 0 ? undefined : Math.min(...after));
      }),
      { numRuns: 200 },
    );
  });

  it("a million times are no more than a few hundred stretches, whose ends are exact", () => {
    const seen = new SeenTimes();
    for (let second = 0; second < 1_000_000; second += 7) seen.add((second * 999_983) % 1_000_000_000);
    for (let second = 0; second < 100_000; second++) seen.add(2_000_000_000 + second * 1000);
    assert.equal(seen.firstAfter(1_999_999_000), 2_000_000_000);
    assert.equal(seen.lastBefore(Number.MAX_SAFE_INTEGER), 2_099_999_000);
  });
});
