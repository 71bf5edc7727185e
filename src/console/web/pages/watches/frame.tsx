/** What pages of watches have around what was found: what they are about, and the way to look again. */
import "./watches.css";
import type { ComponentChildren } from "preact";
import { Button } from "../../parts/button.tsx";
import { Loaded } from "../../parts/states.tsx";
import type { Resource } from "../../resource.ts";
import type { WatchesAnswer } from "./watches.ts";

interface WatchFrameProps {
  readonly about: string;
  readonly watches: Resource<WatchesAnswer>;
  /** What the watches are called: `audits`. */
  readonly what: string;
  readonly children: (answer: WatchesAnswer) => ComponentChildren;
}

export function WatchFrame({ about, watches, what, children }: WatchFrameProps) {
  return (
    <>
      <div class="page-bar">
        <p class="dim">{about}</p>
        <span class="end">
          <Button icon="jobs" isBusy={watches.state === "ready" && watches.isStale} onPress={watches.reload}>
            Look again
          </Button>
        </span>
      </div>
      <Loaded resource={watches} loading={`Asking for ${what}`} failed={`The ${what} could not be listed`}>
        {(answer) => <div class="stack">{children(answer)}</div>}
      </Loaded>
    </>
  );
}
