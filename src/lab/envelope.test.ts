import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  FRAME_BYTES,
  frameCount,
  framePosition,
  openFrame,
  SealError,
  sealBody,
  sealedSize,
  sealFrame,
  unwrapKey,
  wrapKey,
} from "./envelope.ts";

const KEY = randomBytes(32);

/** Opens every frame of a sealed body by its place. */
function openAll(sealed: Uint8Array, sizeBytes: number, bodyId: number): Buffer {
  const frames = frameCount(sizeBytes);
  return Buffer.concat(
    Array.from({ length: frames }, (_, index) => {
      const { start, length } = framePosition(sizeBytes, index);
      return openFrame(KEY, { bodyId, index, isLast: index === frames - 1 }, sealed.subarray(start, start + length));
    }),
  );
}

test("a sealed body opens frame by frame to the bytes that were sealed, whatever its length", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.integer({ min: 0, max: 200 }),
        fc.constantFrom(FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES),
      ),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      (sizeBytes, bodyId) => {
        const plaintext = randomBytes(sizeBytes);
        const sealed = sealBody(KEY, bodyId, plaintext);
        assert.equal(sealed.length, sealedSize(sizeBytes));
        assert.deepEqual(openAll(sealed, sizeBytes, bodyId), plaintext);
      },
    ),
    { numRuns: 60 },
  );
});

test("a frame opens only in its own place, of its own body, under its own key", () => {
  const frame = { bodyId: 7, index: 1, isLast: false };
  const sealed = sealFrame(KEY, frame, Buffer.from("text"));
  assert.equal(openFrame(KEY, frame, sealed).toString(), "text");
  for (const other of [
    { ...frame, bodyId: 8 },
    { ...frame, index: 2 },
    { ...frame, isLast: true },
  ]) {
    assert.throws(() => openFrame(KEY, other, sealed), SealError);
  }
  assert.throws(() => openFrame(randomBytes(32), frame, sealed), SealError);
  sealed[0] = (sealed[0] ?? 0) ^ 1;
  assert.throws(() => openFrame(KEY, frame, sealed), SealError);
  assert.throws(() => openFrame(KEY, frame, sealed.subarray(0, 10)), SealError);
});

test("a wrapped key is unwrapped by the same key and for the same context only", () => {
  const dataKey = randomBytes(32);
  const wrapped = wrapKey(KEY, dataKey, "arn:aws:s3:::b/k");
  assert.deepEqual(unwrapKey(KEY, wrapped, "arn:aws:s3:::b/k"), dataKey);
  assert.throws(() => unwrapKey(KEY, wrapped, "arn:aws:s3:::b/other"), SealError);
  assert.throws(() => unwrapKey(randomBytes(32), wrapped, "arn:aws:s3:::b/k"), SealError);
});
