/** Silencing an alert: for how long, and why, which whoever comes next reads. */

import { useState } from "preact/hooks";
import type { Alert } from "../../../../monitor/alerts/model.ts";
import { post } from "../../api.ts";
import { nowMs } from "../../clock.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { Choice, TextField } from "../../parts/field.tsx";
import { clockWords } from "../../words.ts";

const HOUR_MS = 3_600_000;
const SPANS = [
  { value: "1", says: "1 hour" },
  { value: "4", says: "4 hours" },
  { value: "24", says: "1 day" },
  { value: "168", says: "1 week" },
] as const;

type Hours = (typeof SPANS)[number]["value"];

interface SilenceProps {
  readonly alert: Alert;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

export function SilenceDialog({ alert, onClose, onDone }: SilenceProps) {
  const [hours, setHours] = useState<Hours>("4");
  const [why, setWhy] = useState("");
  const untilMs = Math.round(nowMs.value + Number(hours) * HOUR_MS);
  const silence = async () => {
    await post(`alerts/${encodeURIComponent(alert.id)}/silence`, { untilMs, why: why.trim() });
    onDone();
  };
  return (
    <Confirm
      title="Silence the alert?"
      confirm={`Silence until ${clockWords(untilMs)}`}
      reason={why.trim() === "" ? "Say why: whoever comes next reads it." : undefined}
      onConfirm={silence}
      onClose={onClose}
    >
      <p>
        <strong>{alert.title}</strong>
      </p>
      <p class="dim">
        No message is sent of it until then. It goes on being shown here, and what is wrong stays wrong.
      </p>
      <Choice label="For how long" value={hours} options={SPANS} onPick={setHours} />
      <TextField
        label="Why"
        value={why}
        onInput={setWhy}
        placeholder="the destination is being moved until Tuesday"
        isRequired
      />
    </Confirm>
  );
}
