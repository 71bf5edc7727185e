/**
 * The lab as the engine sees it, with disturbances: the way to one side may lead elsewhere, and something may
 * happen just before a call is made.
 */
import { LabSites } from "../../src/cli/up/sites.ts";
import type { Credentials, ReplicationConfiguration } from "../../src/core/model.ts";
import type { Session, SessionRequest, Sites } from "../../src/engine/ports.ts";
import type { Lab } from "../../src/lab/lab.ts";
import { createS3Client, type S3Client } from "../../src/s3/client.ts";
import { PROFILES } from "../../src/s3/profiles.ts";
import type { CallOptions, PutRequest, Store } from "../../src/s3/store.ts";

/** Where one side is looked for instead, and as whom. */
export interface Detour {
  readonly endpoint: string;
  /** What becomes of the session's credentials on the way. */
  readonly credentials?: (of: Credentials) => Credentials;
  /** How far the caller's clock is ahead. */
  readonly clockAheadMs?: number;
}

export type Side = "source" | "destination";

interface Before {
  readonly side: Side;
  readonly call: keyof Store;
  readonly happens: () => Promise<void>;
}

export class LoopSites implements Sites {
  /** Thrown once when a session is asked for: a fault of ours. */
  fault: Error | undefined;
  /** Whether the destination gives replicas ids of its own. */
  mintsIds = false;
  readonly #lab: Lab;
  readonly #inner: LabSites;
  readonly #clock: () => number;
  readonly #before: Before[] = [];
  readonly #detours: S3Client[] = [];
  readonly #detoured: { [S in Side]?: Store } = {};
  #held: { readonly over: Promise<void>; readonly end: () => void } | undefined;
  #roleArn = "";

  constructor(lab: Lab, endpoint: string, clock: () => number) {
    this.#lab = lab;
    this.#clock = clock;
    this.#inner = new LabSites(lab, endpoint, clock);
  }

  /** From now on that side is looked for there; undefined: where it is. */
  leadTo(detour: Detour | undefined, side: Side = "destination"): void {
    delete this.#detoured[side];
    if (detour === undefined) return;
    const { endpoint, credentials = (same) => same, clockAheadMs = 0 } = detour;
    const client = createS3Client({
      endpoint,
      profile: { ...PROFILES.aws, addressing: "path" },
      region: "eu-west-1",
      credentials: async () => credentials(await this.#lab.assumeReplicationRole(this.#roleArn)),
      clock: () => this.#clock() + clockAheadMs,
    });
    this.#detours.push(client);
    this.#detoured[side] = client;
  }

  /** Lets tasks wait at their very beginning until `release`: nothing has been asked of anybody yet. */
  hold(): void {
    let end = (): void => undefined;
    const over = new Promise<void>((released) => {
      end = released;
    });
    this.#held = { over, end };
  }

  release(): void {
    this.#held?.end();
    this.#held = undefined;
  }

  /** Lets something happen once, just before the first call of this name. */
  before(side: Side, call: keyof Store, happens: () => Promise<void>): void {
    this.#before.push({ side, call, happens });
  }

  async configuration(bucket: string): Promise<ReplicationConfiguration | undefined> {
    await this.#held?.over;
    return await this.#inner.configuration(bucket);
  }

  async session(request: SessionRequest): Promise<Session> {
    await this.#held?.over;
    const { fault } = this;
    this.fault = undefined;
    if (fault !== undefined) throw fault;
    const session = await this.#inner.session(request);
    this.#roleArn = request.roleArn;
    return {
      ...session,
      source: this.#watched("source", this.#detoured.source ?? session.source),
      destination: this.#watched("destination", this.#minting(this.#detoured.destination ?? session.destination)),
    };
  }

  traits(bucket: string) {
    return this.#inner.traits(bucket);
  }

  reader(bucket: string): Store {
    return this.#inner.reader(bucket);
  }

  publish(...told: Parameters<Sites["publish"]>): Promise<void> {
    return this.#inner.publish(...told);
  }

  async close(): Promise<void> {
    this.release();
    await this.#inner.close();
    await Promise.all(this.#detours.map((one) => one.close()));
  }

  #minting(store: Store): Store {
    if (!this.mintsIds) return store;
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "putObject") return member.bind(target) as unknown;
        return async (request: PutRequest, options?: CallOptions) => {
          const { replica } = request;
          const minted =
            replica === undefined ? {} : { replica: { ...replica, versionId: `their-own-${request.key}` } };
          return await target.putObject({ ...request, ...minted }, options);
        };
      },
    });
  }

  #watched(side: Side, store: Store): Store {
    if (this.#before.length === 0) return store;
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return async (...words: unknown[]) => {
          const at = this.#before.findIndex((one) => one.side === side && one.call === name);
          const [due] = at < 0 ? [] : this.#before.splice(at, 1);
          await due?.happens();
          return await Reflect.apply(member, target, words);
        };
      },
    });
  }
}
