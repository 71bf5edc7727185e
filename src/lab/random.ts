/**
 * Random bytes from the system's generator, drawn a page at a time: keys, ids and nonces are small, and asking for each
 * of them costs more than using it. No byte is given out twice.
 */
import { randomFillSync } from "node:crypto";

const PAGE_BYTES = 8192;
let page = Buffer.alloc(0);
let used = 0;

/** @param length at most a page; the caller owns the bytes */
export function takeRandomBytes(length: number): Buffer {
  if (used + length > page.length) {
    // A new page, because the old one's bytes belong to those who took them.
    page = randomFillSync(Buffer.allocUnsafeSlow(PAGE_BYTES));
    used = 0;
  }
  used += length;
  return page.subarray(used - length, used);
}
