import type { FastifyInstance } from 'fastify';
import { addressKey, retryAfterSeconds } from '../limits/headers.ts';
import type { Limit, RateLimits } from '../limits/rate-limits.ts';
import { contextOf } from '../routes/context.ts';
import { oauthPrefix } from './authorization-server.ts';
import { codePage, errorPage, madePage } from './pages.ts';
import { acceptForms, html, isForeign } from './routes.ts';
import { normalEmail } from './store.ts';

/** The code has 130 bits, so this protects the password hash's cost, not the code. */
const perAddress: Limit = { burst: 5, ratePerSecond: 5 / 60 };
const emailPattern = /^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$/;

/** Where the one-time code of a new environment makes its first administrator. */
export const firstAdministratorPath = `${oauthPrefix}/first-administrator`;
/** Where an invited person chooses a password. */
export const invitationPath = `${oauthPrefix}/invitation`;

/** A page on which a one-time code, an address and a password become a log-in. */
export type CodePage = {
  path: string;
  title: string;
  button: string;
  made: string;
  /** Word for logs and the rate limit: `invitation`. */
  event: string;
  /** Said of a code that does not do, whatever the reason. */
  refused: string;
  redeem(code: string, email: string, password: string, trace: string): Promise<boolean>;
};

export function addCodePage(app: FastifyInstance, page: CodePage, limits: RateLimits): void {
  const form = (email: string, failed?: string) => codePage({ title: page.title, button: page.button, email, failed });
  void app.register((scope, _, done) => {
    acceptForms(scope);
    scope.get(page.path, (_request, reply) => html(reply, 200, form('')));
    scope.post(page.path, async (request, reply) => {
      if (isForeign(request)) return html(reply, 403, errorPage('foreign', 'This form was sent by another site.'));
      const { code, email, password } = fields(request.body);
      const taken = await limits.take('login', `${page.event} ${addressKey(request.ip)}`, perAddress);
      if (!taken.allowed) {
        const wait = retryAfterSeconds(taken);
        const again = form(email, `Too many tries. Try again in ${wait} seconds.`);
        return html(reply.header('retry-after', String(wait)), 429, again);
      }
      const wrong = problemOf(email, password);
      if (wrong !== undefined) return html(reply, 422, form(email, wrong));
      const { log, trace } = contextOf(request);
      if (!(await page.redeem(code, email, password, trace))) {
        log.warn({ event: `${page.event}-refused` }, `code of ${page.event} refused`);
        return html(reply, 401, form(email, page.refused));
      }
      log.warn({ event: page.event, subject: email }, `code of ${page.event} redeemed`);
      return html(reply, 201, madePage(page.title, page.made));
    });
    done();
  });
}

function fields(body: unknown): { code: string; email: string; password: string } {
  const { code, email, password } = (body ?? {}) as Record<string, unknown>;
  return {
    code: typeof code === 'string' ? code.slice(0, 100) : '',
    email: typeof email === 'string' ? normalEmail(email.replaceAll('\0', '')) : '',
    password: typeof password === 'string' ? password : '',
  };
}

function problemOf(email: string, password: string): string | undefined {
  if (!emailPattern.test(email)) return 'The e-mail address must be ASCII, as ada@example.org.';
  return password.length < 12 || password.length > 256 ? 'The password must have 12 to 256 characters.' : undefined;
}
