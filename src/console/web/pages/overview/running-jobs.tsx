/** Resyncs under way. */
import type { ResyncProgress } from "../../../../engine/resync/model.ts";
import { Badge } from "../../parts/badge.tsx";
import { Progress } from "../../parts/progress.tsx";
import { countWords } from "../../words.ts";

export function RunningJobs({ jobs }: { readonly jobs: readonly ResyncProgress[] }) {
  if (jobs.length === 0) return null;
  return (
    <section class="card" aria-labelledby="running-jobs">
      <header class="card-head">
        <h2 id="running-jobs">Resyncs under way</h2>
      </header>
      <ul class="card-body stack">
        {jobs.map((one) => (
          <li key={one.id} class="running-job">
            <Progress
              says={`${one.bucket}${one.dryRun ? ", a dry run" : ""}: ${STAGES[one.stage]}`}
              done={one.completed + one.failed}
              total={one.foundFailed + one.foundUntried}
            />
            <span class="row">
              {one.state === "paused" ? (
                <Badge tone="warn" icon="pause">
                  paused
                </Badge>
              ) : null}
              {one.failed > 0 ? <Badge tone="bad">{countWords(one.failed)} FAILED again</Badge> : null}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const STAGES: Readonly<Record<ResyncProgress["stage"], string>> = {
  canary: "the canary goes first",
  listing: "listing what there is",
  finishing: "replicating what was listed",
};
