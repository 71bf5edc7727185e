/** S3 Batch Operations put together: the table of jobs, the runner that works them off, and the skin. */
import type { S3Service } from "../s3/service.ts";
import { openJobs } from "./jobs.ts";
import { Runner } from "./runner.ts";
import { openJobSessions } from "./session.ts";
import { type ControlSkin, createControlSkin } from "./skin/skin.ts";
import { openTasks } from "./tasks.ts";

export interface Batch {
  readonly skin: ControlSkin;
  readonly runner: Pick<Runner, "start" | "step" | "stop">;
}

export function createBatch(
  s3: S3Service,
  options: { readonly clock: () => number; readonly onFault: (error: unknown) => void },
): Batch {
  const { clock, onFault } = options;
  const jobs = openJobs(s3.database, clock);
  const tasks = openTasks(s3.database);
  const runner = new Runner({ s3, jobs, tasks, sessions: openJobSessions(s3, clock), clock, onFault });
  return { runner, skin: createControlSkin({ s3, jobs, wake: () => runner.wake() }) };
}
