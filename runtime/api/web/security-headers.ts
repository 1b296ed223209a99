/**
 * What a browser is told with every answer. No `unsafe-inline` anywhere: scripts and styles are files. There is no
 * CORS header at all: no other origin has business here.
 */
export function securityHeaders(publicUrl: string): Record<string, string> {
  return {
    'content-security-policy': apiPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'x-frame-options': 'DENY',
    ...(publicUrl.startsWith('https:') ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  };
}

/** For answers that are data: nothing of them may run or be shown in a frame. */
const apiPolicy = "default-src 'none'; frame-ancestors 'none'";

/** For the log-in pages: a style sheet, and a form that comes back here. `script-src` lets oidc-provider add a hash. */
export const loginPolicy =
  "default-src 'none'; style-src 'self'; script-src 'none'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** For the dashboard. @param issuer an external issuer that it has to talk to. */
export function dashboardPolicy(issuer: string | undefined): string {
  const connect = issuer === undefined ? "'self'" : `'self' ${new URL(issuer).origin}`;
  return `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src ${connect}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;
}
