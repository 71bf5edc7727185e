/**
 * What keys are for: encrypting, decrypting, data keys. Used over the wire and by the lab's own services alike.
 *
 * Every operation finds the key, asks for permission, looks at the key's state, and only then computes.
 */
import { type KeyObject, randomBytes } from "node:crypto";
import type { RequestContext } from "../../core/iam/model.ts";
import { contextKeys, type KeyAccess, type KmsCaller } from "./access.ts";
import { type EncryptionContext, keyIdOfEnvelope, openEnvelope, sealEnvelope } from "./envelope.ts";
import { invalidCiphertext, kmsError } from "./errors.ts";
import type { KeyReference, Keyring } from "./keyring.ts";
import { type Key, keyArn } from "./model.ts";
import { requireState } from "./states.ts";

export interface Encrypted {
  readonly key: Key;
  readonly ciphertext: Uint8Array;
}

export interface Decrypted {
  readonly key: Key;
  readonly plaintext: Uint8Array;
}

/** The actions under which data is encrypted. */
export type EncryptingAction = "Encrypt" | "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" | "ReEncryptTo";

export class Cryptography {
  readonly #keyring: Keyring;
  readonly #access: KeyAccess;

  constructor(keyring: Keyring, access: KeyAccess) {
    this.#keyring = keyring;
    this.#access = access;
  }

  /** @throws ServiceError of KMS */
  encrypt(
    by: KmsCaller,
    request: {
      readonly reference: KeyReference;
      readonly action: EncryptingAction;
      readonly plaintext: Uint8Array;
      readonly encryptionContext: EncryptionContext;
    },
  ): Encrypted {
    const { reference, action, plaintext, encryptionContext } = request;
    const key = this.#access.require(by, reference, action, operationContext(action, encryptionContext));
    requireState(key, "use");
    return {
      key,
      ciphertext: sealEnvelope({ keyId: key.keyId, material: this.#material(key) }, plaintext, encryptionContext),
    };
  }

  /** A new data key and its ciphertext. */
  generateDataKey(
    by: KmsCaller,
    request: {
      readonly reference: KeyReference;
      readonly action: "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext";
      readonly sizeBytes: number;
      readonly encryptionContext: EncryptionContext;
    },
  ): Encrypted & Decrypted {
    const plaintext = randomBytes(request.sizeBytes);
    return { ...this.encrypt(by, { ...request, plaintext }), plaintext };
  }

  /**
   * The key is named by the ciphertext; a reference may be given besides and must then be of the same key.
   *
   * @throws ServiceError InvalidCiphertextException also when the encryption context is another one
   */
  decrypt(
    by: KmsCaller,
    request: {
      readonly reference?: KeyReference;
      readonly action: "Decrypt" | "ReEncryptFrom";
      readonly ciphertext: Uint8Array;
      readonly encryptionContext: EncryptionContext;
    },
  ): Decrypted {
    const { reference, action, ciphertext, encryptionContext } = request;
    const keyId = keyIdOfEnvelope(ciphertext);
    const context = operationContext(action, encryptionContext);
    const named = reference === undefined ? undefined : this.#access.require(by, reference, action, context);
    if (keyId === undefined) throw invalidCiphertext();
    const key = this.#keyring.key(keyId);
    if (named !== undefined && named.keyId !== keyId) {
      throw kmsError(
        "IncorrectKeyException",
        "The key ID in the request does not identify a CMK that can perform this operation.",
      );
    }
    if (key === undefined || key.region !== by.region) throw unknownCiphertext();
    if (named === undefined) this.#access.requireKey(by, key, action, context);
    requireState(key, "use");
    const plaintext = openEnvelope(ciphertext, this.#material(key), encryptionContext);
    if (plaintext === undefined) throw invalidCiphertext();
    return { key, plaintext };
  }

  #material(key: Key): KeyObject {
    const material = this.#keyring.materialOf(key);
    if (material === undefined) throw kmsError("KMSInvalidStateException", `${keyArn(key)} is pending import.`);
    return material;
  }
}

const ALGORITHM: RequestContext = { "kms:encryptionalgorithm": "SYMMETRIC_DEFAULT" };

function operationContext(action: string, encryptionContext: EncryptionContext): RequestContext {
  const keys = contextKeys(encryptionContext);
  // Data keys are always made under the one algorithm, so only the other calls name it.
  return action.startsWith("GenerateDataKey") ? keys : Object.assign({}, ALGORITHM, keys);
}

/** What callers are told when the key of a ciphertext is gone, or is in another region. */
function unknownCiphertext() {
  return kmsError(
    "AccessDeniedException",
    "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
  );
}
