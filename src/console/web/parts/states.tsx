/** What stands where nothing stands yet: loading, nothing there, and what went wrong with a way out. */
import type { ComponentChildren } from "preact";
import type { Resource } from "../resource.ts";
import { sayError } from "../toasts.ts";
import { Button } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";

export function Loading({ what = "Loading" }: { readonly what?: string }) {
  return (
    <div class="state loading" role="status">
      <span class="spinner" />
      {what}…
    </div>
  );
}

interface EmptyProps {
  readonly title: string;
  readonly icon?: IconName;
  readonly tone?: "good";
  readonly children?: ComponentChildren;
}

export function Empty({ title, icon = "info", tone, children }: EmptyProps) {
  return (
    <div class={`state empty${tone === undefined ? "" : ` ${tone}`}`}>
      <Icon name={icon} size={28} />
      <p class="state-title">{title}</p>
      {children === undefined ? null : <div class="state-says">{children}</div>}
    </div>
  );
}

interface FailedProps {
  readonly error: unknown;
  /** `The keys could not be listed` */
  readonly what?: string;
  readonly retry?: () => void;
}

export function Failed({ error, what = "This could not be loaded", retry }: FailedProps) {
  return (
    <div class="state failed" role="alert">
      <Icon name="warn" size={28} />
      <p class="state-title">{what}</p>
      <p class="state-says">{sayError(error)}</p>
      {retry === undefined ? null : (
        <Button icon="jobs" onPress={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

interface LoadedProps<Value> {
  readonly resource: Resource<Value>;
  /** `Loading the rules` */
  readonly loading?: string;
  readonly failed?: string;
  readonly children: (value: Value) => ComponentChildren;
}

/** Shows what a resource holds, or why there is nothing. */
export function Loaded<Value>({ resource, loading, failed, children }: LoadedProps<Value>) {
  switch (resource.state) {
    case "loading":
      return <Loading {...(loading === undefined ? {} : { what: loading })} />;
    case "failed":
      return (
        <Failed error={resource.error} retry={resource.reload} {...(failed === undefined ? {} : { what: failed })} />
      );
    case "ready":
      return <>{children(resource.value)}</>;
  }
}
