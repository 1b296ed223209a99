import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import {
  audienceOf,
  type CalledService,
  type ServiceCaller,
  serviceCallers,
  subjectPrefix,
} from '../../contracts/callers.ts';
import { type ProblemError, problem } from '../http/problem.ts';
import type { Log } from '../service/log.ts';
import { KeysAway, openKeySet } from './key-set.ts';

/** Tells which service calls, from its token. */
export type Callers = {
  /**
   * @param authorization the header as it came
   * @throws ProblemError 401 saying what is wrong with it; 503 while the keys can not be had
   */
  verify(authorization: string | undefined): Promise<ServiceCaller>;
};

/** Settings of a service that others call. */
export type CalledSettings = { IOT_CALLER_KEYS: string; IOT_CALLER_ISSUER: string; IOT_CALLER_NAMESPACE: string };

/** How far the issuer's clock may be off, seconds. */
const skewSeconds = 30;
const longestToken = 8_192;
/** A caller has one token at a time, renewed every few minutes: far more than there are pods. */
const remembered = 1_000;

/** Callers of `service`, by the settings of where their tokens come from. */
export const openCallers = (service: CalledService, settings: CalledSettings, log: Log): Callers =>
  createCallers({
    service,
    keys: openKeySet(settings.IOT_CALLER_KEYS, log),
    issuer: settings.IOT_CALLER_ISSUER,
    namespace: settings.IOT_CALLER_NAMESPACE,
  });

/**
 * Signature, issuer, audience, time and account of a token. A good one is remembered until it ends: a service's calls are
 * one verification every few minutes and a look into a map each.
 * @param clock epoch milliseconds
 */
export function createCallers(options: {
  service: CalledService;
  keys: JWTVerifyGetKey;
  issuer: string;
  namespace: string;
  clock?: () => number;
}): Callers {
  const { keys, issuer, clock = Date.now } = options;
  const audience = audienceOf(options.service);
  const prefix = subjectPrefix(options.namespace);
  const known = new Map<string, { caller: ServiceCaller; until: number }>();

  return {
    async verify(authorization) {
      const token = tokenOf(authorization);
      const found = known.get(token);
      if (found !== undefined && clock() < found.until) return found.caller;
      known.delete(token);
      const { sub, exp } = await claimsOf(token);
      const caller = serviceCallers.find((name) => sub === `${prefix}${name}`);
      if (caller === undefined) throw refused("its account is none of this platform's callers");
      if (known.size >= remembered) known.delete(known.keys().next().value as string);
      known.set(token, { caller, until: exp * 1_000 });
      return caller;
    },
  };

  async function claimsOf(token: string): Promise<{ sub: string; exp: number }> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        // What Kubernetes signs with, and our launcher. None is symmetric: its key would be the public one.
        algorithms: ['RS256', 'ES256'],
        clockTolerance: skewSeconds,
        currentDate: new Date(clock()),
        requiredClaims: ['exp', 'sub'],
      });
      return payload as { sub: string; exp: number };
    } catch (error) {
      if (error instanceof KeysAway)
        throw problem(503, 'Identity not known', 'callers can not be verified now; try again', {
          retryAfterSeconds: 1,
          cause: error,
        });
      if (error instanceof errors.JWTExpired) throw refused('it has expired');
      if (error instanceof errors.JWTClaimValidationFailed) throw refused(`its ${error.claim} is another`);
      if (error instanceof errors.JOSEError) throw refused('it is not signed by an issuer of callers');
      throw error;
    }
  }
}

function tokenOf(authorization: string | undefined): string {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(authorization ?? '')?.[1];
  if (token === undefined || token.length > longestToken) throw refused('there is none');
  return token;
}

function refused(why: string): ProblemError {
  return problem(
    401,
    'No caller',
    `the token in the header authorization is not taken: ${why}; only the platform's services call this port, each with its own`,
  );
}
