/** Cryptography over the wire. */
import { randomBytes } from "node:crypto";
import { validationError } from "../errors.ts";
import { keyArn } from "../model.ts";
import type { KmsOperation, KmsRequest } from "../request.ts";

const PLAINTEXT_MAX = 4096;
const CIPHERTEXT_MAX = 6144;
const DATA_KEY_BYTES = { min: 1, max: 1024 };
const ALGORITHM = { oneOf: ["SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"] };

export const encrypt: KmsOperation = async (request) => {
  const { input, cryptography } = request;
  requireSymmetric(request, "EncryptionAlgorithm");
  const { key, ciphertext } = cryptography.encrypt(request, {
    reference: await request.reference(),
    action: "Encrypt",
    plaintext: input.bytes("Plaintext", PLAINTEXT_MAX),
    encryptionContext: input.textMap("EncryptionContext"),
  });
  request.endDryRun();
  return { CiphertextBlob: base64(ciphertext), KeyId: keyArn(key), EncryptionAlgorithm: "SYMMETRIC_DEFAULT" };
};

export const decrypt: KmsOperation = async (request) => {
  const { input, cryptography } = request;
  requireSymmetric(request, "EncryptionAlgorithm");
  const { key, plaintext } = cryptography.decrypt(request, {
    ...(input.has("KeyId") ? { reference: await request.reference() } : {}),
    action: "Decrypt",
    ciphertext: input.bytes("CiphertextBlob", CIPHERTEXT_MAX),
    encryptionContext: input.textMap("EncryptionContext"),
  });
  request.endDryRun();
  return { Plaintext: base64(plaintext), KeyId: keyArn(key), EncryptionAlgorithm: "SYMMETRIC_DEFAULT" };
};

/** Decrypts and encrypts again without showing the plaintext: two permissions, two contexts. */
export const reEncrypt: KmsOperation = async (request) => {
  const { input, cryptography } = request;
  requireSymmetric(request, "SourceEncryptionAlgorithm");
  requireSymmetric(request, "DestinationEncryptionAlgorithm");
  const source = cryptography.decrypt(request, {
    ...(input.has("SourceKeyId") ? { reference: await request.reference("SourceKeyId") } : {}),
    action: "ReEncryptFrom",
    ciphertext: input.bytes("CiphertextBlob", CIPHERTEXT_MAX),
    encryptionContext: input.textMap("SourceEncryptionContext"),
  });
  const destination = cryptography.encrypt(request, {
    reference: await request.reference("DestinationKeyId"),
    action: "ReEncryptTo",
    plaintext: source.plaintext,
    encryptionContext: input.textMap("DestinationEncryptionContext"),
  });
  request.endDryRun();
  return {
    CiphertextBlob: base64(destination.ciphertext),
    SourceKeyId: keyArn(source.key),
    KeyId: keyArn(destination.key),
    SourceEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    DestinationEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
  };
};

export const generateDataKey: KmsOperation = async (request) => {
  const { key, plaintext, ciphertext } = await dataKey(request, "GenerateDataKey");
  request.endDryRun();
  return { CiphertextBlob: base64(ciphertext), Plaintext: base64(plaintext), KeyId: keyArn(key) };
};

export const generateDataKeyWithoutPlaintext: KmsOperation = async (request) => {
  const { key, ciphertext } = await dataKey(request, "GenerateDataKeyWithoutPlaintext");
  request.endDryRun();
  return { CiphertextBlob: base64(ciphertext), KeyId: keyArn(key) };
};

export const generateRandom: KmsOperation = async (request) => {
  const sizeBytes = request.input.integer("NumberOfBytes", DATA_KEY_BYTES);
  if (sizeBytes === undefined) throw validationError("NumberOfBytes is required.");
  request.access.requireOn(request, "*", "GenerateRandom");
  return { Plaintext: base64(randomBytes(sizeBytes)) };
};

async function dataKey(request: KmsRequest, action: "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext") {
  const { input, cryptography } = request;
  const spec = input.optionalText("KeySpec", { oneOf: ["AES_256", "AES_128"] });
  const number = input.integer("NumberOfBytes", DATA_KEY_BYTES);
  if ((spec === undefined) === (number === undefined)) {
    throw validationError("Please specify either number of bytes or key spec.");
  }
  return cryptography.generateDataKey(request, {
    reference: await request.reference(),
    action,
    sizeBytes: number ?? (spec === "AES_128" ? 16 : 32),
    encryptionContext: input.textMap("EncryptionContext"),
  });
}

/** Other algorithms belong to keys of other kinds, which the lab does not have. */
function requireSymmetric({ input }: KmsRequest, member: string): void {
  const algorithm = input.optionalText(member, ALGORITHM);
  if (algorithm !== undefined && algorithm !== "SYMMETRIC_DEFAULT") {
    throw validationError(`Algorithm ${algorithm} and key spec SYMMETRIC_DEFAULT are incompatible.`);
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
