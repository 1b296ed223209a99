import type { FastifyInstance } from 'fastify';
import { addressKey, retryAfterSeconds } from '../limits/headers.ts';
import type { Limit, RateLimits } from '../limits/rate-limits.ts';
import { contextOf } from '../routes/context.ts';
import { oauthPrefix } from './authorization-server.ts';
import type { FirstAdministrator } from './first-administrator.ts';
import { administratorPage, errorPage, madePage } from './pages.ts';
import { acceptForms, html, isForeign } from './routes.ts';
import { normalEmail } from './store.ts';

export const firstAdministratorPath = `${oauthPrefix}/first-administrator`;

/** The code has 130 bits, so this protects the password hash's cost, not the code. */
const perAddress: Limit = { burst: 5, ratePerSecond: 5 / 60 };
const emailPattern = /^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$/;

/** The page on which the one-time code becomes an administrator. Mounted only where there is such a code. */
export function addFirstAdministrator(
  app: FastifyInstance,
  { administrator, limits }: { administrator: FirstAdministrator; limits: RateLimits },
): void {
  void app.register((scope, _, done) => {
    acceptForms(scope);
    scope.get(firstAdministratorPath, (_request, reply) => html(reply, 200, administratorPage({ email: '' })));
    scope.post(firstAdministratorPath, async (request, reply) => {
      if (isForeign(request)) return html(reply, 403, errorPage('foreign', 'This form was sent by another site.'));
      const { code, email, password } = fields(request.body);
      const taken = await limits.take('login', `administrator ${addressKey(request.ip)}`, perAddress);
      if (!taken.allowed) {
        const wait = retryAfterSeconds(taken);
        const failed = `Too many tries. Try again in ${wait} seconds.`;
        return html(reply.header('retry-after', String(wait)), 429, administratorPage({ email, failed }));
      }
      const wrong = problemOf(email, password);
      if (wrong !== undefined) return html(reply, 422, administratorPage({ email, failed: wrong }));
      if (!(await administrator.redeem(code, email, password))) {
        contextOf(request).log.warn(
          { event: 'first-administrator-refused' },
          'code of the first administrator refused',
        );
        const failed = 'This code is wrong or used, or there is an administrator already.';
        return html(reply, 401, administratorPage({ email, failed }));
      }
      contextOf(request).log.warn({ event: 'first-administrator', subject: email }, 'the first administrator was made');
      return html(reply, 201, madePage());
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
