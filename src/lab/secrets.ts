/**
 * The lab's root key, and what is encrypted under it: secret access keys, KMS key material, the data keys of SSE-S3.
 *
 * With a data directory the root key is the file `root.key` beside `lab.db`; a copy of `lab.db` alone gives nothing
 * away. It is made once and never changed: without it the lab cannot read its own credentials and keys. Only this
 * file touches it.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Encryption under the root key. What is bound to one purpose opens for no other. */
export interface Secrets {
  /** Encrypts for storage; `purpose` says whose secret this is, such as `access-key AKIA…`. */
  wrap(plaintext: Uint8Array, purpose: string): Uint8Array;

  /** @throws SecretsError when the bytes were changed, or were wrapped by another root key or for another purpose */
  unwrap(wrapped: Uint8Array, purpose: string): Uint8Array;

  /** Wraps the data key of an object that S3 encrypts with its own keys (SSE-S3); `context` is bound to it. */
  wrapServiceKey(dataKey: Uint8Array, context: string): Uint8Array;

  /** @throws SecretsError as `unwrap` does */
  unwrapServiceKey(wrapped: Uint8Array, context: string): Uint8Array;

  /** 32 bytes that depend on the root key and the label only. */
  derive(label: string): Uint8Array;
}

/** The root key cannot be read, or does not open what it should: it says which file, and what to do. */
export class SecretsError extends Error {
  override readonly name = "SecretsError";
}

const ROOT_KEY_FILE = "root.key";
const ROOT_KEY_BYTES = 32;

/**
 * Opens the root key of a data directory; makes it when there is none.
 *
 * @param directory an existing directory; without one the root key lives in memory and dies with the process
 */
export function openSecrets(directory?: string): Secrets {
  return new RootKey(directory === undefined ? randomBytes(ROOT_KEY_BYTES) : rootKeyOf(directory));
}

class RootKey implements Secrets {
  readonly #root: Uint8Array;
  readonly #storageKey: KeyObject;
  readonly #serviceKey: KeyObject;

  constructor(root: Uint8Array) {
    this.#root = root;
    this.#storageKey = createSecretKey(this.derive("storage"));
    this.#serviceKey = createSecretKey(this.derive("sse-s3"));
  }

  wrap(plaintext: Uint8Array, purpose: string): Uint8Array {
    return seal(this.#storageKey, plaintext, purpose);
  }

  unwrap(wrapped: Uint8Array, purpose: string): Uint8Array {
    return unseal(this.#storageKey, wrapped, purpose);
  }

  wrapServiceKey(dataKey: Uint8Array, context: string): Uint8Array {
    return seal(this.#serviceKey, dataKey, context);
  }

  unwrapServiceKey(wrapped: Uint8Array, context: string): Uint8Array {
    return unseal(this.#serviceKey, wrapped, context);
  }

  derive(label: string): Uint8Array {
    return new Uint8Array(hkdfSync("sha256", this.#root, "lockstep lab", label, 32));
  }
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** nonce · ciphertext · tag */
function seal(key: KeyObject, plaintext: Uint8Array, purpose: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(purpose));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function unseal(key: KeyObject, wrapped: Uint8Array, purpose: string): Uint8Array {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, wrapped.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(purpose));
    decipher.setAuthTag(wrapped.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new SecretsError(
      `a stored secret does not open (${purpose}): ${ROOT_KEY_FILE} is not the one that this data was written with, ` +
        "or the data was damaged; put the file back, or start with an empty data directory",
      { cause },
    );
  }
}

function rootKeyOf(directory: string): Uint8Array {
  const path = join(directory, ROOT_KEY_FILE);
  const found = readRootKey(path);
  if (found !== undefined) return found;

  // Written whole under another name and then linked, so a crash leaves either no root key or a good one, and of two
  // processes that start at once the second takes the key of the first.
  const draft = `${path}.${process.pid}`;
  const descriptor = openSync(draft, "w", 0o600);
  try {
    writeSync(descriptor, randomBytes(ROOT_KEY_BYTES));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw new SecretsError(`cannot make ${path}: ${String(error)}`, { cause: error });
  } finally {
    rmSync(draft, { force: true });
  }
  syncDirectory(directory);

  const made = readRootKey(path);
  if (made === undefined) throw new SecretsError(`${path} vanished while it was made`);
  return made;
}

function readRootKey(path: string): Uint8Array | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw new SecretsError(`cannot read ${path}: ${String(error)}`, { cause: error });
  }
  if (bytes.length === ROOT_KEY_BYTES) return bytes;
  throw new SecretsError(`${path} holds ${bytes.length} bytes and not ${ROOT_KEY_BYTES}: put back the right file`);
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
