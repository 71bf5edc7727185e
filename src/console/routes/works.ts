/** Works over HTTP: they are begun, listed, looked at and cancelled. */
import { z } from "zod";
import type { Identity } from "../auth/identity.ts";
import type { Desk, DeskDiagnosis, Told } from "../desk.ts";
import { ApiError } from "../errors.ts";
import type { ConsoleOptions } from "../options.ts";
import type { WorkOrder, WorkRunner } from "../work-runner.ts";
import { requireDesk } from "./desk.ts";
import type { ApiContext, Route } from "./route.ts";

const bucket = z.string().min(1);
const causeId = z.string().min(1).optional();
const TEXT_MAX = 2 * 1024 * 1024;

const newWork = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("diagnose"), bucket }),
  z.strictObject({ kind: z.literal("prove"), bucket, causeId }),
  z.strictObject({ kind: z.literal("apply"), bucket, causeId }),
  z.strictObject({ kind: z.literal("undo"), bucket, id: z.string().min(1) }),
  z.strictObject({ kind: z.literal("rehearse"), bucket, text: z.string().max(TEXT_MAX).optional() }),
  z.strictObject({
    kind: z.literal("watch"),
    bucket,
    watch: z.strictObject({ kind: z.enum(["canary", "probe", "audit", "rehearse", "lint"]) }),
  }),
]);
type NewWork = z.infer<typeof newWork>;

export interface WorkParts extends Pick<ConsoleOptions, "watch"> {
  readonly desk: Desk | undefined;
  readonly works: WorkRunner;
  readonly onDiagnosed: (bucket: string, diagnosis: DeskDiagnosis) => void;
}

export function workRoutes(parts: WorkParts): readonly Route[] {
  const { works } = parts;
  return [
    {
      method: "GET",
      path: "/works",
      access: "viewer",
      does: "Lists the works that run and that ended a while ago, the youngest first",
      answers: "{works: Work[]}",
      run: (c) => c.json({ works: works.list() }),
    },
    {
      method: "POST",
      path: "/works",
      access: "viewer",
      does: "Begins a work: diagnose, prove and rehearse as a viewer; apply, undo and watch as an operator",
      body: newWork,
      answers: "Work",
      status: 202,
      unrecorded: true,
      run: async (c) => c.json(await works.begin(orderOf(newWork.parse(await c.req.json()), c.get("who"), parts)), 202),
    },
    {
      method: "GET",
      path: "/works/:id",
      access: "viewer",
      does: "Tells how far a work is, and its result",
      answers: "Work",
      run: (c) => answer(c, works.find(c.req.param("id") ?? "")),
    },
    {
      method: "DELETE",
      path: "/works/:id",
      access: "viewer",
      does: "Tells a work to end; of others' works only an operator may",
      answers: "Work",
      unrecorded: true,
      run: (c) => {
        const id = c.req.param("id") ?? "";
        const work = works.find(id);
        const { user, role } = c.get("who");
        if (work !== undefined && role !== "operator" && work.by !== user) {
          throw new ApiError(403, `${work.by} began this: only an operator may cancel it`);
        }
        return answer(c, works.cancel(id));
      },
    },
  ];
}

function answer(c: ApiContext, work: unknown) {
  if (work === undefined) throw new ApiError(404, `there is no work ${c.req.param("id")}`);
  return c.json(work);
}

function orderOf(given: NewWork, who: Identity, { desk: held, onDiagnosed, watch }: WorkParts): WorkOrder {
  const { kind, bucket: of } = given;
  const order = (run: (desk: Desk, told: Told) => Promise<unknown>, cause?: string): WorkOrder => {
    const desk = requireDesk(held);
    const ofCause = cause === undefined ? {} : { causeId: cause };
    return { kind, bucket: of, who, ...ofCause, run: (told) => run(desk, told) };
  };
  switch (given.kind) {
    case "diagnose":
      return order(async (desk, told) => {
        const diagnosis = await desk.diagnose(of, told);
        onDiagnosed(of, diagnosis);
        return diagnosis;
      });
    case "prove":
      return order((desk, told) => desk.prove(of, given.causeId, told), given.causeId);
    case "rehearse":
      return order((desk, told) => desk.rehearse(of, given.text, told));
    case "apply": {
      requireOperator(who, kind);
      const made = order((desk, told) => desk.apply(of, given.causeId, told), given.causeId);
      return { ...made, changes: "Applies patches" };
    }
    case "undo":
      requireOperator(who, kind);
      return { ...order((desk, told) => desk.undo(of, given.id, told)), changes: `Takes back ${given.id}` };
    case "watch": {
      requireOperator(who, kind);
      if (watch === undefined) throw new ApiError(404, "nothing is watched here");
      const { kind: watched } = given.watch;
      return {
        kind,
        bucket: of,
        who,
        changes: `Watches out of turn: ${watched}`,
        run: (told) => watch(watched, of, told),
      };
    }
  }
}

function requireOperator({ user, role }: Identity, kind: string): void {
  if (role !== "operator") throw new ApiError(403, `only an operator may ${kind}, and ${user} is a viewer`);
}
