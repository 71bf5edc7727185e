/**
 * Ciphertext of KMS: AES-256-GCM under a key's material, bound to the encryption context.
 *
 * The blob is opaque to everybody else. It names its key, so Decrypt needs no key id:
 * version (1 byte) · key id (16 bytes, the UUID) · nonce (12) · ciphertext · tag (16)
 */
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from "node:crypto";

export type EncryptionContext = Readonly<Record<string, string>>;

const VERSION = 1;
const KEY_ID_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
const ENVELOPE_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;

/** @param keyId a UUID */
export function sealEnvelope(
  key: { readonly keyId: string; readonly material: KeyObject },
  plaintext: Uint8Array,
  context: EncryptionContext,
): Uint8Array {
  const header = Buffer.concat([Buffer.from([VERSION]), Buffer.from(key.keyId.replaceAll("-", ""), "hex")]);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key.material, nonce);
  cipher.setAAD(authenticated(header, context));
  return Buffer.concat([header, nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The id of the key that a blob was made with; undefined when it is none of ours. */
export function keyIdOfEnvelope(blob: Uint8Array): string | undefined {
  if (blob.length < ENVELOPE_BYTES || blob[0] !== VERSION) return undefined;
  const hex = Buffer.from(blob.subarray(1, HEADER_BYTES)).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The plaintext; undefined when the blob was changed, or the material or the context is another one. */
export function openEnvelope(
  blob: Uint8Array,
  material: KeyObject,
  context: EncryptionContext,
): Uint8Array | undefined {
  const header = blob.subarray(0, HEADER_BYTES);
  const body = blob.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", material, blob.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(authenticated(header, context));
  decipher.setAuthTag(blob.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** The header and the context, whose order does not count. */
function authenticated(header: Uint8Array, context: EncryptionContext): Uint8Array {
  const pairs = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([header, Buffer.from(JSON.stringify(pairs))]);
}
