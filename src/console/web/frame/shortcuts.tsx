/** The keys, told in a dialog. */
import { isHelpOpen } from "../keyboard.ts";
import { PAGES } from "../pages.ts";
import { Dialog } from "../parts/dialog.tsx";
import type { About } from "../shapes.ts";

export function Shortcuts({ about }: { readonly about: About }) {
  if (!isHelpOpen.value) return null;
  const pages = PAGES.filter((one) => one.isShown?.(about) ?? true);
  return (
    <Dialog
      title="Keys"
      onClose={() => {
        isHelpOpen.value = false;
      }}
    >
      <dl class="keys">
        <dt>
          <kbd>/</kbd>
        </dt>
        <dd>Find a key</dd>
        <dt>
          <kbd>?</kbd>
        </dt>
        <dd>Show these keys</dd>
        <dt>
          <kbd>Esc</kbd>
        </dt>
        <dd>Close a dialog</dd>
        {pages.map((one) => (
          <>
            <dt key={one.path}>
              <kbd>g</kbd> <kbd>{one.letter}</kbd>
            </dt>
            <dd>{one.title}</dd>
          </>
        ))}
      </dl>
    </Dialog>
  );
}
