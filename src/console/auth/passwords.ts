/**
 * Passwords as they stand in a configuration: `scrypt$N$r$p$SALT$HASH`, both in base64url. Nothing leads back from it.
 *
 * @source RFC 7914; parameters of OWASP's Password Storage Cheat Sheet: N 2^17, r 8, p 1
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";

const COST = 2 ** 17;
const BLOCK = 8;
const PARALLEL = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** What a hash may ask of this machine, whoever wrote it. */
const MEMORY_BYTES_MAX = 512 * 1024 * 1024;

/** What a hash looks like; a configuration is checked by it. */
export const PASSWORD_HASH =
  /^scrypt\$([1-9]\d{3,6})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9_-]{16,})\$([A-Za-z0-9_-]{22,})$/;

/** @param cost a power of two. @returns what stands in the configuration */
export async function hashPassword(password: string, cost = COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, HASH_BYTES, { N: cost, r: BLOCK, p: PARALLEL });
  return `scrypt$${cost}$${BLOCK}$${PARALLEL}$${salt.toString("base64url")}$${hash.toString("base64url")}`;
}

/** False for a wrong password, and for a text that is no hash. Takes some tenths of a second. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [, cost, block, parallel, salt, hash] = PASSWORD_HASH.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return false;
  const wanted = Buffer.from(hash, "base64url");
  const parameters = { N: Number(cost), r: Number(block), p: Number(parallel) };
  const given = await derive(password, Buffer.from(salt, "base64url"), wanted.length, parameters).catch(
    () => undefined,
  );
  return given !== undefined && timingSafeEqual(given, wanted);
}

/** Composed and decomposed characters are one password. @source RFC 8265 §4.2 */
async function derive(password: string, salt: Buffer, bytes: number, parameters: ScryptOptions): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const options = { ...parameters, maxmem: MEMORY_BYTES_MAX };
    scrypt(password.normalize("NFC"), salt, bytes, options, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}
