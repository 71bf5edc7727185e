/** Metrics for Prometheus, and the points of the charts. Prometheus has no session: it shows the token, or nobody asks. */
import { Hono } from "hono";
import { z } from "zod";
import type { Series } from "../../monitor/series.ts";
import { sameSecret } from "../auth/secrets.ts";
import type { Route } from "./route.ts";

export interface Metering {
  /** What Prometheus reads, as it is now. */
  readonly text: () => Promise<string>;
  /** Anybody who reaches the port may read metrics. */
  readonly isPublic: boolean;
  readonly series: Pick<Series, "tell" | "latest">;
}

/** Prometheus's text format. */
const TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";

/** `/metrics` */
export function metricsRoutes(metering: Pick<Metering, "text" | "isPublic">, token: string): Hono {
  const app = new Hono();
  app.get("/metrics", async (c) => {
    const given = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
    if (!metering.isPublic && (given === undefined || !sameSecret(given, token))) {
      c.header("www-authenticate", "Bearer");
      return c.json({ error: "the token is missing or wrong" }, 401);
    }
    return c.body(await metering.text(), 200, { "content-type": TEXT_FORMAT, "cache-control": "no-store" });
  });
  return app;
}

const seriesQuery = z.object({ range: z.enum(["hour", "day"]).default("hour") });

/** `/series` */
export function seriesRoutes({ series }: Pick<Metering, "series">): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/series",
      access: "viewer",
      does: "Tells the figures of the last hour or day, step by step",
      query: seriesQuery,
      answers: "ToldSeries",
      run: (c) => c.json(series.tell(seriesQuery.parse(c.req.query()).range)),
    },
  ];
}
