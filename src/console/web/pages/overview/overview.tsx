/** The first page: what needs a person, how everything stands, the map of flows, and the last hour or day. */
import type { Overview as Standing } from "../../../overview.ts";
import { alerts, jobs, link, overview } from "../../live.ts";
import { PAGES } from "../../pages.ts";
import { Icon } from "../../parts/icon.tsx";
import { Failed, Loading } from "../../parts/states.tsx";
import { needsOf } from "./attention.ts";
import { Engines } from "./engines.tsx";
import { Figures } from "./figures.tsx";
import { FlowMap } from "./flow-map.tsx";
import "./overview.css";
import { Past } from "./past.tsx";
import { PublishedFlows } from "./published.tsx";
import { RunningJobs } from "./running-jobs.tsx";

export function Overview() {
  const now = overview.value;
  if (now !== undefined) return <Shown overview={now} />;
  return link.value.state === "lost" ? (
    <Failed error={new Error("It is tried again by itself.")} what="Lockstep does not answer" />
  ) : (
    <Loading what="Waiting for the first figures" />
  );
}

function Shown({ overview: now }: { readonly overview: Standing }) {
  return (
    <div class="stack overview">
      <Needs overview={now} />
      <Figures overview={now} />
      <FlowMap overview={now} />
      <PublishedFlows published={now.published} />
      <Past />
      <RunningJobs jobs={now.jobs} />
      <Engines overview={now} />
    </div>
  );
}

function Needs({ overview: now }: { readonly overview: Standing }) {
  const hasPage = (path: string) => PAGES.some((one) => one.path === path);
  const needs = needsOf({ overview: now, alerts: alerts.value ?? [], jobs: jobs.value ?? [], hasPage });
  return (
    <section class={needs.length === 0 ? "needs none" : "needs"} aria-labelledby="needs">
      <h2 id="needs" class={needs.length === 0 ? "unseen" : undefined}>
        Needs a person
      </h2>
      {needs.length === 0 ? (
        <p class="all-well">
          <Icon name="check" />
          Nothing needs a person.
        </p>
      ) : (
        <ul>
          {needs.map((one) => (
            <li key={one.id} class={`need tone-${one.tone}`}>
              <Icon name={one.tone === "bad" ? "warn" : "info"} />
              <div class="need-words">
                <p class="need-title">{one.title}</p>
                <p class="need-says">{one.says}</p>
              </div>
              <a class="button small" href={one.to.place}>
                {one.to.says}
                <span class="unseen">: {one.title}</span>
                <Icon name="right" size={14} />
              </a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
