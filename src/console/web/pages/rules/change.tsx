/** Changing the rules: the text with its findings, a rehearsal of what it would do, and saving it over what it was made from. */
import { createTwoFilesPatch } from "diff";
import { useState } from "preact/hooks";
import type { DeskBucket, DeskRehearsal, DeskRules } from "../../../desk.ts";
import type { Work } from "../../../works.ts";
import { ApiError, beginWork, cancelWork, get, put } from "../../api.ts";
import { takeWork, works } from "../../live.ts";
import { Button } from "../../parts/button.tsx";
import { Confirm, Dialog } from "../../parts/dialog.tsx";
import { Code, Diff } from "../../parts/diff.tsx";
import { Progress } from "../../parts/progress.tsx";
import { Failed } from "../../parts/states.tsx";
import { useAction } from "../../resource.ts";
import { tell } from "../../toasts.ts";
import { plural } from "../../words.ts";
import { Editor } from "./editor.tsx";
import { Rehearsal } from "./rehearsal.tsx";

interface ChangeProps {
  readonly bucket: DeskBucket;
  readonly rules: DeskRules;
  readonly onChanged: () => void;
}

export function Change({ bucket, rules, onChanged }: ChangeProps) {
  const [draft, setDraft] = useState<Draft | undefined>(undefined);
  const [rehearsed, setRehearsed] = useState<string | undefined>(undefined);
  const rehearse = useAction(async () => {
    const changed = draft !== undefined && draft.text !== (rules.text ?? "") ? { text: draft.text } : {};
    const work = await beginWork({ kind: "rehearse", bucket: bucket.bucket, ...changed });
    takeWork(work);
    setRehearsed(work.id);
  });
  const work = rehearsed === undefined ? undefined : works.value.get(rehearsed);
  const begin = () => setDraft({ text: rules.text ?? "", base: rules.text ?? "", digest: rules.digest });
  const { cannot } = bucket;
  return (
    <section class="card" aria-labelledby="rules-text">
      <header class="card-head">
        <h2 id="rules-text">{draft === undefined ? "As it is written" : "A change"}</h2>
        <div class="row">
          <Button
            icon="play"
            reason={cannot.rehearse}
            isBusy={rehearse.isRunning || work?.state === "running"}
            onPress={() => void rehearse.run()}
          >
            Rehearse
          </Button>
          {draft === undefined ? (
            <Button kind="primary" changes reason={cannot.editRules} onPress={begin}>
              Change
            </Button>
          ) : null}
        </div>
      </header>
      <div class="card-body stack">
        {draft !== undefined ? (
          <Drafting
            bucket={bucket.bucket}
            draft={draft}
            form={rules.form}
            onDraft={setDraft}
            onEnd={() => setDraft(undefined)}
            onSaved={() => {
              setDraft(undefined);
              setRehearsed(undefined);
              onChanged();
            }}
          />
        ) : rules.text === null ? (
          <p class="dim">There is no configuration. Begin a change to write one.</p>
        ) : (
          <Code text={rules.text} label="the configuration" />
        )}
        {work === undefined ? null : <Rehearsing work={work as Work<DeskRehearsal>} />}
      </div>
    </section>
  );
}

interface Draft {
  readonly text: string;
  /** What it was made from, and what saving asks for. */
  readonly base: string;
  readonly digest: string;
}

interface DraftingProps {
  readonly bucket: string;
  readonly draft: Draft;
  readonly form: DeskRules["form"];
  readonly onDraft: (draft: Draft) => void;
  readonly onEnd: () => void;
  readonly onSaved: () => void;
}

