/** The lab's own calls on webhooks, which events of buckets can go to. */
import { z } from "zod";
import { webhookArn } from "../s3/events/webhooks.ts";
import type { Route } from "./route.ts";

const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  token: z.string().min(1).optional(),
});

export const WEBHOOK_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: /^webhooks$/,
    run: ({ s3 }) => s3.webhooks.all().map((one) => ({ ...one, arn: webhookArn(one.name) })),
  },
  {
    method: "PUT",
    path: /^webhooks\/([A-Za-z0-9_-]{1,80})$/,
    async run({ s3 }, [name = ""], body) {
      const { url, token } = webhook.parse(body);
      await s3.webhooks.put({ name, url, ...(token === undefined ? {} : { token }) });
      return { arn: webhookArn(name) };
    },
  },
  {
    method: "DELETE",
    path: /^webhooks\/([A-Za-z0-9_-]{1,80})$/,
    async run({ s3 }, [name = ""]) {
      await s3.webhooks.remove(name);
      return {};
    },
  },
];
