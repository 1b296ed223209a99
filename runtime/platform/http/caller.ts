import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type ServiceCaller, speaksForOthers } from '../../contracts/callers.ts';
import { callerHeaders } from '../../contracts/http/index.ts';
import { tenantIdPattern, traceIdPattern } from '../../contracts/identifiers.ts';
import { problem } from './problem.ts';

/** Who asks: a service, and for whom. */
export type Caller = {
  /** As its token proves. */
  service: ServiceCaller;
  /** As that service says. */
  tenant: string;
  /** User or client, for the audit log; `service:gateway` where the service asks for nobody else. */
  subject: string;
  scopes: ReadonlySet<string>;
};

const subjectPattern = /^[\x21-\x7e][\x20-\x7e]{0,255}$/;

/**
 * For whom a service asks. Without a tenant there is no answer. A subject is believed from services that speak for others.
 * @param service as its token proves.
 * @throws ProblemError 401 naming the header that is missing or malformed.
 */
export function callerOf(service: ServiceCaller, headers: IncomingHttpHeaders): Caller {
  const tenant = one(headers, callerHeaders.tenant);
  if (!tenantIdPattern.test(tenant)) throw refused(callerHeaders.tenant, 'a tenant id');
  if (!speaksForOthers.has(service)) return { service, tenant, subject: `service:${service}`, scopes: new Set() };
  const subject = one(headers, callerHeaders.subject);
  if (!subjectPattern.test(subject)) throw refused(callerHeaders.subject, '1 to 256 printable ASCII characters');
  const scopes = headers[callerHeaders.scopes];
  return {
    service,
    tenant,
    subject,
    scopes: new Set(typeof scopes === 'string' ? scopes.split(' ').filter(Boolean) : []),
  };
}

/** Trace id of a W3C `traceparent` (https://www.w3.org/TR/trace-context/#traceparent-header), or a new one. */
export function traceOf(headers: IncomingHttpHeaders): string {
  const given = headers[callerHeaders.trace];
  const id =
    typeof given === 'string' ? (/^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(given)?.[1] ?? '') : '';
  return traceIdPattern.test(id) ? id : randomBytes(16).toString('hex');
}

function one(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

function refused(header: string, allowed: string) {
  return problem(
    401,
    'No caller',
    `header ${header} must be ${allowed}; only the API gateway and other services call this port`,
  );
}
