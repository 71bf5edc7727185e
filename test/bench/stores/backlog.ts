/** A million tasks that wait in the embedded ledger: what they cost in memory, for each claim, and when it is opened. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../../e2e/binary.ts";
import { heading, line, round } from "../measure.ts";

const CLIENT = fileURLToPath(new URL("./backlog-client.js", import.meta.url));
const TASKS = 1_000_000;
const FEW = 1000;

interface Figures {
  readonly openMs: number;
  readonly addMs: number;
  readonly claimMs: number;
  readonly rssBytes: number;
}

export async function benchBacklog(): Promise<void> {
  heading(`Backlog: ${TASKS.toLocaleString("en")} tasks in the embedded ledger`);
  const directory = temporaryDirectory();
  try {
    const [few, many] = [join(directory.path, "few.db"), join(directory.path, "many.db")];
    const fewAdded = await figures(few, FEW);
    const added = await figures(many, TASKS);
    line("added", `${round((TASKS * 1000) / added.addMs)} /s`, `in ${round(added.addMs / 1000)} s`);
    const small = await figures(few, 0);
    const opened = await figures(many, 0);
    line(`opened again with ${FEW.toLocaleString("en")}`, `${round(small.openMs)} ms`);
    line(`opened again with ${TASKS.toLocaleString("en")}`, `${round(opened.openMs)} ms`);
    const perClaim = (one: Figures) => `${round(one.claimMs)} ms`;
    line(`a claim of 100 and its completion, of ${FEW}`, perClaim(small));
    const ratio = (opened.claimMs / small.claimMs).toFixed(2);
    line(`likewise of ${TASKS.toLocaleString("en")}`, perClaim(opened), `${ratio} × the cost with few`);
    const mib = (bytes: number) => `${round(bytes / 2 ** 20)} MiB`;
    line("resident memory more, after adding", mib(added.rssBytes - fewAdded.rssBytes));
    line("resident memory more, after opening and claiming", mib(opened.rssBytes - small.rssBytes));
  } finally {
    directory.remove();
  }
}

/** In a process of its own, so that its memory is the ledger's. */
async function figures(path: string, add: number): Promise<Figures> {
  const child = fork(CLIENT, [path, String(add)], { execArgv: ["--expose-gc"] });
  const ended = once(child, "exit");
  const [answer] = (await once(child, "message")) as [Figures];
  await ended;
  return answer;
}
