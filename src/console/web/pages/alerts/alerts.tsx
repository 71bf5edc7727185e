/** Alerts: what is amiss for longer than it may be, what was; silences; and whether messages reach anybody. */
import "./alerts.css";
import { useState } from "preact/hooks";
import type { Alert, Severity } from "../../../../monitor/alerts/model.ts";
import type { AlertsAnswer, OutboxStanding } from "../../../routes/alerts.ts";
import { get, post, remove } from "../../api.ts";
import { nowMs } from "../../clock.ts";
import { alerts as told } from "../../live.ts";
import { Badge, type Tone } from "../../parts/badge.tsx";
import { Button, CopyButton } from "../../parts/button.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Empty, Loaded } from "../../parts/states.tsx";
import { Ago } from "../../parts/when.tsx";
import { useAction, useResource } from "../../resource.ts";
import { tell } from "../../toasts.ts";
import { clockWords, countWords, plural, spanWords } from "../../words.ts";
import { AcceptDialog } from "./accept.tsx";
import { SilenceDialog } from "./silence.tsx";

interface Tested {
  readonly tests: readonly { readonly sink: string; readonly error?: string }[];
}

export function Alerts() {
  const [silencing, setSilencing] = useState<Alert | undefined>(undefined);
  const [accepting, setAccepting] = useState<Alert | undefined>(undefined);
  const answer = useResource("alerts", (signal) => get<AlertsAnswer>("alerts", {}, signal));
  const test = useAction(async () => {
    const { tests } = await post<Tested>("alerts/test");
    const failed = tests.filter((one) => one.error !== undefined);
    for (const one of failed) tell(`${one.sink}: ${one.error}`, "bad");
    if (failed.length === 0) tell(`${plural(tests.length, "message")} sent.`, "good");
  });
  return (
    <>
      <div class="page-bar">
        <Button icon="alerts" changes isBusy={test.isRunning} onPress={() => void test.run()}>
          Send a test
        </Button>
      </div>
      <Loaded resource={answer} loading="Asking for alerts" failed="The alerts could not be listed">
        {({ alerts, outbox }) => (
          <div class="stack">
            <OutboxLine outbox={outbox} />
            <Listed
              alerts={told.value ?? alerts}
              onSilence={setSilencing}
              onAccept={setAccepting}
              onChanged={answer.reload}
            />
          </div>
        )}
      </Loaded>
      {silencing === undefined ? null : (
        <SilenceDialog alert={silencing} onClose={() => setSilencing(undefined)} onDone={answer.reload} />
      )}
      {accepting === undefined ? null : (
        <AcceptDialog alert={accepting} onClose={() => setAccepting(undefined)} onDone={answer.reload} />
      )}
    </>
  );
}

function OutboxLine({ outbox: { waiting, oldestAtMs, lastError, givenUp } }: { readonly outbox: OutboxStanding }) {
  if (waiting === 0 && givenUp === 0) return null;
  return (
    <p class="outbox" role="status">
      <Icon name="warn" size={18} />
      <span>
        {waiting === 0 ? null : (
          <>
            {plural(waiting, "message")} {waiting === 1 ? "waits" : "wait"} to be sent
            {oldestAtMs === undefined ? "" : `, the oldest for ${spanWords(nowMs.value - oldestAtMs)}`}.{" "}
          </>
        )}
        {givenUp === 0 ? null : <>{plural(givenUp, "message")} was refused for good. </>}
        {lastError === undefined ? null : <span class="outbox-error">Last: {lastError}</span>}
      </span>
    </p>
  );
}

interface ListedProps {
  readonly alerts: readonly Alert[];
  readonly onSilence: (alert: Alert) => void;
  /** Of documents that have drifted. */
  readonly onAccept: (alert: Alert) => void;
  readonly onChanged: () => void;
}

const GROUPS = [
  { state: "firing", title: "Now" },
  { state: "pending", title: "On the way: not for long enough yet" },
  { state: "resolved", title: "Over" },
] as const;

function Listed({ alerts, onSilence, onAccept, onChanged }: ListedProps) {
  if (alerts.length === 0) {
    return (
      <div class="card">
        <Empty title="Nothing is amiss" icon="check" tone="good">
          Alerts begin by themselves when something fails, falls behind or changes unasked.
        </Empty>
      </div>
    );
  }
  return (
    <>
      {GROUPS.map(({ state, title }) => {
        const own = alerts.filter((one) => one.state === state);
        if (own.length === 0) return null;
        return (
          <section key={state} class="card" aria-labelledby={`alerts-${state}`}>
            <header class="card-head">
              <h2 id={`alerts-${state}`}>{title}</h2>
              <span class="dim">{plural(own.length, "alert")}</span>
            </header>
            <ul>
              {own.map((one) => (
                <One key={one.id} alert={one} onSilence={onSilence} onAccept={onAccept} onChanged={onChanged} />
              ))}
            </ul>
          </section>
        );
      })}
    </>
  );
}

const TONES: Readonly<Record<Severity, Tone>> = { critical: "bad", warning: "warn", info: "info" };

function One({ alert, onSilence, onAccept, onChanged }: Omit<ListedProps, "alerts"> & { readonly alert: Alert }) {
  const {
    id,
    conditions,
    state,
    severity,
    title,
    says,
    counts,
    command,
    subject,
    sinceMs,
    resolvedAtMs,
    silencedUntilMs,
  } = alert;
  const end = useAction(async () => {
    await remove(`alerts/${encodeURIComponent(id)}/silence`);
    onChanged();
  });
  const isSilent = silencedUntilMs !== undefined && silencedUntilMs > nowMs.value;
  const figures = Object.entries(counts).filter(([, count]) => count > 0);
  return (
    <li class="alert">
      <div class="alert-head">
        <Badge tone={state === "resolved" ? "good" : TONES[severity]}>{state === "resolved" ? "over" : severity}</Badge>
        <h3>{title}</h3>
      </div>
      <p>{says}</p>
      <p class="alert-facts dim">
        <span>{subject}</span>
        {figures.map(([name, count]) => (
          <span key={name}>
            {countWords(count)} {nameWords(name)}
          </span>
        ))}
        <span>
          began <Ago atMs={sinceMs} />
        </span>
        {resolvedAtMs === undefined ? null : (
          <span>
            ended <Ago atMs={resolvedAtMs} />
          </span>
        )}
      </p>
      {state === "resolved" ? null : (
        <p class="command">
          <code>{command}</code>
          <CopyButton text={command} what="the command" />
        </p>
      )}
      {state === "resolved" ? null : (
        <div class="row">
          {isSilent ? (
            <>
              <Badge tone="dim" icon="pause">
                silent until {clockWords(silencedUntilMs)}
              </Badge>
              <Button size="small" changes isBusy={end.isRunning} onPress={() => void end.run()}>
                End the silence
              </Button>
            </>
          ) : (
            <Button size="small" icon="pause" changes onPress={() => onSilence(alert)}>
              Silence…
            </Button>
          )}
          {conditions.includes("drift") ? (
            <Button size="small" icon="check" changes onPress={() => onAccept(alert)}>
              Accept what is there…
            </Button>
          ) : null}
        </div>
      )}
    </li>
  );
}

/** `p99Seconds` → `p99 seconds` */
function nameWords(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
}
