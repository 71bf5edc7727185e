/**
 * The cipher of bodies at rest: AES-256-GCM in frames, so that any range can be read and checked without the rest.
 *
 * A body is cut into frames of 64 KiB, each sealed with its own tag. A frame's nonce is the body's id (never used
 * twice in a lab) and the frame's number, whose highest bit marks the last frame: frames that are swapped, dropped or
 * cut off do not open. An empty body is one empty frame.
 *
 * Which data key a body has, and who may unwrap it, is decided elsewhere (`s3/encryption.ts`, KMS).
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { takeRandomBytes } from "./random.ts";

export const FRAME_BYTES = 65_536;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const LAST_FRAME = 0x8000_0000;
const CIPHER = "aes-256-gcm";

/** Names one frame of one body. */
export interface FrameRef {
  readonly bodyId: number;
  readonly index: number;
  readonly isLast: boolean;
}

/** A sealed thing does not open: the key is wrong, or the bytes are not those that were written. */
export class SealError extends Error {
  override readonly name = "SealError";
}

export function sealFrame(dataKey: Uint8Array, frame: FrameRef, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, dataKey, nonceOf(frame));
  const body = cipher.update(plaintext);
  cipher.final();
  return Buffer.concat([body, cipher.getAuthTag()], body.length + TAG_BYTES);
}

/** @throws SealError */
export function openFrame(dataKey: Uint8Array, frame: FrameRef, sealed: Uint8Array): Buffer {
  return open(dataKey, nonceOf(frame), sealed);
}

/** Seals a body that is in memory whole. */
export function sealBody(dataKey: Uint8Array, bodyId: number, plaintext: Uint8Array): Buffer {
  const frames = frameCount(plaintext.length);
  if (frames === 1) return sealFrame(dataKey, { bodyId, index: 0, isLast: true }, plaintext);
  const sealed: Buffer[] = [];
  for (let index = 0; index < frames; index++) {
    const bytes = plaintext.subarray(index * FRAME_BYTES, (index + 1) * FRAME_BYTES);
    sealed.push(sealFrame(dataKey, { bodyId, index, isLast: index === frames - 1 }, bytes));
  }
  return Buffer.concat(sealed);
}

export function frameCount(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / FRAME_BYTES));
}

/** Length of a sealed body. */
export function sealedSize(sizeBytes: number): number {
  return sizeBytes + frameCount(sizeBytes) * TAG_BYTES;
}

/** Where a frame is in the sealed body. */
export function framePosition(sizeBytes: number, index: number): { readonly start: number; readonly length: number } {
  const start = index * (FRAME_BYTES + TAG_BYTES);
  return { start, length: Math.min(FRAME_BYTES + TAG_BYTES, sealedSize(sizeBytes) - start) };
}

/** Wraps a data key under a key of the lab. `context` must be given again to unwrap. */
export function wrapKey(wrappingKey: Uint8Array, dataKey: Uint8Array, context: string): Buffer {
  const nonce = takeRandomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, wrappingKey, nonce);
  cipher.setAAD(Buffer.from(context));
  const body = cipher.update(dataKey);
  cipher.final();
  return Buffer.concat([nonce, body, cipher.getAuthTag()]);
}

/** @throws SealError */
export function unwrapKey(wrappingKey: Uint8Array, wrapped: Uint8Array, context: string): Buffer {
  return open(wrappingKey, wrapped.subarray(0, NONCE_BYTES), wrapped.subarray(NONCE_BYTES), Buffer.from(context));
}

function open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, context?: Uint8Array): Buffer {
  const end = sealed.length - TAG_BYTES;
  if (end < 0) throw new SealError("the sealed bytes are too short");
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    if (context !== undefined) decipher.setAAD(context);
    decipher.setAuthTag(sealed.subarray(end));
    const plaintext = decipher.update(sealed.subarray(0, end));
    decipher.final();
    return plaintext;
  } catch (cause) {
    throw new SealError("the sealed bytes do not open", { cause });
  }
}

function nonceOf({ bodyId, index, isLast }: FrameRef): Buffer {
  const nonce = Buffer.allocUnsafe(NONCE_BYTES);
  nonce.writeUInt32BE(Math.floor(bodyId / 2 ** 32), 0);
  nonce.writeUInt32BE(bodyId % 2 ** 32, 4);
  nonce.writeUInt32BE((isLast ? LAST_FRAME : 0) + index, 8);
  return nonce;
}
