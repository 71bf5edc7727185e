/** What stands on the page: the way in, or the console. */
import { useEffect } from "preact/hooks";
import { Entrance } from "./frame/entrance.tsx";
import { Shell } from "./frame/shell.tsx";
import { Toasts } from "./frame/toast-list.tsx";
import { Failed, Loading } from "./parts/states.tsx";
import { enter, entry } from "./session.ts";

const RETRY_MS = 4000;

export function App() {
  return (
    <>
      <Content />
      <Toasts />
    </>
  );
}

function Content() {
  const now = entry.value;
  switch (now.state) {
    case "asking":
      return (
        <main class="entrance">
          <Loading what="Opening the console" />
        </main>
      );
    case "lost":
      return <Lost says={now.says} />;
    case "out":
      return <Entrance {...(now.says === undefined ? {} : { says: now.says })} />;
    case "in":
      return <Shell about={now.about} session={now.session} />;
  }
}

function Lost({ says }: { readonly says: string }) {
  useEffect(() => {
    const timer = setTimeout(() => void enter(), RETRY_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <main class="entrance">
      <Failed what="The console cannot be opened" error={new Error(says)} retry={() => void enter()} />
    </main>
  );
}
