/** KMS as the lab's S3 uses it on behalf of its callers. Errors carry KMS's own codes; S3 puts `KMS.` before them. */
import type { RequestContext } from "../../core/iam/model.ts";
import { type Caller, type DataKey, type Keys, type KeyUse, ServiceError } from "../model.ts";
import type { KeyAccess, KmsCaller } from "./access.ts";
import type { Cryptography } from "./cryptography.ts";
import type { KeyReference, Keyring } from "./keyring.ts";
import { keyArn } from "./model.ts";

const DATA_KEY_BYTES = 32;

interface KeysParts {
  readonly keyring: Keyring;
  readonly access: KeyAccess;
  readonly cryptography: Cryptography;
  readonly clock: () => number;
}

export function createKeys({ keyring, access, cryptography, clock }: KeysParts): Keys {
  /** The call as KMS sees it: from the service, so nothing of the customer's connection is known. */
  function on(caller: Caller, { region, viaService }: Pick<KeyUse, "region" | "viaService">): KmsCaller {
    const now = clock();
    const context: RequestContext = {
      "kms:viaservice": viaService,
      "aws:viaawsservice": "true",
      "aws:securetransport": "true",
      "aws:currenttime": new Date(now).toISOString(),
      "aws:epochtime": String(Math.floor(now / 1000)),
    };
    return { caller, region, context };
  }

  /** The key's reference; makes `aws/s3` when it is asked for and not there yet. */
  async function referenceOf(by: KmsCaller, keyId: string): Promise<KeyReference> {
    const home = access.homeOf(by);
    const reference = keyring.parse(keyId, home);
    if (keyring.isMadeOnDemand(reference) && home.accountId !== "" && reference.accountId === home.accountId) {
      if (keyring.find(reference) === undefined) await keyring.ensureS3Key(home);
    }
    return reference;
  }

  return {
    async generateDataKey(caller, request): Promise<DataKey> {
      const by = on(caller, request);
      const { key, plaintext, ciphertext } = cryptography.generateDataKey(by, {
        reference: await referenceOf(by, request.keyId),
        action: "GenerateDataKey",
        sizeBytes: DATA_KEY_BYTES,
        encryptionContext: request.encryptionContext,
      });
      return { keyArn: keyArn(key), plaintext, ciphertext };
    },

    async encryptDataKey(caller, request, plaintext): Promise<DataKey> {
      const by = on(caller, request);
      const { key, ciphertext } = cryptography.encrypt(by, {
        reference: await referenceOf(by, request.keyId),
        action: "Encrypt",
        plaintext,
        encryptionContext: request.encryptionContext,
      });
      return { keyArn: keyArn(key), plaintext, ciphertext };
    },

    async decryptDataKey(caller, request, ciphertext): Promise<DataKey> {
      const { key, plaintext } = cryptography.decrypt(on(caller, request), {
        action: "Decrypt",
        ciphertext,
        encryptionContext: request.encryptionContext,
      });
      return { keyArn: keyArn(key), plaintext, ciphertext };
    },

    resolve(keyId, accountId, region) {
      try {
        const key = keyring.find(keyring.parse(keyId, { accountId, region }));
        return key === undefined ? undefined : keyArn(key);
      } catch (error) {
        // Not the name of a key in this region.
        if (error instanceof ServiceError) return undefined;
        throw error;
      }
    },
  };
}
