/** Reports of watches: the files that remembered results name, and no others. */
import { readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { z } from "zod";
import { remembered } from "../../monitor/history.ts";
import { ApiError } from "../errors.ts";
import { REPORT_POLICY } from "../headers.ts";
import type { ConsoleOptions } from "../options.ts";
import type { Route } from "./route.ts";

const reportQuery = z.object({ path: z.string().min(1) });
/** What is shown of a report that is a directory, as an audit's is. */
const PAGE_FILE = "report.html";
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
        const file = isNamed ? await fileOf(path) : undefined;
        if (file === undefined) throw new ApiError(404, `there is no report ${path} on this machine`);
        if (file.sizeBytes > BYTES_MAX) {
          throw new ApiError(413, `the report has ${file.sizeBytes} bytes: open ${file.path} itself`);
        }
        return c.body(new Uint8Array(await readFile(file.path)), 200, {
          "content-type": TYPES[extname(file.path)] ?? "text/plain; charset=utf-8",
          "content-security-policy": REPORT_POLICY,
        });
      },
    },
  ];
}

/** Undefined where it is not on this machine. */
async function fileOf(path: string): Promise<{ readonly path: string; readonly sizeBytes: number } | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return path.endsWith(PAGE_FILE) ? undefined : fileOf(join(path, PAGE_FILE));
  return found === undefined ? undefined : { path, sizeBytes: found.size };
}
