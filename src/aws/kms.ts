/** KMS keys, read and written through the AWS SDK, each in its own Region. */
import type { KMS } from "@aws-sdk/client-kms";
import { parseArn } from "../core/arn.ts";
import type { Grant } from "../core/iam/model.ts";
import { type AwsAccess, clientSettings } from "./access.ts";
import { asked, askedFor } from "./errors.ts";

export interface KeyDescription {
  readonly arn: string;
  /** `Enabled`, `Disabled`, `PendingDeletion`, … */
  readonly state: string;
  readonly managedBy: "customer" | "aws";
}

const ABSENT = ["NotFoundException"];
/** The waiting period that is given back when a cancelled deletion is undone. */
const DELETION_WINDOW_DAYS = 30;

export class KmsControl {
  readonly #access: AwsAccess;
  readonly #clients = new Map<string, Promise<KMS>>();

  constructor(access: AwsAccess) {
    this.#access = access;
  }

  /** Undefined when there is no such key. @param keyArn of a key or an alias @throws AwsError */
  async key(keyArn: string): Promise<KeyDescription | undefined> {
    const kms = await this.#kms(keyArn);
    const answer = await askedFor("kms", "DescribeKey", ABSENT, kms.describeKey({ KeyId: keyArn }));
    const key = answer?.KeyMetadata;
    if (key === undefined) return undefined;
    return {
      arn: key.Arn ?? keyArn,
      state: key.KeyState ?? "Enabled",
      managedBy: key.KeyManager === "AWS" ? "aws" : "customer",
    };
  }

  /** JSON text. @throws AwsError */
  async policy(keyArn: string): Promise<string> {
    const kms = await this.#kms(keyArn);
    const request = { KeyId: keyArn, PolicyName: "default" };
    const { Policy } = await asked("kms", "GetKeyPolicy", kms.getKeyPolicy(request));
    return Policy ?? "";
  }

  /** @throws AwsError */
  async grants(keyArn: string): Promise<Grant[]> {
    const kms = await this.#kms(keyArn);
    const grants: Grant[] = [];
    let Marker: string | undefined;
    do {
      const marker: { Marker?: string } = Marker === undefined ? {} : { Marker };
      const page = await asked("kms", "ListGrants", kms.listGrants({ KeyId: keyArn, ...marker }));
      for (const one of page.Grants ?? []) {
        const { EncryptionContextEquals: equals, EncryptionContextSubset: subset, SourceArn } = one.Constraints ?? {};
        grants.push({
          grantId: one.GrantId ?? "",
          granteePrincipal: one.GranteePrincipal ?? "",
          operations: one.Operations ?? [],
          ...(equals === undefined ? {} : { encryptionContextEquals: equals }),
          ...(subset === undefined ? {} : { encryptionContextSubset: subset }),
          ...(SourceArn === undefined ? {} : { sourceArn: SourceArn }),
        });
      }
      Marker = page.Truncated === true ? page.NextMarker : undefined;
    } while (Marker !== undefined);
    return grants;
  }

  /** Alias names by key id, `alias/aws/…` included. @throws AwsError */
  async aliases(region: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const kms = await this.#inRegion(region);
    const found = new Map<string, string[]>();
    let Marker: string | undefined;
    do {
      const marker: { Marker?: string } = Marker === undefined ? {} : { Marker };
      const page = await asked("kms", "ListAliases", kms.listAliases(marker));
      for (const { AliasName, TargetKeyId } of page.Aliases ?? []) {
        if (AliasName === undefined || TargetKeyId === undefined) continue;
        found.set(TargetKeyId, [...(found.get(TargetKeyId) ?? []), AliasName]);
      }
      Marker = page.Truncated === true ? page.NextMarker : undefined;
    } while (Marker !== undefined);
    return found;
  }

  /** ARNs of the Region's keys, at most `limit` of them. @throws AwsError */
  async keyArns(region: string, limit: number): Promise<string[]> {
    const kms = await this.#inRegion(region);
    const found: string[] = [];
    let Marker: string | undefined;
    do {
      const marker: { Marker?: string } = Marker === undefined ? {} : { Marker };
      const page = await asked("kms", "ListKeys", kms.listKeys(marker));
      found.push(...(page.Keys ?? []).flatMap((one) => one.KeyArn ?? []));
      Marker = page.Truncated === true && found.length < limit ? page.NextMarker : undefined;
    } while (Marker !== undefined);
    return found.slice(0, limit);
  }

  /** @throws AwsError */
  async setPolicy(keyArn: string, document: string): Promise<void> {
    const kms = await this.#kms(keyArn);
    await asked("kms", "PutKeyPolicy", kms.putKeyPolicy({ KeyId: keyArn, PolicyName: "default", Policy: document }));
  }

  /** Moves the key between Enabled, Disabled and PendingDeletion. @throws AwsError */
  async setState(keyArn: string, from: string, to: string): Promise<void> {
    const kms = await this.#kms(keyArn);
    const KeyId = keyArn;
    if (from === "PendingDeletion") await asked("kms", "CancelKeyDeletion", kms.cancelKeyDeletion({ KeyId }));
    if (to === "Enabled") await asked("kms", "EnableKey", kms.enableKey({ KeyId }));
    else if (to === "Disabled") await asked("kms", "DisableKey", kms.disableKey({ KeyId }));
    else if (to === "PendingDeletion") {
      const request = { KeyId, PendingWindowInDays: DELETION_WINDOW_DAYS };
      await asked("kms", "ScheduleKeyDeletion", kms.scheduleKeyDeletion(request));
    }
  }

  /** Returns the new key's ARN. @throws AwsError */
  async createKey(region: string, description: string, alias: string): Promise<string> {
    const kms = await this.#inRegion(region);
    const { KeyMetadata } = await asked("kms", "CreateKey", kms.createKey({ Description: description }));
    const request = { AliasName: alias, TargetKeyId: KeyMetadata?.KeyId ?? "" };
    await asked("kms", "CreateAlias", kms.createAlias(request));
    return KeyMetadata?.Arn ?? "";
  }

  async #kms(keyArn: string): Promise<KMS> {
    return await this.#inRegion(parseArn(keyArn)?.region ?? this.#access.region);
  }

  async #inRegion(region: string): Promise<KMS> {
    let client = this.#clients.get(region);
    if (client === undefined) {
      client = import("@aws-sdk/client-kms").then((sdk) => new sdk.KMS(clientSettings(this.#access, region)));
      this.#clients.set(region, client);
    }
    return await client;
  }
}
