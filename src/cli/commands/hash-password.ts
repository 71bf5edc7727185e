import type { CommandInput, CommandResult, CommandSpec } from "../command.ts";
import { UsageError } from "../errors.ts";

export const hashPasswordCommand: CommandSpec = {
  name: "hash-password",
  summary: "what stands in lockstep.yaml for a password of the console",
  description:
    "Asks for a password, or reads it from standard input, and prints its hash for console.users in lockstep.yaml.\n" +
    "Nothing leads back from the hash to the password, which is kept nowhere.",
  arguments: [],
  options: [],
  examples: [{ does: "from a script", type: "printf %s 'correct horse battery' | lockstep hash-password" }],
  run,
};

/** Shorter ones are guessed. */
const LENGTH_MIN = 8;

async function run(_input: CommandInput): Promise<CommandResult> {
  const { readPassword } = await import("../password-input.ts");
  const password = await readPassword("Password: ");
  if (password.length < LENGTH_MIN) throw new UsageError(`a password has at least ${LENGTH_MIN} characters`);
  const { hashPassword } = await import("../../console/auth/passwords.ts");
  const passwordHash = await hashPassword(password);
  return { status: 0, value: { passwordHash }, words: () => passwordHash };
}
