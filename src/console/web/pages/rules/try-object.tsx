/** A box to try an object: what each rule says of it, and why. Nothing is written anywhere. */
import { useEffect, useState } from "preact/hooks";
import { sayChange, saySkip } from "../../../../core/diagnose/skips.ts";
import type { RuleOutcome, Verdict } from "../../../../core/eligibility.ts";
import type { TriedObject } from "../../../desk.ts";
import { post } from "../../api.ts";
import { Badge } from "../../parts/badge.tsx";
import { CheckField, SelectField, TextField } from "../../parts/field.tsx";
import { Icon } from "../../parts/icon.tsx";
import { type Resource, useResource } from "../../resource.ts";
import { sayError } from "../../toasts.ts";
import { bucketName } from "../../words.ts";
import { tagsIn } from "./selections.ts";

const ENCRYPTIONS: readonly { readonly value: TriedObject["encryption"]; readonly says: string }[] = [
  { value: "SSE-S3", says: "SSE-S3 (S3's own keys)" },
  { value: "SSE-KMS", says: "SSE-KMS" },
  { value: "DSSE-KMS", says: "DSSE-KMS" },
  { value: "SSE-C", says: "SSE-C (the customer's key)" },
  { value: "NOT-SSE", says: "none" },
];

const CLASSES = [
  "STANDARD",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER_IR",
  "GLACIER",
  "DEEP_ARCHIVE",
].map((value) => ({ value, says: value }));

/** So long nobody types. */
const REST_MS = 300;

interface Tried {
  readonly object: TriedObject;
  readonly verdict: Verdict;
}

export function TryObject({ bucket, digest }: { readonly bucket: string; readonly digest: string }) {
  const [key, setKey] = useState("docs/report.pdf");
  const [tags, setTags] = useState("");
  const [encryption, setEncryption] = useState<TriedObject["encryption"]>("SSE-S3");
  const [storageClass, setStorageClass] = useState("STANDARD");
  const [isDeleteMarker, setMarker] = useState(false);
  const object: TriedObject = {
    key,
    isDeleteMarker,
    tags: isDeleteMarker ? [] : tagsIn(tags),
    encryption,
    storageClass,
  };
  const tried = useRested(JSON.stringify(object));
  const verdict = useResource(key === "" ? undefined : `${bucket} ${digest} ${tried}`, async (): Promise<Tried> => {
    const asked = JSON.parse(tried) as TriedObject;
    return { object: asked, verdict: await post<Verdict>("rules/try", { bucket, object: asked }) };
  });
  return (
    <div class="try">
      <form class="try-form" onSubmit={(event) => event.preventDefault()}>
        <TextField label="Key" value={key} onInput={setKey} isRequired />
        <TextField
          label="Tags"
          value={tags}
          onInput={setTags}
          placeholder="team=red, kind=raw"
          hint={isDeleteMarker ? "Delete markers carry no tags" : "As they are when it is written"}
        />
        <SelectField label="Encryption" value={encryption} options={ENCRYPTIONS} onPick={setEncryption} />
        <SelectField label="Storage class" value={storageClass} options={CLASSES} onPick={setStorageClass} />
        <CheckField label="It is a delete marker" isOn={isDeleteMarker} onTurn={setMarker} />
      </form>
      <div class="try-answer" aria-live="polite">
        {key === "" ? <p class="dim">Type a key to see what the rules make of it.</p> : <Answer tried={verdict} />}
      </div>
    </div>
  );
}

/** What was said when nobody had typed for a while. */
function useRested(text: string): string {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}

function Answer({ tried }: { readonly tried: Resource<Tried> }) {
  switch (tried.state) {
    case "loading":
      return <p class="dim">Asking…</p>;
    case "failed":
      return <p class="wrong">{sayError(tried.error)}</p>;
    case "ready":
      return <Said tried={tried.value} />;
  }
}

function Said({ tried: { object, verdict } }: { readonly tried: Tried }) {
  const { taken, outcomes } = verdict;
  return (
    <>
      <p class={taken.length > 0 ? "verdict good" : "verdict"}>
        <Icon name={taken.length > 0 ? "check" : "info"} />
        {taken.length > 0 ? (
          <span>
            It is replicated to{" "}
            {taken.map((rule, at) => (
              <span key={rule.id}>
                {at === 0 ? "" : at === taken.length - 1 ? " and " : ", "}
                <strong>{bucketName(rule.destination.bucketArn)}</strong> by {rule.id}
              </span>
            ))}
            .
          </span>
        ) : (
          <span>No rule takes it: it stays where it is, and shows no status.</span>
        )}
      </p>
      <ul class="outcomes">
        {outcomes.map((one) => (
          <Outcome key={one.rule.id} outcome={one} object={object} />
        ))}
      </ul>
    </>
  );
}

function Outcome({ outcome, object }: { readonly outcome: RuleOutcome; readonly object: TriedObject }) {
  return (
    <li>
      <span class="row">
        <strong>{outcome.rule.id}</strong>
        {outcome.taken ? (
          <Badge tone="good">takes it</Badge>
        ) : (
          <Badge tone="dim" icon="cross">
            does not
          </Badge>
        )}
      </span>
      {outcome.taken ? null : (
        <>
          <p>{saySkip(outcome.because)}.</p>
          <p class="dim">{sayChange(outcome.because, object)}.</p>
        </>
      )}
    </li>
  );
}
