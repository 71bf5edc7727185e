/** A process that holds the file of its argument until it is killed or its stdin ends; for `database.test.ts`. */
import { holdFile } from "../../src/ledger/database.ts";

const hold = holdFile(process.argv[2] ?? "");
process.stdout.write("held\n");
process.stdin.resume().on("end", () => hold.release());
