/** A state as a sign, a colour and a word: the colour never says anything alone. */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon.tsx";

export type Tone = "good" | "bad" | "warn" | "info" | "dim";

const ICONS: Readonly<Record<Tone, IconName>> = {
  good: "check",
  bad: "cross",
  warn: "warn",
  info: "info",
  dim: "clock",
};

interface BadgeProps {
  readonly tone: Tone;
  readonly icon?: IconName;
  readonly children: ComponentChildren;
}

export function Badge({ tone, icon, children }: BadgeProps) {
  return (
    <span class={`badge tone-${tone}`}>
      <Icon name={icon ?? ICONS[tone]} size={13} />
      {children}
    </span>
  );
}

/** Statuses of versions and tasks, in AWS's words. */
const STATUSES: Readonly<Record<string, { readonly tone: Tone; readonly icon: IconName; readonly word: string }>> = {
  completed: { tone: "good", icon: "check", word: "COMPLETED" },
  failed: { tone: "bad", icon: "cross", word: "FAILED" },
  pending: { tone: "info", icon: "clock", word: "PENDING" },
  replica: { tone: "good", icon: "copy", word: "REPLICA" },
  none: { tone: "dim", icon: "info", word: "no status" },
  unreadable: { tone: "warn", icon: "warn", word: "not readable" },
};

export function StatusBadge({ status }: { readonly status: string }) {
  const { tone, icon, word } = STATUSES[status.toLowerCase()] ?? { tone: "dim", icon: "info", word: status };
  return (
    <Badge tone={tone} icon={icon}>
      {word}
    </Badge>
  );
}
