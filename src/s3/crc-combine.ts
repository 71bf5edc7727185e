/**
 * The CRC of joined bytes from the CRCs of the pieces: a multipart upload's full-object checksum follows from its
 * parts' checksums without reading a byte again.
 *
 * A CRC is the remainder of a polynomial over GF(2). Appending n bytes multiplies the polynomial in front by x^(8n), so
 * crc(AB) = crc(A)·x^(8·|B|) mod P, plus (xor) crc(B). This holds because the three CRCs of S3 start from all ones and
 * end with an inversion, and the two cancel. Their bits are reflected: the highest bit stands for x^0.
 *
 * Pure integers; hashing is in `checksum.ts`.
 */

/** The generator polynomial without its highest term, reflected, and its degree. */
interface CrcField {
  readonly polynomial: bigint;
  readonly bits: number;
}

/** @source https://reveng.sourceforge.io/crc-catalogue/ (CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME) */
const FIELDS = {
  CRC32: { polynomial: 0xedb88320n, bits: 32 },
  CRC32C: { polynomial: 0x82f63b78n, bits: 32 },
  CRC64NVME: { polynomial: 0x9a6c9329ac4bc9b5n, bits: 64 },
} as const satisfies Record<string, CrcField>;

export type CrcAlgorithm = keyof typeof FIELDS;

/** One piece: its CRC in base64 (big-endian, as S3 writes it) and its length. */
export interface CrcPiece {
  readonly checksum: string;
  readonly sizeBytes: number;
}

/**
 * The CRC of all pieces joined in order, in base64.
 *
 * @param pieces any number of them; of none it is the CRC of no bytes
 */
export function combineCrcs(algorithm: CrcAlgorithm, pieces: readonly CrcPiece[]): string {
  const field = FIELDS[algorithm];
  let joined = 0n;
  // Parts are all of one size but the last, so the factor is worked out twice for an upload of any length.
  let factor = { sizeBytes: -1, value: 0n };
  for (const { checksum, sizeBytes } of pieces) {
    if (sizeBytes !== factor.sizeBytes) factor = { sizeBytes, value: powerOfX(field, 8n * BigInt(sizeBytes)) };
    joined = multiply(field, joined, factor.value) ^ decode(field, checksum);
  }
  return encode(field, joined);
}

/** x^exponent mod P, by squaring. */
function powerOfX(field: CrcField, exponent: bigint): bigint {
  const one = 1n << BigInt(field.bits - 1);
  let power = one;
  let square = one >> 1n;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) power = multiply(field, power, square);
    square = multiply(field, square, square);
  }
  return power;
}

/** a·b mod P. Both are reflected, so b is multiplied by x by shifting it right. */
function multiply(field: CrcField, a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let mask = 1n << BigInt(field.bits - 1); mask > 0n; mask >>= 1n) {
    if (a & mask) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ field.polynomial : shifted >> 1n;
  }
  return product;
}

function decode(field: CrcField, checksum: string): bigint {
  const bytes = Buffer.from(checksum, "base64");
  return field.bits === 64 ? bytes.readBigUInt64BE() : BigInt(bytes.readUInt32BE());
}

function encode(field: CrcField, value: bigint): string {
  const bytes = Buffer.alloc(field.bits / 8);
  if (field.bits === 64) bytes.writeBigUInt64BE(value);
  else bytes.writeUInt32BE(Number(value));
  return bytes.toString("base64");
}
