/** What the console does in the lab: by the lab's own calls where there are such, else by those of S3, as the owner. */

import { ApiError } from "../../console/errors.ts";
import type {
  Disturbance,
  FaultScope,
  LabDesk,
  LabObject,
  LabObjectRef,
  LabView,
  NewDisturbance,
  NewLabBucket,
} from "../../console/lab-desk.ts";
import type { Lab } from "../../lab/lab.ts";
import { createS3Client, type S3Client } from "../../s3/client.ts";

export interface LabRoomOptions {
  readonly lab: Pick<Lab, "bucket" | "buckets" | "account" | "identity">;
  readonly endpoint: string;
  /** Of the lab's own calls. */
  readonly token: string;
  readonly clock: () => number;
}

/** What the lab tells of its disturbances. */
interface ToldDisturbances {
  readonly throttles: readonly {
    readonly service: "s3" | "kms";
    readonly bucket?: string;
    readonly requestsPerSecond: number;
  }[];
  readonly faults: readonly (Partial<FaultScope> & {
    readonly id: number;
    readonly times: number;
    readonly kind: ToldFault;
  })[];
  readonly disk: { readonly full: boolean };
  readonly clock: { readonly offsetMs: number };
}

type ToldFault =
  | { readonly truncateAt: number }
  | { readonly flipAt: number }
  | { readonly delayMs: number }
  | { readonly reset: "before" | "after" }
  | { readonly status: number; readonly code?: string };

export class LabRoom implements LabDesk {
  readonly #options: LabRoomOptions;

  constructor(options: LabRoomOptions) {
    this.#options = options;
  }

  get endpoint(): string {
    return this.#options.endpoint;
  }

  async view(): Promise<LabView> {
    const { lab } = this.#options;
    const told = await this.#call<ToldDisturbances>("GET", "disturbances");
    return {
      accounts: lab.identity.accountIds().map((id) => ({ id })),
      buckets: lab.buckets().map(({ name, account, region, versioning, replication }) => {
        return { name, account, region, versioning, rules: replication?.rules.length ?? 0 };
      }),
      disturbances: disturbancesOf(told),
    };
  }

  async addAccount(id: string): Promise<void> {
    await this.#options.lab.account(id);
  }

