/** Making something go wrong in the lab: which kind, which requests it meets, and how often. */
import { useState } from "preact/hooks";
import type { LabView, NewDisturbance } from "../../../lab-desk.ts";
import { post } from "../../api.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { SelectField, TextField } from "../../parts/field.tsx";

type Kind = NewDisturbance["kind"];

const KINDS: readonly { readonly value: Kind; readonly says: string }[] = [
  { value: "status", says: "Requests are answered with an error" },
  { value: "delay", says: "Requests are held back" },
  { value: "reset", says: "The connection breaks" },
  { value: "truncate", says: "Objects are cut off while they are read" },
  { value: "flip", says: "A bit is flipped while objects are read" },
  { value: "throttle", says: "Requests are throttled" },
  { value: "diskFull", says: "The disk is full" },
  { value: "clock", says: "The lab's clock is ahead" },
];

/** Kinds that meet some requests and not others. */
const SCOPED: ReadonlySet<Kind> = new Set<Kind>(["status", "delay", "reset", "truncate", "flip"]);

interface DisturbProps {
  readonly buckets: LabView["buckets"];
  readonly onClose: () => void;
  readonly onDone: () => void;
}

export function DisturbDialog({ buckets, onClose, onDone }: DisturbProps) {
  const [kind, setKind] = useState<Kind>("status");
  const [bucket, setBucket] = useState("");
  const [prefix, setPrefix] = useState("");
  const [operation, setOperation] = useState("");
  const [times, setTimes] = useState("10");
  const [figure, setFigure] = useState("503");
  const [service, setService] = useState<"s3" | "kms">("s3");
  const only = bucket === "" ? {} : { bucket };
  const scope = {
    ...only,
    ...(prefix === "" ? {} : { prefix }),
    ...(operation === "" ? {} : { operation }),
    times: Math.max(1, Math.floor(Number(times)) || 1),
  };
  const disturb = async () => {
    await post("lab/disturbances", disturbanceOf({ kind, scope, only, service, figure: Number(figure) || 0 }));
    onDone();
  };
  const pick = (next: Kind) => {
    setKind(next);
    setFigure(FIGURES[next]?.usual ?? "");
  };
  const asked = FIGURES[kind];
  return (
    <Confirm
      title="Make something go wrong"
      confirm="Make it go wrong"
      isDangerous
      reason={asked !== undefined && !/^-?\d+$/.test(figure) ? "A number is missing." : undefined}
      onConfirm={disturb}
      onClose={onClose}
    >
      <SelectField label="What" value={kind} options={KINDS} onPick={pick} />
      {asked === undefined ? null : (
        <TextField label={asked.label} type="number" value={figure} onInput={setFigure} {...hintOf(asked)} />
      )}
      {kind === "throttle" ? (
        <SelectField
          label="Service"
          value={service}
          options={[
            { value: "s3", says: "S3" },
            { value: "kms", says: "KMS" },
          ]}
          onPick={setService}
        />
      ) : null}
      {SCOPED.has(kind) || kind === "throttle" ? (
        <SelectField
          label="Bucket"
          value={bucket}
          options={[{ value: "", says: "every bucket" }, ...buckets.map(({ name }) => ({ value: name, says: name }))]}
          onPick={setBucket}
        />
      ) : null}
      {SCOPED.has(kind) ? (
        <>
          <TextField label="Only keys that begin with" value={prefix} onInput={setPrefix} placeholder="any" />
          <TextField
            label="Only the operation"
            value={operation}
            onInput={setOperation}
            placeholder="any, such as PutObject"
          />
          <TextField label="How many requests" type="number" value={times} onInput={setTimes} />
        </>
      ) : null}
      <p class="dim">It lasts until it is used up or taken back, and not longer than the lab runs.</p>
    </Confirm>
  );
}

interface Figure {
  readonly label: string;
  readonly usual: string;
  readonly hint?: string;
}

/** The number that each kind asks for. */
const FIGURES: Readonly<Partial<Record<Kind, Figure>>> = {
  status: { label: "HTTP status", usual: "503", hint: "500 to 599: the store's own trouble" },
  delay: { label: "Milliseconds", usual: "2000" },
  truncate: { label: "After so many bytes", usual: "100" },
  flip: { label: "At which byte", usual: "0" },
  throttle: { label: "Requests per second that pass", usual: "5" },
  clock: { label: "Milliseconds ahead", usual: "900000", hint: "Signatures are refused from 15 minutes on" },
};

function hintOf({ hint }: Figure): { readonly hint?: string } {
  return hint === undefined ? {} : { hint };
}

interface Given {
  readonly kind: Kind;
  readonly scope: {
    readonly bucket?: string;
    readonly prefix?: string;
    readonly operation?: string;
    readonly times: number;
  };
  readonly only: { readonly bucket?: string };
  readonly service: "s3" | "kms";
  readonly figure: number;
}

function disturbanceOf({ kind, scope, only, service, figure }: Given): NewDisturbance {
  switch (kind) {
    case "status":
      return { kind, status: figure, ...scope };
    case "delay":
      return { kind, delayMs: figure, ...scope };
    case "reset":
      return { kind, when: "before", ...scope };
    case "truncate":
    case "flip":
      return { kind, at: figure, ...scope };
    case "throttle":
      return { kind, service, requestsPerSecond: figure, ...only };
    case "diskFull":
      return { kind };
    case "clock":
      return { kind, offsetMs: figure };
  }
}
