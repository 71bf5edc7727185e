import assert from "node:assert/strict";
import { test } from "node:test";
import { factsOf } from "../../test/fixtures/diagnose-facts.ts";
import { S3Error } from "../s3/errors.ts";
import { versionPages } from "./collect-versions.ts";
import type { FailureRecord } from "./ports.ts";

const RECORDS = 2500;

/** What is found of versions on record of which the listing has none, and how many were asked for by HEAD. */
async function found(
  isThere: (key: string) => boolean,
  isExcerpt = false,
): Promise<{ readonly gone: number; readonly heads: number }> {
  const records = Array.from({ length: RECORDS }, (_, index): FailureRecord => {
    const place = { destinationArn: "arn:aws:s3:::photos-replica", ruleId: "r" };
    const answer = {
      code: "DstPutObjectNotPermitted",
      step: "writeReplica",
      message: "Access Denied",
      httpStatus: 403,
    };
    return {
      key: `k${index}`,
      versionId: "v",
      ...place,
      ...answer,
      pending: false,
      attempts: 1,
      firstAttemptAtMs: index,
    };
  });
  let heads = 0;
  const no = () => Promise.reject(new Error("nobody asks for this"));
  const store = {
    listObjectVersions: () => Promise.resolve({ versions: [] }),
    getObjectTagging: no,
    getObjectAcl: no,
    headObject: async ({ key }: { readonly key: string }) => {
      heads += 1;
      if (isThere(key)) throw new S3Error("not now", { operation: "HeadObject", status: 503 });
      throw new S3Error("there is no such version", { operation: "HeadObject", status: 404 });
    },
  };
  const around = {
    bucket: no,
    clock: () => 0,
    records: {
      failures: async function* () {
        yield records;
      },
    },
  };
  const { source } = factsOf({ versions: [] });
  const looked = {
    scope: { bucket: "photos", isExcerpt },
    configuration: undefined,
    source,
    destinations: {},
    unread: new Set<string>(),
  };
  let gone = 0;
  for await (const page of versionPages(around, store, looked))
    for (const one of page) {
      assert.equal(one.gone, true);
      assert.equal(one.failures.length, 1);
      gone += 1;
    }
  return { gone, heads };
}

test("of versions on record that are not listed a page is asked for, and where all of it are gone, the others are too", async () => {
  assert.deepEqual(await found(() => false), { gone: RECORDS, heads: 1000 });
});

test("as long as one of a page is not known to be gone, the next page is asked for as well", async () => {
  assert.deepEqual(await found((key) => key === "k7"), { gone: RECORDS - 1, heads: 2000 });
  assert.deepEqual(await found((key) => Number(key.slice(1)) % 1000 === 499), { gone: RECORDS - 3, heads: RECORDS });
});

test("where the listing is an excerpt each version that is not in it is asked for", async () => {
  assert.deepEqual(await found(() => false, true), { gone: RECORDS, heads: RECORDS });
});
