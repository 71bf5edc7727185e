/**
 * The way from a cause to nothing left: prove → apply → resync → undo. Each step shows its work as it goes and what came of it;
 * what changes something asks first and shows what will be done.
 */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Cause } from "../../../../core/diagnose/report.ts";
import type { Proof } from "../../../../doctor/prove.ts";
import type { ResyncProgress, ResyncRequest } from "../../../../engine/resync/model.ts";
import type { Applied, DeskBucket, DeskDiagnosis } from "../../../desk.ts";
import type { Work } from "../../../works.ts";
import { beginResync, beginWork, cancelWork } from "../../api.ts";
import { jobs, latestWork, takeWork } from "../../live.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { Progress } from "../../parts/progress.tsx";
import { useAction } from "../../resource.ts";
import { tell } from "../../toasts.ts";
import { countWords, plural } from "../../words.ts";
import { Patches } from "./patches.tsx";
import { ProofShown } from "./proof.tsx";

interface MendingProps {
  readonly bucket: DeskBucket;
  readonly cause: Cause;
  readonly diagnosis: DeskDiagnosis;
  readonly onApplied: () => void;
}

type Asked = "apply" | "resync" | "undo";

export function Mending({ bucket, cause, diagnosis, onApplied }: MendingProps) {
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const of = { bucket: bucket.bucket, causeId: cause.id };
  const proving = latestWork({ kind: "prove", ...of });
  const applying = latestWork({ kind: "apply", ...of });
  const undoing = latestWork({ kind: "undo", bucket: bucket.bucket });
  const proof = resultOf<Proof>(proving);
  const applied = resultOf<Applied>(applying);
  const undone = resultOf<{ readonly undone: string }>(undoing);
  const isUndone = applied !== undefined && undone?.undone === applied.undo;
  useEffect(() => {
    if (applied !== undefined || isUndone) onApplied();
  }, [applied, isUndone, onApplied]);
  const prove = useAction(async () => takeWork(await beginWork({ kind: "prove", ...of })));
  const nothing = cause.fix.patches.length === 0 ? "There is no patch: a person has to decide." : undefined;
  const lasting = cause.fix.patches.some(({ id }) => diagnosis.patches[id]?.isLasting === true);
  const close = () => setAsked(undefined);
  return (
    <>
      <ol class="mending">
        <Step number={1} title="Prove" says="Tries the patch in a lab in memory. Nothing is written." work={proving}>
          <Button
            size="small"
            isBusy={prove.isRunning || proving?.state === "running"}
            reason={nothing ?? bucket.cannot.fix}
            onPress={() => void prove.run()}
          >
            {proof === undefined ? "Prove" : "Prove again"}
          </Button>
        </Step>
        <Step number={2} title="Apply" says="Writes the change, and keeps what takes it back." work={applying}>
          <Button
            size="small"
            kind={proof?.verdict === "proven" && applied === undefined ? "primary" : "plain"}
            changes
            isBusy={applying?.state === "running"}
            reason={nothing ?? bucket.cannot.fix ?? applyReason(proof)}
            onPress={() => setAsked("apply")}
          >
            Apply…
          </Button>
        </Step>
        <Step number={3} title="Resync" says="Replicates again what this cause held back.">
          <Resynced bucket={bucket.bucket} cause={cause} />
          <Button
            size="small"
            kind={applied !== undefined && !isUndone ? "primary" : "plain"}
            changes
            reason={cause.fix.resync ? undefined : "Nothing has to be replicated again for this cause."}
            onPress={() => setAsked("resync")}
          >
            Resync…
          </Button>
        </Step>
        <Step number={4} title="Undo" says="Puts back what was there before." work={isUndone ? undoing : undefined}>
          <Button
            size="small"
            changes
            isBusy={undoing?.state === "running"}
            reason={undoReason(applied, isUndone, lasting)}
            onPress={() => setAsked("undo")}
          >
            Undo…
          </Button>
        </Step>
      </ol>
      <div class="came-of-it" aria-live="polite">
        {applied === undefined ? null : <AppliedShown applied={applied} isUndone={isUndone} />}
        {proof === undefined ? null : <ProofShown proof={proof} />}
      </div>
      {asked === "apply" ? (
        <Confirm
          title="Apply the change?"
          confirm="Apply"
          isDangerous={lasting}
          isWide
          onClose={close}
          onConfirm={async () => takeWork(await beginWork({ kind: "apply", ...of }))}
        >
          <p>
            It is proven once more, permissions are checked, the change is written and read back.{" "}
            {lasting ? "Part of it cannot be taken back." : "It can be taken back."}
          </p>
          <Patches patches={cause.fix.patches} shown={diagnosis.patches} />
        </Confirm>
      ) : null}
      {asked === "resync" ? <AskResync bucket={bucket.bucket} cause={cause} onClose={close} /> : null}
      {asked === "undo" && applied !== undefined ? (
        <Confirm
          title="Take the change back?"
          confirm="Undo"
          isDangerous
          onClose={close}
          onConfirm={async () => takeWork(await beginWork({ kind: "undo", bucket: bucket.bucket, id: applied.undo }))}
        >
          <p>
            {plural(applied.applied.length, "document")} will be as before it was applied. What is held back by this
            cause will fail again.
          </p>
        </Confirm>
      ) : null}
    </>
  );
}

