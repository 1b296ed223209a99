import { z } from 'zod';
import { cloudSqlForm, googleEndpoint, isDatabaseUrl, isKeySetPlace, redisUrlProblem } from './cloud.ts';

/** Building blocks of settings schemas: each says in words what is allowed, because the words are the error message. */
export const port = (fallback?: number) => {
  const base = z.coerce
    .number('a port is a number')
    .int('a port is a whole number')
    .min(1, 'a port is 1 to 65535')
    .max(65_535, 'a port is 1 to 65535');
  return fallback === undefined ? base : base.default(fallback);
};
export const whole = (fallback: number, min: number, max: number) =>
  z.coerce
    .number(`allowed is a whole number ${min} to ${max}`)
    .int(`allowed is a whole number ${min} to ${max}`)
    .min(min, `allowed is ${min} to ${max}`)
    .max(max, `allowed is ${min} to ${max}`)
    .default(fallback);
export const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false'], 'allowed is true or false')
    .transform((v) => v === 'true')
    .default(fallback);
export const hostPort = z.string().regex(/^[A-Za-z0-9.-]+:\d{1,5}$/, 'allowed is host:port');
export const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1)),
      `allowed is a URL that begins with ${protocols.map((p) => `${p}://`).join(' or ')}`,
    );

/** A database: `postgres://…`, or Cloud SQL through Google's connector. */
export const databaseUrl = z.string().refine(isDatabaseUrl, `allowed is postgres://… or ${cloudSqlForm}`);

/** Named databases: `a=postgres://…,b=postgres://…`, each as `databaseUrl`. The names are those of the shard map. */
export const databases = z.string().transform((text, context) => {
  const found: Record<string, string> = {};
  for (const entry of text.split(',')) {
    const at = entry.indexOf('=');
    const name = entry.slice(0, at);
    const value = entry.slice(at + 1);
    if (at < 1 || !/^[a-z][a-z0-9_]{0,30}$/.test(name) || !isDatabaseUrl(value) || name in found) {
      context.addIssue(
        `allowed is name=postgres://…,name=postgres://… with each name once, or ${cloudSqlForm} for each`,
      );
      return z.NEVER;
    }
    found[name] = value;
  }
  return found;
});

/** Settings that every service has. */
export const commonSettings = {
  /** Name of this process in logs, metrics and presence; a part run several times gets a number. */
  IOT_INSTANCE: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'allowed is a lower-case name with digits and -'),
  /** Environment name; part of bus names, so that lanes and environments never meet. */
  IOT_NAMESPACE: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, 'allowed is a lower-case name with digits and -')
    .default('iot'),
  IOT_BIND: z.string().default('127.0.0.1'),
  /** Port of `/healthz`, `/readyz`, `/metrics`. */
  IOT_HEALTH_PORT: port(),
  IOT_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error'], 'allowed is debug, info, warn or error').default('info'),
  /** OTLP/HTTP collector; traces are not exported without it. */
  IOT_OTLP_ENDPOINT: url('http', 'https').optional(),
  /** Share of messages and requests whose trace is exported, 0 to 1. */
  IOT_TRACE_RATIO: z.coerce
    .number('allowed is 0 to 1')
    .min(0, 'allowed is 0 to 1')
    .max(1, 'allowed is 0 to 1')
    .default(0),
  /** Sends every call to Google (but Pub/Sub's, which has PUBSUB_EMULATOR_HOST) to a test server on this machine. */
  IOT_GOOGLE_ENDPOINT: googleEndpoint().optional(),
};

/** Of a service that others call: whose tokens it takes (decision 0020). */
export const calledByServices = {
  /** Public keys that sign callers' tokens, a JSON Web Key Set: URL of the cluster's, or a file. */
  IOT_CALLER_KEYS: z
    .string()
    .refine(isKeySetPlace, 'allowed is https://…, http://127.0.0.1:PORT/… or the absolute path of a file'),
  /** `iss` of callers' tokens. */
  IOT_CALLER_ISSUER: z.string().min(1),
  /** Kubernetes namespace of the accounts that may call. */
  IOT_CALLER_NAMESPACE: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'allowed is the name of a Kubernetes namespace'),
};
/** Of a service that calls others. */
export const callsServices = {
  /** Folder with this service's own tokens, one file a service that it calls (`iot-devices`), renewed by who gave them. */
  IOT_IDENTITY_DIR: z.string().min(1),
};

/** Where the stores are. In the cloud these come from the stack's outputs, on one machine from the launcher. */
export const coreDatabase = { IOT_CORE_DATABASE_URL: databaseUrl };
export const shardDatabases = { IOT_SHARD_DATABASE_URLS: databases };
export const cache = {
  /** With `?auth=iam` the password is an access token of the service's own account, renewed before it ends. */
  IOT_REDIS_URL: z.string().superRefine((text, context) => {
    const problem = redisUrlProblem(text);
    if (problem !== undefined) context.addIssue(problem);
  }),
  /** PEM file of the CA that signed the server's certificate, for `rediss:`; the system's CAs without it. */
  IOT_REDIS_CA_FILE: z.string().min(1).optional(),
};
export const bus = {
  IOT_PUBSUB_PROJECT: z.string().regex(/^[a-z][a-z0-9-]{4,29}$/, 'allowed is a Google Cloud project id'),
  /** Read by Google's client itself; set by the local launcher, absent in the cloud. */
  PUBSUB_EMULATOR_HOST: hostPort.optional(),
};
