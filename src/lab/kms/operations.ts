/**
 * The operations of KMS that the lab has, by name.
 *
 * Not emulated: asymmetric and HMAC keys, key pairs, signatures, imported key material, multi-Region keys, custom key
 * stores, rotation itself, and attestation (`Recipient`).
 */
import { createAlias, deleteAlias, listAliases, updateAlias } from "./operations/aliases.ts";
import {
  decrypt,
  encrypt,
  generateDataKey,
  generateDataKeyWithoutPlaintext,
  generateRandom,
  reEncrypt,
} from "./operations/cryptography.ts";
import { createGrant, listGrants, listRetirableGrants, retireGrant, revokeGrant } from "./operations/grants.ts";
import {
  cancelKeyDeletion,
  createKey,
  describeKey,
  disableKey,
  disableKeyRotation,
  enableKey,
  enableKeyRotation,
  getKeyRotationStatus,
  listKeys,
  scheduleKeyDeletion,
  updateKeyDescription,
} from "./operations/keys.ts";
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from "./operations/policies.ts";
import { listResourceTags, tagResource, untagResource } from "./operations/tags.ts";
import type { KmsOperation } from "./request.ts";

export const KMS_OPERATIONS: Readonly<Record<string, KmsOperation>> = {
  CreateKey: createKey,
  DescribeKey: describeKey,
  ListKeys: listKeys,
  UpdateKeyDescription: updateKeyDescription,
  EnableKey: enableKey,
  DisableKey: disableKey,
  ScheduleKeyDeletion: scheduleKeyDeletion,
  CancelKeyDeletion: cancelKeyDeletion,
  GetKeyRotationStatus: getKeyRotationStatus,
  EnableKeyRotation: enableKeyRotation,
  DisableKeyRotation: disableKeyRotation,

  GetKeyPolicy: getKeyPolicy,
  PutKeyPolicy: putKeyPolicy,
  ListKeyPolicies: listKeyPolicies,

  TagResource: tagResource,
  UntagResource: untagResource,
  ListResourceTags: listResourceTags,

  CreateAlias: createAlias,
  UpdateAlias: updateAlias,
  DeleteAlias: deleteAlias,
  ListAliases: listAliases,

  CreateGrant: createGrant,
  ListGrants: listGrants,
  ListRetirableGrants: listRetirableGrants,
  RetireGrant: retireGrant,
  RevokeGrant: revokeGrant,

  Encrypt: encrypt,
  Decrypt: decrypt,
  ReEncrypt: reEncrypt,
  GenerateDataKey: generateDataKey,
  GenerateDataKeyWithoutPlaintext: generateDataKeyWithoutPlaintext,
  GenerateRandom: generateRandom,
};
