/** Dialogs: the browser's own, which keeps the focus within, closes on Escape and gives the focus back. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useAction } from "../resource.ts";
import { Button } from "./button.tsx";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly isWide?: boolean;
}

/** Open as long as it is rendered. */
export function Dialog({ title, onClose, children, actions, isWide }: DialogProps) {
  const id = useId();
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={isWide === true ? "dialog wide" : "dialog"}
      aria-labelledby={id}
      onClose={onClose}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" icon="cross" label="Close" onPress={onClose} />
      </header>
      <div class="dialog-body">{children}</div>
      {actions === undefined ? null : <footer class="dialog-actions">{actions}</footer>}
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  /** What stands on the button: what is done, and not "OK". */
  readonly confirm: string;
  readonly isDangerous?: boolean;
  /** Why it cannot be done as it stands. */
  readonly reason?: string | undefined;
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly isWide?: boolean;
}

/** Asks before something is done that others notice, and shows what will be done. Closes when it has begun. */
export function Confirm(props: ConfirmProps) {
  const { title, confirm, isDangerous, reason, onConfirm, onClose, children, isWide } = props;
  const action = useAction(onConfirm);
  const press = async () => {
    if (await action.run()) onClose();
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      isWide={isWide === true}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button
            kind={isDangerous === true ? "danger" : "primary"}
            isBusy={action.isRunning}
            reason={reason}
            changes
            onPress={() => void press()}
          >
            {confirm}
          </Button>
        </>
      }
    >
      {children}
    </Dialog>
  );
}
