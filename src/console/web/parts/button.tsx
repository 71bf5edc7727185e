/** Buttons. One that may not be pressed can still be reached, and says why. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { cannotChange } from "../session.ts";
import { tell } from "../toasts.ts";
import { Icon, type IconName } from "./icon.tsx";

interface ButtonProps {
  readonly kind?: "primary" | "danger" | "plain" | "quiet";
  readonly icon?: IconName;
  readonly onPress?: () => void;
  readonly isSubmit?: boolean;
  readonly isBusy?: boolean;
  /** Why it may not be pressed now. */
  readonly reason?: string | undefined;
  /** Whether only operators may press it. */
  readonly changes?: boolean;
  /** What it is called where no words stand on it. */
  readonly label?: string;
  readonly children?: ComponentChildren;
  readonly pressed?: boolean;
  readonly size?: "small";
}

export function Button(props: ButtonProps) {
  const { kind = "plain", icon, onPress, isSubmit, isBusy, changes, label, children, pressed, size } = props;
  const id = useId();
  const reason = (changes === true ? cannotChange.value : undefined) ?? props.reason;
  const isOff = reason !== undefined || isBusy === true;
  const button = (
    <button
      type={isSubmit === true ? "submit" : "button"}
      class={`button ${kind}${children === undefined ? " bare" : ""}${size === undefined ? "" : ` ${size}`}`}
      aria-disabled={isOff}
      aria-busy={isBusy === true}
      aria-label={label}
      aria-pressed={pressed}
      aria-describedby={reason === undefined ? undefined : id}
      title={reason ?? label}
      onClick={(event) => {
        if (isOff) event.preventDefault();
        else onPress?.();
      }}
    >
      {isBusy === true ? <span class="spinner" /> : icon === undefined ? null : <Icon name={icon} size={16} />}
      {children}
    </button>
  );
  if (reason === undefined) return button;
  return (
    <span class="button-off">
      {button}
      <span class="reason" id={id} role="tooltip">
        {reason}
      </span>
    </span>
  );
}

export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <Button
      kind="quiet"
      size="small"
      icon="copy"
      label={`Copy ${what}`}
      onPress={() =>
        void navigator.clipboard?.writeText(text).then(
          () => tell(`Copied ${what}.`),
          () => tell(`The browser did not let the page copy ${what}.`, "bad"),
        )
      }
    />
  );
}
