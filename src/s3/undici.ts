/**
 * The two parts of undici that are used here, without the rest of it: fetch, WebSocket, caches and mocks take four times as
 * long to load, at the start of every command that talks to a store.
 *
 * The version is pinned in package.json, so these files are where they are.
 */
import type { Agent as AgentClass, errors as errorClasses } from "undici";
import errorsPart from "undici/lib/core/errors.js";
import agentPart from "undici/lib/dispatcher/agent.js";

export const Agent: typeof AgentClass = agentPart;
export const errors: typeof errorClasses = errorsPart;
