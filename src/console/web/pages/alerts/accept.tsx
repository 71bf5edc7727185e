/** Accepting configurations and policies that have changed unasked: what is there now is the known good from then on. */
import type { Alert } from "../../../../monitor/alerts/model.ts";
import { post } from "../../api.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { tell } from "../../toasts.ts";
import { plural } from "../../words.ts";

interface AcceptProps {
  readonly alert: Alert;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

export function AcceptDialog({ alert, onClose, onDone }: AcceptProps) {
  const accept = async () => {
    const { accepted } = await post<{ readonly accepted: number }>("alerts/accept");
    tell(`${plural(accepted, "document")} accepted. The alert ends with the next look.`, "good");
    onDone();
  };
  return (
    <Confirm title="Accept what is there now?" confirm="Accept" onConfirm={accept} onClose={onClose}>
      <p>
        <strong>{alert.title}</strong>
      </p>
      <p>{alert.says}</p>
      <p class="dim">
        Every configuration and policy that is watched here counts as it was last seen, not only this one. An alert
        comes again when one of them changes after that.
      </p>
    </Confirm>
  );
}
