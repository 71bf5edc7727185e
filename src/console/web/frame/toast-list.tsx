/** Messages in the corner. They are read out: what went wrong at once, the others when there is a pause. */
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { putAway, type Toast, toasts } from "../toasts.ts";

const ICONS = { good: "check", bad: "warn", plain: "info" } as const;

export function Toasts() {
  const bad = toasts.value.filter((one) => one.tone === "bad");
  const others = toasts.value.filter((one) => one.tone !== "bad");
  return (
    <div class="toasts">
      <div aria-live="assertive">
        {bad.map((one) => (
          <Shown key={one.id} toast={one} />
        ))}
      </div>
      <div aria-live="polite">
        {others.map((one) => (
          <Shown key={one.id} toast={one} />
        ))}
      </div>
    </div>
  );
}

function Shown({ toast: { id, tone, says } }: { readonly toast: Toast }) {
  return (
    <div class={`toast ${tone}`}>
      <Icon name={ICONS[tone]} />
      <p>{says}</p>
      <Button kind="quiet" size="small" icon="cross" label="Put away" onPress={() => putAway(id)} />
    </div>
  );
}
