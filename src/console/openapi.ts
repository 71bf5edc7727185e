/** The API as an OpenAPI 3.1 document, printed from its routes. */
import { z } from "zod";
import { ANSWERS } from "./answers.ts";
import { CSRF_HEADER, SESSION_COOKIE } from "./auth/guard.ts";
import { API_ROOT, type Route } from "./routes/route.ts";

export function openApiOf(routes: readonly Route[], version: string): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Lockstep's console",
      version,
      description:
        `Callers show the console's token as a bearer token, or the session's cookie; with the cookie, whatever is no GET ` +
        `carries ${CSRF_HEADER} too and comes from the console's own page. Times are milliseconds since 1970.`,
    },
    servers: [{ url: API_ROOT }],
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        session: { type: "apiKey", in: "cookie", name: SESSION_COOKIE },
      },
      schemas: {
        Error: {
          type: "object",
          properties: { error: { type: "string", description: "What is wrong, and what to do" } },
          required: ["error"],
        },
      },
    },
  };
}

function operationOf(route: Route): Readonly<Record<string, unknown>> {
  const { method, access, does, body, status = 200, answers, path } = route;
  const type = answers === "text/event-stream" ? answers : "application/json";
  const error = (description: string) => ({
    description,
    content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
  });
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: does,
    description: access === "anybody" ? "Needs no login." : `Role: ${access}.`,
    ...(access === "anybody" ? { security: [] } : {}),
    parameters: [...pathParametersOf(route), ...queryParametersOf(route)],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: schemaOf(body) } } } }),
    responses: {
      [status]:
        answers === undefined
          ? { description: "Done" }
          : {
              description: answers,
              content: { [type]: { schema: type === "application/json" ? answerSchemaOf(answers) : {} } },
            },
      "400": error("The call is not as it should be"),
      ...(access === "anybody" ? {} : { "401": error("Nobody is logged in") }),
      "403": error("This is not allowed, or comes from another site"),
      "404": error("There is no such thing"),
      "409": error("It is not in a state for this"),
      "503": error("What is needed cannot be reached"),
    },
  };
}

/** Documents of others, OpenAPI's own and reports, are objects and no more. */
function answerSchemaOf(answers: string): z.core.JSONSchema.BaseSchema {
  const schema = ANSWERS[answers];
  return schema === undefined ? { type: "object" } : schemaOf(schema);
}

function pathParametersOf({ path }: Route) {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParametersOf({ query }: Route) {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

function schemaOf(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return rest;
}
