#!/usr/bin/env node
/** The command line: finds the command, runs it, prints what it found. */

import { processContext } from "./context.ts";
import { complaintOf } from "./errors.ts";
import { runProgram } from "./program.ts";

const context = processContext();
// A reader that has seen enough (`lockstep … | head`) is no fault.
context.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 4));

// The lock file pins an SDK that works on every Node that package.json names: its advice is for us, not for users.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

try {
  process.exitCode = await runProgram(process.argv.slice(2), context);
} catch (error) {
  const complaint = complaintOf(error);
  context.stderr.write(`lockstep: ${complaint.line}\n`);
  if (complaint.stack !== undefined) {
    context.stderr.write(`${complaint.stack}\nThis is a fault of Lockstep: please report it with these lines.\n`);
  }
  process.exitCode = complaint.status;
}
