/** The lab's own call on whose store it does as. */
import { z } from "zod";
import { FLAVOURS, type FlavourName } from "../flavours/flavours.ts";
import type { AdminWorld, Route } from "./route.ts";

const choice = z.strictObject({ name: z.enum(Object.keys(FLAVOURS) as FlavourName[]) });

export const FLAVOUR_ROUTES: readonly Route[] = [
  { method: "GET", path: /^flavour$/, run: show },
  {
    method: "PUT",
    path: /^flavour$/,
    run(world, _names, body) {
      world.s3.flavour.choose(choice.parse(body).name);
      return show(world);
    },
  },
];

function show({ s3 }: AdminWorld) {
  const { name, now } = s3.flavour;
  return { name, source: now.source };
}
