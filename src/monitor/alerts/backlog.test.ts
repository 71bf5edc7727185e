/** When a backlog counts as growing. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BacklogTracks, GROWTH_MS, growthOf, tracked } from "./backlog.ts";

const STREAM = { bucket: "photos", destinationArn: "arn:aws:s3:::photos-dr" };
const NAME = "photos arn:aws:s3:::photos-dr";
const MINUTE = 60_000;

/** The growth after one look a minute. */
function growth(pending: readonly number[]): number {
  let tracks: BacklogTracks = {};
  let nowMs = 0;
  for (const one of pending) {
    tracks = tracked(tracks, one === 0 ? [] : [{ ...STREAM, pending: one, bytes: 0 }], nowMs);
    nowMs += MINUTE;
  }
  return growthOf(tracks[NAME] ?? { samples: [] }, nowMs - MINUTE);
}

const looks = (of: (index: number) => number) => Array.from({ length: 31 }, (_, index) => of(index));

describe("a backlog", () => {
  it("grows when it never drains as far as before", () => {
    assert.ok(growth(looks((index) => 100 + index * 10)) >= 190);
    assert.ok(growth(looks((index) => 100 + index * 10 + (index % 5 === 0 ? 500 : 0))) >= 190, "peaks do not count");
  });

  it("does not grow when it stays, drains, comes in bursts or has not been watched for long", () => {
    assert.equal(growth(looks(() => 1000)), 0);
    assert.equal(growth(looks((index) => 1000 - index)), 0);
    assert.equal(growth(looks((index) => (index % 10 === 9 ? 1 : 100 + index * 100))), 0);
    assert.equal(growth(looks((index) => index * 100).slice(0, 20)), 0);
  });

  it("is followed at a limited cost, and forgotten when it is gone", () => {
    let tracks: BacklogTracks = {};
    for (let nowMs = 0; nowMs <= 4 * GROWTH_MS; nowMs += 1000) {
      tracks = tracked(tracks, [{ ...STREAM, pending: 5, bytes: 0 }], nowMs);
    }
    assert.ok((tracks[NAME]?.samples.length ?? 0) <= 31);
    assert.equal(tracks[NAME]?.pendingSinceMs, 0);
    tracks = tracked(tracks, [], 4 * GROWTH_MS + 1000);
    assert.equal(tracks[NAME]?.pendingSinceMs, undefined);
    for (let minutes = 1; minutes < 40; minutes++) tracks = tracked(tracks, [], 4 * GROWTH_MS + minutes * MINUTE);
    assert.deepEqual(tracks, {});
  });
});
