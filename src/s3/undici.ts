/**
 * The two parts of undici that are used here, without the rest of it: fetch, WebSocket, caches and mocks take four times as
 * long to load, at the start of every command that talks to a store.
 *
 * The version is pinned in package.json, so these files are where they are.
 */
import { createRequire } from "node:module";
import type { Agent as AgentClass, errors as errorClasses } from "undici";

const require = createRequire(import.meta.url);

export const Agent = require("undici/lib/dispatcher/agent.js") as typeof AgentClass;
export const errors = require("undici/lib/core/errors.js") as typeof errorClasses;
