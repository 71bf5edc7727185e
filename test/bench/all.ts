/**
 * Measures, each figure beside a floor of the same run: `node dist/test/bench/all.js [lab] [latency] [engine] [policies] [ledger] [logs] [trail] [diagnosis] [audit] [cluster]`.
 *
 * Machines are noisy: compare ratios of one run, not figures of two.
 */
import { cpus } from "node:os";
import { benchAudit } from "./audit.ts";
import { benchCluster } from "./cluster.ts";
import { benchDiagnosis } from "./diagnosis.ts";
import { benchEngine } from "./engine.ts";
import { benchLab } from "./lab.ts";
import { benchLatency } from "./latency.ts";
import { benchLedger } from "./ledger.ts";
import { benchLogs } from "./logs.ts";
import { benchPolicies } from "./policies.ts";
import { benchTrail } from "./trail.ts";

const BENCHES: Readonly<Record<string, () => Promise<void> | void>> = {
  policies: benchPolicies,
  lab: benchLab,
  latency: benchLatency,
  engine: benchEngine,
  ledger: benchLedger,
  logs: benchLogs,
  trail: benchTrail,
  cluster: benchCluster,
  diagnosis: benchDiagnosis,
  audit: benchAudit,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => BENCHES[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(`there is no bench ${unknown.join(", ")}: choose of ${Object.keys(BENCHES).join(", ")}\n`);
  process.exit(2);
}
const [cpu] = cpus();
process.stdout.write(`node ${process.version}, ${cpus().length} × ${cpu?.model ?? "unknown"}\n`);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length === 0 || wanted.includes(name)) await bench();
}
