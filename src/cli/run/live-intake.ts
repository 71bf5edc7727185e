/** The live way in of `run`: webhooks and queues, put together with what they mark. */
import { SqsQueue } from "../../aws/sqs.ts";
import type { NotifiedChanges } from "../../engine/notifications/notified-changes.ts";
import { QueueIntake } from "../../engine/notifications/queue-intake.ts";
import { NotificationReceiver } from "../../engine/notifications/receiver.ts";
import type { Clock } from "../../engine/ports.ts";
import type { QueueSettings, RunSettings } from "../config/settings.ts";
import { siteCredentials } from "./credentials.ts";
import type { StoreSites } from "./store-sites.ts";
import { openWebhooks } from "./webhooks.ts";

export interface LiveIntakeOptions {
  readonly settings: RunSettings;
  readonly changes: NotifiedChanges;
  readonly sites: Pick<StoreSites, "nameOf">;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly onTrouble: (says: string) => void;
  readonly onBroken: (error: unknown) => void;
}

export interface LiveIntake {
  readonly webhookUrls: readonly string[];
  close(): Promise<void>;
}

/** @throws AccessError when a port cannot be listened on */
export async function openLiveIntake(options: LiveIntakeOptions): Promise<LiveIntake> {
  const { settings, changes, sites, environment, clock, onTrouble, onBroken } = options;
  const nameOf = (site: string, bucket: string) => sites.nameOf(site, bucket);
  const receiver = new NotificationReceiver({ changes, nameOf, onTrouble });
  const webhooks = await openWebhooks({ webhooks: settings.webhooks, receiver, clock, onTrouble });
  const stop = new AbortController();
  const queues = settings.queues.map((one) => openQueue(one, environment, clock));
  const taking = settings.queues.map(async ({ site, url }, index) => {
    const queue = queues[index];
    if (queue === undefined) return;
    const sender = { name: `queue ${url}`, site };
    await new QueueIntake({ queue, receiver, sender, clock, onTrouble }).run(stop.signal).catch(onBroken);
  });
  return {
    webhookUrls: webhooks.urls,
    close: async () => {
      stop.abort();
      await webhooks.close();
      // What waits in vain for a store is not waited for; its sender has it still.
      changes.close();
      await Promise.all(taking);
      await Promise.all(queues.map((one) => one.close()));
    },
  };
}

export function openQueue(
  { site, url, region, credentials }: QueueSettings,
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): SqsQueue {
  const source = siteCredentials(site, credentials, { environment, clock: () => clock.nowMs() });
  const { origin, hostname } = new URL(url);
  const endpoint = /\.amazonaws\.com(\.cn)?$/.test(hostname) ? {} : { endpoint: origin };
  return new SqsQueue({ region, credentials: source, ...endpoint }, url);
}
