/**
 * Measures `lockstep run` between two gateways of Ceph, beside rclone, beside Ceph's own replication, and beside what the
 * gateways can do at all: `node dist/test/bench/stores/all.js [small] [many] [medium] [large] [lag] [backlog] [audit] [multisite]`.
 *
 * Needs Debian's radosgw, ceph-mon, ceph-osd, ceph-common and rclone. Compare ratios of one run, not figures of two.
 */
import { benchAuditing } from "./auditing.ts";
import { benchBacklog } from "./backlog.ts";
import { benchCopying, SHAPES } from "./copying.ts";
import { benchLag } from "./lag.ts";
import { benchMultisite } from "./multisite.ts";

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  ...Object.fromEntries(Object.keys(SHAPES).map((name) => [name, () => benchCopying(name)])),
  lag: benchLag,
  backlog: benchBacklog,
  audit: benchAuditing,
  multisite: benchMultisite,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => PARTS[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`there is no part ${unknown.join(", ")}: choose of ${Object.keys(PARTS).join(", ")}\n`);
  process.exit(2);
}
for (const [name, part] of Object.entries(PARTS)) {
  if (wanted.length === 0 || wanted.includes(name)) await part();
}
