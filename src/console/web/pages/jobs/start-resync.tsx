/** Starting a resync: what of a bucket is replicated again; counted first, so that nobody is surprised by how much it is. */
import { useEffect, useState } from "preact/hooks";
import type { ResyncProgress, ResyncRequest } from "../../../../engine/resync/model.ts";
import { beginResync, bucketsNow, get } from "../../api.ts";
import { overview } from "../../live.ts";
import { Button } from "../../parts/button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { CheckField, SelectField, TextField } from "../../parts/field.tsx";
import { Progress } from "../../parts/progress.tsx";
import { useAction, useResource } from "../../resource.ts";
import { route } from "../../route.ts";
import { tell } from "../../toasts.ts";
import { plural, sizeWords } from "../../words.ts";
import { requestWords } from "./job-words.ts";

interface StartProps {
  readonly onClose: () => void;
  readonly onStarted: () => void;
}

const LOOK_MS = 1500;

export function StartResync({ onClose, onStarted }: StartProps) {
  const { query } = route.value;
  const known = useResource("buckets", bucketsNow);
  const buckets = known.state === "ready" ? known.value.buckets : [];
  const [picked, setBucket] = useState(query["bucket"] ?? "");
  const bucket = picked === "" ? (buckets[0]?.bucket ?? "") : picked;
  const [failed, setFailed] = useState(true);
  const [code, setCode] = useState(query["code"] ?? "");
  const [untried, setUntried] = useState(false);
  const [prefix, setPrefix] = useState("");
  const [canary, setCanary] = useState("");
  const request: Omit<ResyncRequest, "dryRun"> = {
    bucket,
    failed,
    untried,
    ...(failed && code !== "" ? { failureCodes: [code] } : {}),
    ...(prefix === "" ? {} : { prefix }),
    ...(Number(canary) >= 1 ? { canary: Math.floor(Number(canary)) } : {}),
  };
  const asked = JSON.stringify({ ...request, canary: undefined });
  const [counted, setCounted] = useState<{ readonly of: string; readonly id: string } | undefined>(undefined);
  const count = useAction(async () => {
    const { canary: _, ...rest } = request;
    const job = await beginResync({ ...rest, dryRun: true });
    setCounted({ of: asked, id: job.id });
  });
  const start = useAction(async () => {
    await beginResync({ ...request, dryRun: false });
    tell("The resync has begun.", "good");
    onStarted();
    onClose();
  });
  const job = useJob(counted?.of === asked ? counted.id : undefined);
  const codes = (overview.value?.byReason ?? []).filter((one) => one.state === "FAILED");
  const reason =
    bucket === "" ? "Choose a bucket." : failed || untried ? undefined : "Choose what is replicated again.";
  return (
    <Dialog
      title="Resync"
      onClose={onClose}
      actions={
        <>
          <Button
            changes
            reason={reason}
            isBusy={count.isRunning || job?.state === "running"}
            onPress={() => void count.run()}
          >
            Count first
          </Button>
          <Button kind="primary" changes reason={reason} isBusy={start.isRunning} onPress={() => void start.run()}>
            {job?.state === "done" ? `Resync ${plural(foundIn(job), "task")}` : "Resync"}
          </Button>
        </>
      }
    >
      <p class="dim">Replicates again under the rules of now. What fails again is FAILED again, with its reason.</p>
      <SelectField
        label="Bucket"
        value={bucket}
        options={buckets.map((one) => ({ value: one.bucket, says: one.bucket }))}
        onPick={setBucket}
      />
      <CheckField label="What is FAILED" isOn={failed} onTurn={setFailed} />
      {failed ? (
        <SelectField
          label="For the reason"
          value={code}
          options={[
            { value: "", says: "any reason" },
            ...codes.map((one) => ({ value: one.code, says: `${one.title} (${one.tasks})` })),
          ]}
          onPick={setCode}
        />
      ) : null}
      <CheckField
        label="What was never tried"
        isOn={untried}
        onTurn={setUntried}
        hint="Versions without a status that a rule takes now: written before the rule, or left out by it then"
      />
      <TextField label="Only keys that begin with" value={prefix} onInput={setPrefix} placeholder="any" />
      <TextField
        label="Try so many first"
        type="number"
        value={canary}
        onInput={setCanary}
        hint="The rest follows only when all of these are COMPLETED; empty for all at once"
      />
      <div aria-live="polite">{job === undefined ? null : <Counted job={job} />}</div>
    </Dialog>
  );
}

function Counted({ job }: { readonly job: ResyncProgress }) {
  if (job.state === "running") return <Progress says="Counting" done={foundIn(job)} />;
  if (job.state !== "done") return <p class="job-error">It could not be counted: {job.error ?? job.state}</p>;
  const found = foundIn(job);
  return (
    <p class="counted">
      {found === 0
        ? `There is nothing that is ${requestWords(job.request)}.`
        : `${plural(found, "task")}, ${sizeWords(job.bytes)}: ${job.foundFailed} FAILED, ${job.foundUntried} never tried.`}
      {job.unreadable > 0 ? ` ${plural(job.unreadable, "version")} could not be read and would be passed over.` : ""}
    </p>
  );
}

function foundIn({ foundFailed, foundUntried }: ResyncProgress): number {
  return foundFailed + foundUntried;
}

/** How far a job is, asked for until it has ended: events may not come through. */
function useJob(id: string | undefined): ResyncProgress | undefined {
  const [asked, setAsked] = useState<ResyncProgress | undefined>(undefined);
  const job = asked?.id === id ? asked : undefined;
  const isOver = job !== undefined && job.state !== "running";
  useEffect(() => {
    if (id === undefined || isOver) return undefined;
    const look = () => void get<ResyncProgress>(`jobs/${encodeURIComponent(id)}`).then(setAsked, () => undefined);
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [id, isOver]);
  return job;
}
