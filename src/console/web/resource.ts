/** What is asked of the server for a part of the page: loading, there, or not to be had. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { sayError, tell } from "./toasts.ts";

export type Resource<Value> = {
  readonly reload: () => void;
} & (
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly error: unknown }
  /** `isStale`: it is being asked for again. */
  | { readonly state: "ready"; readonly value: Value; readonly isStale: boolean }
);

type Held<Value> = { readonly of: string } & (
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly error: unknown }
  | { readonly state: "ready"; readonly value: Value; readonly isStale: boolean }
);

/**
 * @param name  of what is asked for: another name asks anew and shows nothing of the old; undefined asks for nothing
 * @param load  called again when the name changes or `reload` is called
 */
export function useResource<Value>(
  name: string | undefined,
  load: (signal: AbortSignal) => Promise<Value>,
): Resource<Value> {
  const [held, setHeld] = useState<Held<Value>>({ of: "", state: "loading" });
  const [turn, setTurn] = useState(0);
  const loading = useRef(load);
  loading.current = load;
  // A new turn asks again.
  useEffect(() => {
    if (name === undefined) return undefined;
    const over = new AbortController();
    setHeld((was) =>
      was.of === name && was.state === "ready" ? { ...was, isStale: true } : { of: name, state: "loading" },
    );
    loading.current(over.signal).then(
      (value) => {
        if (!over.signal.aborted) setHeld({ of: name, state: "ready", value, isStale: false });
      },
      (error: unknown) => {
        if (!over.signal.aborted) setHeld({ of: name, state: "failed", error });
      },
    );
    return () => over.abort();
  }, [name, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return held.of === name ? { ...held, reload } : { state: "loading", reload };
}

/** Something that a person does and that takes a while: one at a time; what goes wrong is told. */
export function useAction<Given extends unknown[]>(
  act: (...given: Given) => Promise<unknown>,
): { readonly isRunning: boolean; readonly run: (...given: Given) => Promise<boolean> } {
  const [isRunning, setRunning] = useState(false);
  const run = async (...given: Given) => {
    if (isRunning) return false;
    setRunning(true);
    try {
      await act(...given);
      return true;
    } catch (error) {
      tell(sayError(error), "bad");
      return false;
    } finally {
      setRunning(false);
    }
  };
  return { isRunning, run };
}
