/**
 * CloudTrail's event history: the management events of the last 90 days of one account, Region by Region. Data events, such
 * as replication's own calls, are in no history.
 *
 * @source aws-replication.md §9.3
 */
import { setTimeout as wait } from "node:timers/promises";
import type { CloudTrail } from "@aws-sdk/client-cloudtrail";
import { type AwsAccess, clientSettings } from "./access.ts";
import { AwsError, asked } from "./errors.ts";

export interface EventLookup {
  /** As CloudTrail knows it: the name of a bucket or role, the ARN of a key or managed policy. */
  readonly resourceName: string;
  readonly region: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the service gives at once. */
const PAGE_MAX = 50;
/** Five hundred changes of one thing are a history of their own. */
const PAGES_MAX = 10;
/** Two requests a second are allowed, in an account and Region. */
const THROTTLED_WAIT_MS = 600;
const TRIES_MAX = 8;

export class CloudTrailControl {
  readonly #access: AwsAccess;
  readonly #clients = new Map<string, Promise<CloudTrail>>();

  constructor(access: AwsAccess) {
    this.#access = access;
  }

  /** The events that name a resource, as JSON text, the oldest first. @throws AwsError */
  async events({ resourceName, region, fromMs, toMs }: EventLookup): Promise<string[]> {
    const found: string[] = [];
    const request = {
      LookupAttributes: [{ AttributeKey: "ResourceName" as const, AttributeValue: resourceName }],
      StartTime: new Date(fromMs),
      EndTime: new Date(toMs),
      MaxResults: PAGE_MAX,
    };
    let token: string | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const input = { ...request, ...(token === undefined ? {} : { NextToken: token }) };
      const { Events = [], NextToken } = await this.#patiently(async () => {
        const trail = await this.#trail(region);
        return await asked("cloudtrail", "LookupEvents", trail.lookupEvents(input));
      });
      found.push(...Events.flatMap((one) => one.CloudTrailEvent ?? []));
      token = NextToken;
      if (token === undefined) break;
    }
    return found.toReversed();
  }

  async close(): Promise<void> {
    for (const one of this.#clients.values()) (await one).destroy();
  }

  /** The error by which it throttles is not in its model. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await ask();
      } catch (error) {
        const isThrottled = error instanceof AwsError && error.code.startsWith("Throttling");
        if (!isThrottled || tries >= TRIES_MAX) throw error;
        await wait(THROTTLED_WAIT_MS * tries);
      }
    }
  }

  #trail(region: string): Promise<CloudTrail> {
    let client = this.#clients.get(region);
    if (client === undefined) {
      client = import("@aws-sdk/client-cloudtrail").then(
        (sdk) => new sdk.CloudTrail(clientSettings(this.#access, region)),
      );
      this.#clients.set(region, client);
    }
    return client;
  }
}
