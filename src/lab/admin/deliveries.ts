/** The lab's own calls on what it delivers: access logs, trails, inventories. */
import { z } from "zod";
import type { AdminWorld, Route } from "./route.ts";

const INTERVAL_MS_MIN = 10;
const INTERVAL_MS_MAX = 3_600_000;

const interval = z.strictObject({ intervalMs: z.int().min(INTERVAL_MS_MIN).max(INTERVAL_MS_MAX) });
const inventory = z.strictObject({ id: z.string().min(1) });

export const DELIVERY_ROUTES: readonly Route[] = [
  { method: "GET", path: /^deliveries$/, run: show },
  {
    method: "PUT",
    path: /^deliveries$/,
    run(world, _names, body) {
      world.deliveries.intervalMs = interval.parse(body).intervalMs;
      return show(world);
    },
  },
  {
    method: "POST",
    path: /^deliveries$/,
    async run(world) {
      await world.deliveries.now();
      return show(world);
    },
  },
  {
    method: "POST",
    path: /^buckets\/([^/]+)\/inventory$/,
    run: (world, [bucket = ""], body) => world.inventories.run(bucket, inventory.parse(body).id),
  },
];

function show({ deliveries }: AdminWorld) {
  return { intervalMs: deliveries.intervalMs };
}
