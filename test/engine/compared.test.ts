/** Objects between stores of which the destination compares the bytes with the source's MD5: nothing is hashed on the way. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Body } from "../../src/s3/store.ts";
import { pattern } from "../conformance/store-subject.ts";
import { HERE, MintingWorld, THERE } from "./minting-world.ts";
import { instead, type Wrap, withoutChecksums } from "./world.ts";

const KIB = 1024;
const KEY = "compared";
const LIKE_CEPH = { etagIsMd5: true, multipartEtag: true, md5Verified: true, checksumsVerified: [], readsParts: false };

describe("objects that the destination compares", () => {
  let world: MintingWorld;
  /** What was said of each body, and whether it was held. */
  let puts: { readonly md5: string | undefined; readonly isHeld: boolean }[] = [];
  let parts = 0;
  /** After the first put that was refused. */
  let failure: string | undefined;
  let versionsMeanwhile = -1;

  beforeEach(async () => {
    world = await MintingWorld.make(11);
    world.traits = LIKE_CEPH;
    world.wrap.destination = watching;
    [puts, parts, failure, versionsMeanwhile] = [[], 0, undefined, -1];
  });
  afterEach(() => world.close());

  const watching: Wrap = (store) =>
    instead(store, {
      putObject: async (request, options) => {
        if (puts.length === 1) {
          const { tasks } = await world.ledger.list({}, { limit: 10 });
          failure = tasks[0]?.failure?.code;
          versionsMeanwhile = (await world.store.listObjectVersions({ bucket: THERE })).versions.length;
        }
        puts.push({ md5: request.md5, isHeld: request.body instanceof Uint8Array });
        return await store.putObject(request, options);
      },
      uploadPart: async (request, options) => {
        parts += 1;
        return await store.uploadPart(request, options);
      },
    });

  /** One bit of the first body is another one when it arrives. */
  const spoiling = (): Wrap => {
    let isSpoilt = false;
    const spoilt = (bytes: Uint8Array): Uint8Array => {
      const copy = Buffer.from(bytes);
      if (!isSpoilt) copy.writeUInt8(copy.readUInt8(0) ^ 1, 0);
      isSpoilt = true;
      return copy;
    };
    async function* passing(body: Body): AsyncGenerator<Uint8Array> {
      for await (const chunk of body.stream()) yield spoilt(chunk);
    }
    return (store) =>
      withoutChecksums(
        instead(store, {
          getObject: async (request, options) => {
            const { head, body } = await store.getObject(request, options);
            const { sizeBytes } = body;
            const bytes = async () => spoilt(await body.bytes());
            return { head, body: { sizeBytes, bytes, stream: () => passing(body), cancel: () => body.cancel() } };
          },
        }),
      );
  };

  for (const [says, sizeBytes, isHeld] of [
    ["a small object", 1000, true],
    ["an object of 1 MiB", KIB * KIB, false],
    ["an object that would go in parts otherwise", 70 * KIB * KIB, false],
  ] as const) {
    test(`${says} goes in one request, with its MD5`, async () => {
      const bytes = pattern(sizeBytes);
      world.wrap.source = withoutChecksums;
      await world.put(HERE, KEY, "", { body: bytes });
      await world.replicate();
      const { etag } = await world.store.headObject({ bucket: HERE, key: KEY });
      assert.deepEqual(puts, [{ md5: Buffer.from(etag, "hex").toString("base64"), isHeld }]);
      assert.equal(parts, 0);
      await assertArrived(bytes);
    });

    test(`${says} whose bytes were altered on the way is no version, and is sent once more`, async () => {
      const bytes = pattern(sizeBytes);
      world.wrap.source = spoiling();
      await world.put(HERE, KEY, "", { body: bytes });
      await world.replicate();
      assert.equal(puts.length, 2);
      assert.equal(failure, "ChecksumMismatch");
      assert.equal(versionsMeanwhile, 0);
      await assertArrived(bytes);
    });
  }

  async function assertArrived(bytes: Uint8Array): Promise<void> {
    const { versions } = await world.store.listObjectVersions({ bucket: THERE });
    assert.equal(versions.length, 1);
    const { body } = await world.store.getObject({ bucket: THERE, key: KEY });
    assert.ok(Buffer.from(bytes).equals(await body.bytes()));
  }
});