function Drafting({ bucket, draft, form, onDraft, onEnd, onSaved }: DraftingProps) {
  const [found, setFound] = useState<{ readonly text: string; readonly errors: number } | undefined>(undefined);
  const [asking, setAsking] = useState<"save" | "drop" | undefined>(undefined);
  const [other, setOther] = useState<DeskRules | undefined>(undefined);
  const { text, base, digest } = draft;
  const reason = reasonAgainst(draft, found);
  const save = async () => {
    try {
      await put<DeskRules>("rules", { bucket, text, digest });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      setOther(await get<DeskRules>("rules", { bucket }));
      return;
    }
    tell("The rules are saved.", "good");
    onSaved();
  };
  return (
    <>
      <Editor bucket={bucket} text={text} onInput={(next) => onDraft({ ...draft, text: next })} onFound={setFound} />
      <div class="row end">
        <Button onPress={() => (text === base ? onEnd() : setAsking("drop"))}>Discard</Button>
        <Button kind="primary" changes reason={reason} onPress={() => setAsking("save")}>
          Save…
        </Button>
      </div>
      {asking === "save" ? (
        <Confirm
          title={`Save the rules of ${bucket}?`}
          confirm="Save the rules"
          isWide
          onConfirm={save}
          onClose={() => setAsking(undefined)}
        >
          <p>This becomes the bucket's replication configuration at once. What is written from then on follows it.</p>
          <Diff label="What is changed" text={patchOf(form, base, text)} />
        </Confirm>
      ) : null}
      {asking === "drop" ? (
        <Dialog
          title="Discard the change?"
          onClose={() => setAsking(undefined)}
          actions={
            <>
              <Button onPress={() => setAsking(undefined)}>Keep on writing</Button>
              <Button kind="danger" onPress={onEnd}>
                Discard the change
              </Button>
            </>
          }
        >
          <p>What you have typed is lost. The bucket's rules stay as they are.</p>
        </Dialog>
      ) : null}
      {other === undefined ? null : (
        <ChangedMeanwhile
          draft={draft}
          other={other}
          onDraft={(next) => {
            setOther(undefined);
            onDraft(next);
          }}
          onClose={() => setOther(undefined)}
        />
      )}
    </>
  );
}

/** Why a draft cannot be saved as it stands. */
function reasonAgainst(
  { text, base }: Draft,
  found: { readonly text: string; readonly errors: number } | undefined,
): string | undefined {
  if (text === base) return "Nothing is changed yet.";
  if (found?.text !== text) return "It is being checked.";
  return found.errors > 0 ? `It has ${plural(found.errors, "error")}: it would be refused.` : undefined;
}

interface ChangedProps {
  readonly draft: Draft;
  readonly other: DeskRules;
  readonly onDraft: (draft: Draft) => void;
  readonly onClose: () => void;
}

/** Somebody else has changed the rules: nothing was saved, and nobody's work is lost unseen. */
function ChangedMeanwhile({ draft, other, onDraft, onClose }: ChangedProps) {
  const theirs = other.text ?? "";
  return (
    <Dialog
      title="Somebody has changed the rules meanwhile"
      isWide
      onClose={onClose}
      actions={
        <>
          <Button onPress={() => onDraft({ text: theirs, base: theirs, digest: other.digest })}>Take theirs</Button>
          <Button kind="primary" onPress={() => onDraft({ ...draft, base: theirs, digest: other.digest })}>
            Go on with mine, over theirs
          </Button>
        </>
      }
    >
      <p>
        Nothing was saved. This is what they changed since you began; if you go on with yours, saving it takes that
        back.
      </p>
      <Diff label="What they changed" text={patchOf(other.form, draft.base, theirs)} />
    </Dialog>
  );
}

function patchOf(form: DeskRules["form"], before: string, after: string): string {
  const name = `replication.${form}`;
  return createTwoFilesPatch(name, name, before, after, undefined, undefined, { context: 3 }).replace(/^=+\n/, "");
}

function Rehearsing({ work }: { readonly work: Work<DeskRehearsal> }) {
  switch (work.state) {
    case "running":
      return (
        <div class="row">
          <Progress {...work.progress} />
          <Button size="small" onPress={() => void cancelWork(work.id).then(takeWork, () => undefined)}>
            Cancel
          </Button>
        </div>
      );
    case "done":
      return work.result === undefined ? null : <Rehearsal rehearsal={work.result} />;
    case "failed":
      return (
        <Failed what="The rehearsal could not be done" error={new Error(work.error ?? "It ended without a word.")} />
      );
    case "cancelled":
      return <p class="dim">The rehearsal was cancelled.</p>;
  }
}
