/** Keys: making, describing, enabling, disabling, deleting them, and their rotation status. */
import type { TextRule } from "../../constraints.ts";
import { unsupported } from "../errors.ts";
import { compileKeyPolicy } from "../keyring.ts";
import { type Key, keyArn } from "../model.ts";
import { checkedKeyPolicy, defaultKeyPolicy } from "../policies.ts";
import { type KmsOperation, type KmsRequest, seconds } from "../request.ts";
import { type Need, requireState } from "../states.ts";
import { requireNoLockout } from "./policies.ts";
import { requestTagKeys, tagsOf } from "./tags.ts";

export const POLICY: TextRule = { max: 131_072, pattern: /^[\t\n\r\u0020-\u00ff]+$/ };
const DESCRIPTION: TextRule = { min: 0, max: 8192 };
const KEY_SPECS =
  "SYMMETRIC_DEFAULT RSA_2048 RSA_3072 RSA_4096 ECC_NIST_P256 ECC_NIST_P384 ECC_NIST_P521 ECC_SECG_P256K1 HMAC_224 HMAC_256 HMAC_384 HMAC_512 SM2 ML_DSA_44 ML_DSA_65 ML_DSA_87".split(
    " ",
  );
const KEY_USAGES = ["ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"];
const ORIGINS = ["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"];

export const createKey: KmsOperation = async (request) => {
  const { input, keyring, access, home, identity } = request;
  const spec =
    input.optionalText("KeySpec", { oneOf: KEY_SPECS }) ??
    input.optionalText("CustomerMasterKeySpec", { oneOf: KEY_SPECS });
  const usage = input.optionalText("KeyUsage", { oneOf: KEY_USAGES }) ?? "ENCRYPT_DECRYPT";
  const origin = input.optionalText("Origin", { oneOf: ORIGINS }) ?? "AWS_KMS";
  const policyText = input.optionalText("Policy", POLICY);
  const bypass = input.flag("BypassPolicyLockoutSafetyCheck");
  const tags = tagsOf(request);
  access.requireOn(request, "*", "CreateKey", {
    "kms:keyspec": spec ?? "SYMMETRIC_DEFAULT",
    "kms:keyusage": usage,
    "kms:keyorigin": origin,
    "kms:bypasspolicylockoutsafetycheck": String(bypass),
    ...requestTagKeys(tags),
  });
  if ((spec ?? "SYMMETRIC_DEFAULT") !== "SYMMETRIC_DEFAULT" || usage !== "ENCRYPT_DECRYPT") {
    throw unsupported("The lab has symmetric encryption keys only.");
  }
  if (origin !== "AWS_KMS" && origin !== "EXTERNAL") throw unsupported("The lab has no custom key stores.");
  if (input.flag("MultiRegion")) throw unsupported("The lab has no multi-Region keys.");

  const policy = policyText === undefined ? defaultKeyPolicy(home.accountId) : checkedKeyPolicy(identity, policyText);
  const description = input.optionalText("Description", DESCRIPTION) ?? "";
  const key = keyring.draft(home, { description, manager: "CUSTOMER", origin, policy, tags });
  if (!bypass) requireNoLockout(request, key, compileKeyPolicy(policy, keyArn(key)));
  await keyring.change(() => [undefined, keyring.keys.put(key)]);
  return { KeyMetadata: describe(key) };
};

export const describeKey: KmsOperation = async (request) => {
  const key = request.access.require(request, await request.reference(), "DescribeKey");
  return { KeyMetadata: describe(key) };
};

export const listKeys: KmsOperation = async (request) => {
  request.access.requireOn(request, "*", "ListKeys");
  const { items, members } = request.page(request.keyring.keysOf(request.home), (one) => one.keyId, {
    normal: 100,
    max: 1000,
  });
  return { Keys: items.map((one) => ({ KeyId: one.keyId, KeyArn: keyArn(one) })), ...members };
};

export const updateKeyDescription: KmsOperation = async (request) => {
  const description = request.input.text("Description", DESCRIPTION);
  await changeKey(request, "change", (key) => ({ ...key, description }));
  return undefined;
};

export const enableKey: KmsOperation = async (request) => {
  await changeKey(request, "switch", (key) => ({ ...key, state: "Enabled" }));
  return undefined;
};

export const disableKey: KmsOperation = async (request) => {
  await changeKey(request, "switch", (key) => ({ ...key, state: "Disabled" }));
  return undefined;
};

const DAY_MS = 86_400_000;
const WINDOW_DAYS = { min: 7, max: 30 };

/** The key is gone when the lab's clock says that the window is over. */
export const scheduleKeyDeletion: KmsOperation = async (request) => {
  const days = request.input.integer("PendingWindowInDays", WINDOW_DAYS) ?? WINDOW_DAYS.max;
  const deletionAtMs = request.nowMs + days * DAY_MS;
  const context = { "kms:schedulekeydeletionpendingwindowindays": String(days) };
  const key = await changeKey(
    request,
    "change",
    (before) => ({ ...before, state: "PendingDeletion", deletionAtMs }),
    context,
  );
  return {
    KeyId: keyArn(key),
    DeletionDate: seconds(deletionAtMs),
    KeyState: key.state,
    PendingWindowInDays: days,
  };
};

/** A saved key stays disabled until somebody enables it. */
export const cancelKeyDeletion: KmsOperation = async (request) => {
  const key = await changeKey(request, "save", (before) => {
    const { deletionAtMs: _, ...kept } = before;
    return { ...kept, state: "Disabled" };
  });
  return { KeyId: keyArn(key) };
};

export const getKeyRotationStatus: KmsOperation = async (request) => {
  const key = request.key();
  requireState(key, "rotation");
  const days = key.rotationPeriodDays;
  return {
    KeyId: keyArn(key),
    KeyRotationEnabled: days !== undefined,
    ...(days === undefined ? {} : { RotationPeriodInDays: days }),
  };
};

const ROTATION_DAYS = { min: 90, max: 2560 };

export const enableKeyRotation: KmsOperation = async (request) => {
  const rotationPeriodDays = request.input.integer("RotationPeriodInDays", ROTATION_DAYS) ?? 365;
  await changeKey(request, "rotation", (key) => {
    requireState(key, "use");
    return { ...key, rotationPeriodDays };
  });
  return undefined;
};

export const disableKeyRotation: KmsOperation = async (request) => {
  await changeKey(request, "rotation", (key) => {
    requireState(key, "use");
    const { rotationPeriodDays: _, ...kept } = key;
    return kept;
  });
  return undefined;
};

async function changeKey(
  request: KmsRequest,
  need: Need,
  change: (key: Key) => Key,
  context?: Parameters<KmsRequest["ownKey"]>[0],
): Promise<Key> {
  const found = request.ownKey(context);
  const { keyring } = request;
  return keyring.change(() => {
    const before = request.current(found);
    requireState(before, need);
    const after = change(before);
    return [after, keyring.keys.put(after)];
  });
}

function describe(key: Key): Readonly<Record<string, unknown>> {
  return {
    AWSAccountId: key.accountId,
    KeyId: key.keyId,
    Arn: keyArn(key),
    CreationDate: seconds(key.createdAtMs),
    Enabled: key.state === "Enabled",
    Description: key.description,
    KeyUsage: "ENCRYPT_DECRYPT",
    KeyState: key.state,
    ...(key.deletionAtMs === undefined ? {} : { DeletionDate: seconds(key.deletionAtMs) }),
    Origin: key.origin,
    KeyManager: key.manager,
    CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
    KeySpec: "SYMMETRIC_DEFAULT",
    EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
    MultiRegion: false,
  };
}
