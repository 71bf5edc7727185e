import assert from "node:assert/strict";
import { test } from "node:test";
import type { RecordedFailure, VersionFacts } from "../core/diagnose/facts.ts";
import { S3Error } from "../s3/errors.ts";
import type { ObjectHead, Store } from "../s3/store.ts";
import { lostPages, nameOf } from "./collect-recorded.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const MANY = 5000;

function failure(code: string, more: Partial<RecordedFailure> = {}): RecordedFailure {
  return {
    destinationArn: "arn:aws:s3:::photos-replica",
    ruleId: "everything",
    code,
    step: "putObject",
    pending: false,
    attempts: 1,
    message: "Access Denied",
    ...more,
  };
}

/** Records of many versions with a few codes, in turns; no two have the same words. */
function recordsOf(versions: number, codes: readonly string[]): Map<string, RecordedFailure[]> {
  return new Map(
    Array.from({ length: versions }, (_, at) => [
      nameOf(`a/${at}`, `v${at}`),
      [failure(codes[at % codes.length] ?? "", { message: `request ${at}`, firstAttemptAtMs: NOW_MS + at })],
    ]),
  );
}

/** A store that counts what it is asked for, and has these keys. */
function storeOf(answerOf: (key: string) => number) {
  const asked: string[] = [];
  const store: Pick<Store, "headObject"> = {
    async headObject({ key, versionId }) {
      asked.push(`${versionId ?? ""}/${key}`);
      const status = answerOf(key);
      if (status === 200) return {} as ObjectHead;
      throw new S3Error("refused", { operation: "HeadObject", status });
    },
  };
  return { store, asked };
}

async function lostIn(
  store: Pick<Store, "headObject">,
  recorded: ReadonlyMap<string, readonly RecordedFailure[]>,
  more: { readonly key?: string; readonly isExcerpt?: boolean } = {},
): Promise<readonly VersionFacts[]> {
  const found: VersionFacts[] = [];
  for await (const page of lostPages(store, recorded, { bucket: "photos", nowMs: NOW_MS, ...more })) {
    assert.ok(page.length <= 1000);
    found.push(...page);
  }
  return found;
}

test("recorded: of thousands of versions that are gone a few of each kind are asked for, and every one is told once", async () => {
  const recorded = recordsOf(MANY, ["DstPutObjectNotPermitted", "DstKmsKeyNotFound"]);
  const { store, asked } = storeOf(() => 404);
  const found = await lostIn(store, recorded);
  assert.equal(asked.length, 10);
  assert.equal(new Set(asked).size, 10);
  assert.ok(asked.includes("v0/a/0") && asked.includes(`v${MANY - 1}/a/${MANY - 1}`));
  assert.deepEqual(found.map((one) => nameOf(one.key, one.versionId)).sort(), [...recorded.keys()].sort());
  for (const { gone, key, failures, lastModifiedMs } of found) {
    assert.equal(gone, true);
    assert.equal(lastModifiedMs, NOW_MS + Number(key.slice(2)));
    assert.equal(failures[0]?.message, `request ${key.slice(2)}`);
  }
});

test("recorded: where one that is asked for first is there, every one of its kind is asked for", async () => {
  const recorded = recordsOf(MANY, ["DstPutObjectNotPermitted", "DstKmsKeyNotFound"]);
  // Of the first kind are the even ones; the last of them is there, and one in their midst.
  const there = new Set([`a/${MANY - 2}`, "a/44"]);
  const { store, asked } = storeOf((key) => (there.has(key) ? 200 : 404));
  const found = await lostIn(store, recorded);
  assert.equal(asked.length, MANY / 2 + 5);
  assert.equal(found.length, MANY - there.size);
  assert.ok(found.every((one) => !there.has(one.key)));
});

test("recorded: only a definite 404 is gone", async () => {
  const { store, asked } = storeOf(() => 403);
  assert.deepEqual(await lostIn(store, recordsOf(20, ["DstPutObjectNotPermitted"])), []);
  assert.equal(asked.length, 20);
});

test("recorded: where the listing was of some versions alone, each other one is asked for", async () => {
  const { store, asked } = storeOf((key) => (key === "a/7" ? 200 : 404));
  const found = await lostIn(store, recordsOf(100, ["DstPutObjectNotPermitted"]), { isExcerpt: true });
  assert.equal(asked.length, 100);
  assert.equal(found.length, 99);
});

test("recorded: of one key no other is told, though it begins like it", async () => {
  const { store } = storeOf(() => 404);
  const found = await lostIn(store, recordsOf(20, ["DstPutObjectNotPermitted"]), { key: "a/1" });
  assert.deepEqual(
    found.map((one) => one.key),
    ["a/1"],
  );
});