  async addBucket({ name, account, region, versioning, objectLock }: NewLabBucket): Promise<void> {
    await this.#as(account, region, async (client) => {
      await client.createBucket(name, { region, ...(objectLock ? { objectLock } : {}) });
      if (versioning) await client.putBucketVersioning(name, "Enabled");
    });
  }

  async putObject({ bucket, key, text, tags }: LabObject): Promise<{ readonly versionId: string }> {
    return await this.#asOwner(bucket, async (client) => {
      const body = Buffer.from(text);
      const contentHeaders = { "content-type": "text/plain; charset=utf-8" };
      const { versionId = "null" } = await client.putObject({
        bucket,
        key,
        body,
        tags,
        contentHeaders,
        userMetadata: {},
      });
      return { versionId };
    });
  }

  async deleteObject(ref: LabObjectRef): Promise<{ readonly versionId?: string }> {
    return await this.#asOwner(ref.bucket, async (client) => {
      const { versionId } = await client.deleteObject(ref);
      return versionId === undefined ? {} : { versionId };
    });
  }

  async disturb(wanted: NewDisturbance): Promise<void> {
    switch (wanted.kind) {
      case "delay":
        return await this.#fault(wanted, { delayMs: wanted.delayMs });
      case "reset":
        return await this.#fault(wanted, { reset: wanted.when });
      case "status": {
        const { status, code } = wanted;
        return await this.#fault(wanted, { status, ...(code === undefined ? {} : { code }) });
      }
      case "truncate":
        return await this.#fault(wanted, { truncateAt: wanted.at });
      case "flip":
        return await this.#fault(wanted, { flipAt: wanted.at });
      case "throttle": {
        const { kind: _, ...throttle } = wanted;
        return await this.#call("PUT", "throttle", throttle);
      }
      case "diskFull":
        return await this.#call("PUT", "disk", { full: true });
      case "clock":
        return await this.#call("PUT", "clock", { offsetMs: wanted.offsetMs });
    }
  }

  async calm(id: string): Promise<boolean> {
    const known = disturbancesOf(await this.#call<ToldDisturbances>("GET", "disturbances"));
    if (!known.some((one) => one.id === id)) return false;
    const [kind = "", ...rest] = id.split("-");
    switch (kind) {
      case "disk":
        await this.#call("PUT", "disk", { full: false });
        break;
      case "clock":
        await this.#call("PUT", "clock", { offsetMs: 0 });
        break;
      case "throttle": {
        const [service, ...bucket] = rest;
        const scope = bucket.length === 0 ? {} : { bucket: bucket.join("-") };
        await this.#call("PUT", "throttle", { service, ...scope, requestsPerSecond: null });
        break;
      }
      default:
        await this.#call("DELETE", `faults/${rest.join("-")}`);
    }
    return true;
  }

  async #fault({ bucket, prefix, operation, times }: FaultScope, kind: ToldFault): Promise<void> {
    const scope = {
      times,
      ...(bucket === undefined ? {} : { bucket }),
      ...(prefix === undefined ? {} : { prefix }),
      ...(operation === undefined ? {} : { operation }),
    };
    await this.#call("POST", "faults", { ...scope, ...kind });
  }

  async #asOwner<T>(bucket: string, use: (client: S3Client) => Promise<T>): Promise<T> {
    const found = this.#options.lab.bucket(bucket);
    if (found === undefined) throw new ApiError(404, `there is no bucket ${bucket} in the lab`);
    return await this.#as(found.account, found.region, use);
  }

  async #as<T>(account: string, region: string, use: (client: S3Client) => Promise<T>): Promise<T> {
    const { lab, endpoint, clock } = this.#options;
    const client = createS3Client({ endpoint, region, credentials: await lab.account(account), clock });
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  }

  /** One of the lab's own calls. @throws ApiError in its words */
  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { endpoint, token } = this.#options;
    const answer = await fetch(`${endpoint}/_lockstep/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const said = (await answer.json()) as T & { readonly error?: string };
    if (!answer.ok) throw new ApiError(answer.status === 404 ? 404 : 400, said.error ?? answer.statusText);
    return said;
  }
}

function disturbancesOf({ throttles, faults, disk, clock }: ToldDisturbances): readonly Disturbance[] {
  return [
    ...faults.map(({ id, kind, ...scope }): Disturbance => {
      return { id: `fault-${id}`, kind: kindOf(kind), says: `${scopeWords(scope)} ${faultWords(kind)}` };
    }),
    ...throttles.map(({ service, bucket, requestsPerSecond }): Disturbance => {
      const [where, name] = bucket === undefined ? [service, service] : [`bucket ${bucket}`, `${service}-${bucket}`];
      return {
        id: `throttle-${name}`,
        kind: "throttle",
        says: `${where} takes ${requestsPerSecond} requests a second`,
      };
    }),
    ...(disk.full ? [{ id: "disk", kind: "diskFull", says: "the disk is full" } as const] : []),
    ...(clock.offsetMs === 0
      ? []
      : [{ id: "clock", kind: "clock", says: `the lab's clock is off by ${clock.offsetMs / 1000} s` } as const]),
  ];
}

function kindOf(kind: ToldFault): NewDisturbance["kind"] {
  if ("truncateAt" in kind) return "truncate";
  if ("flipAt" in kind) return "flip";
  if ("delayMs" in kind) return "delay";
  return "reset" in kind ? "reset" : "status";
}

function scopeWords({ bucket, prefix, operation, times = 1 }: Partial<FaultScope>): string {
  const what = `the next ${times === 1 ? "" : `${times} `}${operation ?? "request"}${times === 1 ? "" : "s"}`;
  const where = bucket === undefined ? "" : ` to ${bucket}`;
  return `${what}${where}${prefix === undefined ? "" : ` with keys that begin with "${prefix}"`}:`;
}

function faultWords(kind: ToldFault): string {
  if ("truncateAt" in kind) return `the body ends after ${kind.truncateAt} bytes`;
  if ("flipAt" in kind) return `a bit of byte ${kind.flipAt} is another one`;
  if ("delayMs" in kind) return `answered ${kind.delayMs / 1000} s late`;
  if ("reset" in kind) return `the connection breaks ${kind.reset} anything is done`;
  return `answered ${kind.status}${kind.code === undefined ? "" : ` ${kind.code}`}`;
}