function applyReason(proof: Proof | undefined): string | undefined {
  if (proof === undefined) return "Prove it first.";
  return proof.verdict === "refused"
    ? "The proof refused it: it heals nothing, or breaks what went before."
    : undefined;
}

function undoReason(applied: Applied | undefined, isUndone: boolean, isLasting: boolean): string | undefined {
  if (applied === undefined) return "Nothing was applied here. What was applied earlier stands below.";
  if (isUndone) return "It has been taken back.";
  return isLasting ? "This change cannot be taken back." : undefined;
}

function resultOf<Result>(work: Work | undefined): Result | undefined {
  return work?.state === "done" ? (work.result as Result | undefined) : undefined;
}

interface StepProps {
  readonly number: number;
  readonly title: string;
  readonly says: string;
  readonly work?: Work | undefined;
  readonly children: ComponentChildren;
}

function Step({ number, title, says, work, children }: StepProps) {
  const stop = useAction(async () => {
    if (work !== undefined) takeWork(await cancelWork(work.id));
  });
  return (
    <li class={work?.state === "done" ? "step done" : "step"}>
      <p class="step-title">
        <span class="step-number" aria-hidden="true">
          {number}
        </span>
        {title}
        {work?.state === "done" ? <Badge tone="good">done</Badge> : null}
        {work?.state === "cancelled" ? <Badge tone="dim">stopped</Badge> : null}
      </p>
      <p class="step-says">{says}</p>
      {work?.state === "running" ? (
        <>
          <Progress {...work.progress} />
          <Button size="small" icon="stop" isBusy={stop.isRunning} onPress={() => void stop.run()}>
            Stop
          </Button>
        </>
      ) : (
        <div class="step-do">{children}</div>
      )}
      {work?.state === "failed" ? (
        <p class="step-failed" role="alert">
          {work.error}
        </p>
      ) : null}
    </li>
  );
}

function AppliedShown({ applied, isUndone }: { readonly applied: Applied; readonly isUndone: boolean }) {
  const { undo, applied: written, leftOut, gone, left } = applied;
  return (
    <p class="row">
      <Badge tone={isUndone ? "dim" : "good"} icon={isUndone ? "undo" : "check"}>
        {isUndone ? "taken back" : "applied"}
      </Badge>
      <span>
        {plural(written.length, "change")} written{leftOut.length === 0 ? "" : `, ${leftOut.length} left out`};{" "}
        {plural(gone.length, "cause")} gone{left.length === 0 ? "" : `, ${left.length} left`}.
      </span>
      <span class="dim">
        The same from the command line: <code>lockstep fix --undo {undo}</code>
      </span>
    </p>
  );
}

/** The youngest resync of what this cause held back. */
function Resynced({ bucket, cause }: { readonly bucket: string; readonly cause: Cause }) {
  const job = (jobs.value ?? [])
    .filter((one) => one.bucket === bucket && isOf(one, cause))
    .toSorted((one, other) => other.createdAtMs - one.createdAtMs)[0];
  if (job === undefined) return null;
  const found = job.foundFailed + job.foundUntried;
  return (
    <div class="resynced">
      <Progress
        says={`${job.state}, ${countWords(job.completed)} COMPLETED`}
        done={job.completed + job.failed}
        total={found}
      />
      {job.failed > 0 ? <Badge tone="bad">{countWords(job.failed)} FAILED again</Badge> : null}
    </div>
  );
}

function isOf({ request }: ResyncProgress, { code, class: kind }: Cause): boolean {
  return kind === "eligibility" ? request.untried : request.failureCodes?.includes(code) === true;
}

interface AskResyncProps {
  readonly bucket: string;
  readonly cause: Cause;
  readonly onClose: () => void;
}

const CANARY = 10;

/** FAILED ones are known by their code; what no rule took carries none, and is found by walking the bucket. */
function AskResync({ bucket, cause, onClose }: AskResyncProps) {
  const isUntried = cause.class === "eligibility";
  const request: ResyncRequest = {
    bucket,
    failed: !isUntried,
    untried: isUntried,
    dryRun: false,
    canary: CANARY,
    ...(isUntried ? {} : { failureCodes: [cause.code] }),
  };
  return (
    <Confirm
      title="Replicate again?"
      confirm="Resync"
      onClose={onClose}
      onConfirm={async () => {
        await beginResync(request);
        tell("The resync has begun.", "good");
      }}
    >
      <p>
        {isUntried ? "What a rule takes now and was never tried" : `What is FAILED with ${cause.code}`} in {bucket} is
        replicated again: about {plural(cause.affected.versions, "version")}. {CANARY} of them go first; the others
        follow only when all of these are COMPLETED.
      </p>
    </Confirm>
  );
}
