import assert from "node:assert/strict";
import { test } from "node:test";
import { S3Error } from "../../s3/errors.ts";
import type { ListedVersion, ObjectHead, Store } from "../../s3/store.ts";
import { verifyPair } from "./verify.ts";

interface Kept extends Partial<ObjectHead> {
  readonly text: string;
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
}

/** A store with one object; whatever else is asked of it is an error. */
function storeOf({ text, tags = [], ...more }: Kept): Store {
  const bytes = Buffer.from(text);
  const head: ObjectHead = {
    etag: "0".repeat(32),
    sizeBytes: bytes.length,
    lastModifiedMs: 0,
    storageClass: "STANDARD",
    encryption: { kind: "NOT-SSE" },
    contentHeaders: {},
    userMetadata: {},
    tagCount: tags.length,
    ...more,
  };
  const stream = async function* () {
    yield bytes.subarray(0, 1);
    yield bytes.subarray(1);
  };
  const body = { sizeBytes: bytes.length, bytes: async () => bytes, stream, cancel: () => undefined };
  const known: Partial<Store> = {
    headObject: async () => head,
    getObject: async () => ({ head, body }),
    getObjectTagging: async () => tags,
  };
  return known as Store;
}

const ROW: ListedVersion = {
  key: "k",
  versionId: "v",
  isLatest: true,
  isDeleteMarker: false,
  lastModifiedMs: 0,
  sizeBytes: 0,
  etag: "",
  storageClass: "STANDARD",
};

async function verified(one: Kept, other: Kept): Promise<string> {
  const ends = {
    source: { store: storeOf(one), bucket: "a" },
    destination: { store: storeOf(other), bucket: "b" },
    mark: "lockstep-source",
    bytes: true,
  };
  const { by, difference } = await verifyPair(ends, ROW, ROW, new AbortController().signal);
  return `${by}: ${difference === undefined ? "same" : `${difference.verdict} ${difference.reason}`}`;
}

const parts = { etag: `${"1".repeat(32)}-2` };
const full = (value: string) => ({ checksums: { type: "FULL_OBJECT", values: { CRC32: value } } }) as const;
const composite = (value: string) => ({ checksums: { type: "COMPOSITE", values: { CRC32: value } } }) as const;
const tag = (value: string) => [{ key: "t", value }];

const CASES: readonly { readonly name: string; readonly one: Kept; readonly other: Kept; readonly expected: string }[] =
  [
    { name: "equal ETags are equal bytes", one: { text: "ab" }, other: { text: "ab" }, expected: "etag: same" },
    {
      name: "ETags that differ prove nothing: equal bytes are equal",
      one: { text: "ab" },
      other: { text: "ab", ...parts },
      expected: "bytes: same",
    },
    {
      name: "where nothing else tells, bytes are read, and differ",
      one: { text: "ab" },
      other: { text: "ac", ...parts },
      expected: "bytes: data BytesDiffer",
    },
    {
      name: "checksums of whole objects decide",
      one: { text: "ab", ...full("AAAAAA==") },
      other: { text: "ab", ...full("AAAAAQ==") },
      expected: "checksum: data ChecksumDiffers",
    },
    {
      name: "checksums of parts that differ may be of other parts",
      one: { text: "ab", ...composite("AAAAAA==-1") },
      other: { text: "ab", ...parts, ...composite("AAAAAQ==-2") },
      expected: "bytes: same",
    },
    {
      name: "sizes decide before anything is read",
      one: { text: "ab" },
      other: { text: "abc", ...parts },
      expected: "checksum: data SizeDiffers",
    },
    {
      name: "the mark of replicas is no difference",
      one: { text: "ab" },
      other: { text: "ab", userMetadata: { "lockstep-source": "a/v/0" } },
      expected: "etag: same",
    },
    {
      name: "other metadata are one",
      one: { text: "ab", contentHeaders: { "content-type": "text/plain" } },
      other: { text: "ab" },
      expected: "etag: metadata MetadataDiffers",
    },
    {
      name: "tags in another order are the same",
      one: { text: "ab", tags: [...tag("1"), { key: "a", value: "2" }] },
      other: { text: "ab", tags: [{ key: "a", value: "2" }, ...tag("1")] },
      expected: "etag: same",
    },
    {
      name: "other tags are a difference",
      one: { text: "ab", tags: tag("1") },
      other: { text: "ab", tags: tag("2") },
      expected: "etag: tags TagSetsDiffer",
    },
  ];

for (const { name, one, other, expected } of CASES) {
  test(`verifying: ${name}`, async () => {
    assert.equal(await verified(one, other), expected);
  });
}

test("verifying: what may not be read is undecided, and a store that is away is none of that", async () => {
  const failing = (status: number | undefined) => {
    const fields = status === undefined ? { network: "reset" as const } : { status };
    const headObject = async () => Promise.reject(new S3Error("no", { operation: "HeadObject", ...fields }));
    return { store: { ...storeOf({ text: "" }), headObject } as Store, bucket: "a" };
  };
  const destination = { store: storeOf({ text: "" }), bucket: "b" };
  const ask = (status: number | undefined) =>
    verifyPair({ source: failing(status), destination, bytes: true }, ROW, ROW, new AbortController().signal);
  assert.deepEqual(await ask(403), { by: "undecided", bytesRead: 0 });
  await assert.rejects(ask(503), S3Error);
  await assert.rejects(ask(undefined), S3Error);
});
