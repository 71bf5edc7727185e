/** The frame around every page: bar, navigation, the page itself with its heading. Focus goes to the heading of a new page. */
import { useEffect, useRef, useState } from "preact/hooks";
import { isHelpOpen, SEARCH_ID } from "../keyboard.ts";
import { PAGES, type Page } from "../pages.ts";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { useAction } from "../resource.ts";
import { FIRST_PAGE, goTo, placeOf, route } from "../route.ts";
import { logOut } from "../session.ts";
import type { About, Session } from "../shapes.ts";
import { THEMES, theme } from "../theme.ts";
import { shortCount } from "../words.ts";
import { LinkState, LostLine } from "./link-state.tsx";
import { Mark } from "./mark.tsx";
import { Shortcuts } from "./shortcuts.tsx";

interface ShellProps {
  readonly about: About;
  readonly session: Session;
}

export function Shell({ about, session }: ShellProps) {
  const [isNavOpen, setNavOpen] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const pages = PAGES.filter((one) => one.isShown?.(about) ?? true);
  const asked = route.value.page;
  const page = pages.find((one) => one.path === asked) ?? pages.find((one) => one.path === FIRST_PAGE);
  const path = page?.path;
  const before = useRef(path);
  useEffect(() => {
    setNavOpen(false);
    document.title = page === undefined ? "Lockstep" : `${page.title} · Lockstep`;
    if (before.current !== path) {
      heading.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    before.current = path;
  }, [path, page]);
  const View = page?.view;
  return (
    <div class={isNavOpen ? "shell nav-open" : "shell"}>
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          heading.current?.focus();
        }}
      >
        Skip to the page
      </a>
      <Bar session={session} isNavOpen={isNavOpen} onNav={() => setNavOpen(!isNavOpen)} />
      <nav class="nav" id="nav" aria-label="Pages">
        <ul>
          {pages.map((one) => (
            <NavItem key={one.path} page={one} isHere={one.path === path} onGo={() => setNavOpen(false)} />
          ))}
        </ul>
        <p class="nav-foot">
          {about.version} · {about.mode}
        </p>
      </nav>
      <button
        type="button"
        class="nav-shade"
        aria-label="Close the navigation"
        tabIndex={-1}
        onClick={() => setNavOpen(false)}
      />
      <main class="content" id="content">
        <LostLine />
        <h1 ref={heading} tabIndex={-1}>
          {page?.title}
        </h1>
        {View === undefined ? null : <View />}
      </main>
      <Shortcuts about={about} />
    </div>
  );
}

function NavItem(props: { readonly page: Page; readonly isHere: boolean; readonly onGo: () => void }) {
  const { page, isHere, onGo } = props;
  const told = page.count?.();
  return (
    <li>
      <a href={placeOf(page.path)} aria-current={isHere ? "page" : undefined} onClick={onGo}>
        <Icon name={page.icon} />
        <span class="nav-title">{page.title}</span>
        {told === undefined || told.count === 0 ? null : (
          <span class="nav-count">
            {shortCount(told.count)}
            <span class="unseen"> {told.says}</span>
          </span>
        )}
      </a>
    </li>
  );
}

interface BarProps {
  readonly session: Session;
  readonly isNavOpen: boolean;
  readonly onNav: () => void;
}

function Bar({ session, isNavOpen, onNav }: BarProps) {
  const leaving = useAction(logOut);
  const turnTheme = () => {
    theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
  };
  return (
    <header class="bar">
      <button
        type="button"
        class="button quiet bare nav-button"
        aria-label="Pages"
        aria-expanded={isNavOpen}
        aria-controls="nav"
        onClick={onNav}
      >
        <Icon name="menu" />
      </button>
      <a class="bar-home" href={placeOf(FIRST_PAGE)} aria-label="Lockstep: overview">
        <Mark />
      </a>
      <Find />
      <div class="bar-end">
        <LinkState />
        <Button kind="quiet" icon={theme.value} label={`Colours: ${theme.value}`} onPress={turnTheme} />
        <span class="keys-button">
          <Button
            kind="quiet"
            icon="keys"
            label="Keys"
            onPress={() => {
              isHelpOpen.value = true;
            }}
          />
        </span>
        <span class="who" title={`${session.user}, ${session.role}`}>
          <Icon name="user" size={16} />
          <span class="who-name">{session.role}</span>
        </span>
        <Button
          kind="quiet"
          icon="leave"
          label="Log out"
          isBusy={leaving.isRunning}
          onPress={() => void leaving.run()}
        />
      </div>
    </header>
  );
}

/** Takes the beginning of a key, or `s3://bucket/key`. */
function Find() {
  const [text, setText] = useState("");
  const find = () => {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(text.trim()) ?? [];
    goTo(
      "objects",
      bucket === undefined ? { bucket: route.value.query["bucket"], prefix: text } : { bucket, prefix: key },
    );
  };
  return (
    <search class="find">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          find();
        }}
      >
        <label for={SEARCH_ID} class="unseen">
          Find a key
        </label>
        <Icon name="search" size={16} />
        <input
          id={SEARCH_ID}
          type="search"
          placeholder="Find a key"
          value={text}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
        <span class="find-key" aria-hidden="true">
          <kbd>/</kbd>
        </span>
      </form>
    </search>
  );
}
