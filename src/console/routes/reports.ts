/** Reports of watches: the files that remembered results name, and no others. */
import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { z } from "zod";
import { remembered } from "../../monitor/history.ts";
import { ApiError } from "../errors.ts";
import { REPORT_POLICY } from "../headers.ts";
import type { ConsoleOptions } from "../options.ts";
import type { Route } from "./route.ts";

const reportQuery = z.object({ path: z.string().min(1) });
const BYTES_MAX = 64 * 1024 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".json": "application/json",
  ".csv": "text/csv; charset=utf-8",
};

export function reportRoutes({ ledger }: Pick<ConsoleOptions, "ledger">): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/watches/report",
      access: "viewer",
      does: "Shows the whole report of a watch, by the path that its result names",
      query: reportQuery,
      answers: "the file",
      run: async (c) => {
        const { path } = reportQuery.parse(c.req.query());
        const isNamed = (await remembered(ledger)).some((one) => one.report === path);
        const size = isNamed ? (await stat(path).catch(() => undefined))?.size : undefined;
        if (size === undefined) throw new ApiError(404, `there is no report ${path} on this machine`);
        if (size > BYTES_MAX) throw new ApiError(413, `the report has ${size} bytes: open ${path} itself`);
        return c.body(new Uint8Array(await readFile(path)), 200, {
          "content-type": TYPES[extname(path)] ?? "text/plain; charset=utf-8",
          "content-security-policy": REPORT_POLICY,
        });
      },
    },
  ];
}
