/** The files of undici that are imported by path: the package types its main entry only, and undici.ts says what they are. */
declare module "undici/lib/dispatcher/agent.js";
declare module "undici/lib/core/errors.js";
