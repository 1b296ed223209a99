/**
 * The few pages that the authorization server shows itself. Server-rendered, no script; the style is a file of its own
 * because the content security policy allows no inline style either.
 */
const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => escapes[char] as string);

export const stylePath = '/oauth/style.css';

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} · IoT platform</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${stylePath}">
</head>
<body>
<main>
<p class="brand"><svg viewBox="0 0 24 24" width="28" height="28" aria-hidden="true"><circle cx="12" cy="12" r="3"/><path d="M6.3 17.7a8 8 0 0 1 0-11.4M17.7 6.3a8 8 0 0 1 0 11.4"/></svg><span>IoT platform</span></p>
${body}
</main>
</body>
</html>
`;
}

/** @param failed text of the last try's failure: shown, announced, and tied to both fields. */
export function loginPage(form: { action: string; email: string; failed?: string | undefined }): string {
  const failed =
    form.failed === undefined ? '' : `<p class="failed" id="failed" role="alert">${escapeHtml(form.failed)}</p>`;
  const described = form.failed === undefined ? '' : ' aria-describedby="failed" aria-invalid="true"';
  const [focusEmail, focusPassword] = form.email === '' ? [' autofocus', ''] : ['', ' autofocus'];
  return page(
    'Log in',
    `<h1>Log in</h1>
${failed}
<form method="post" action="${escapeHtml(form.action)}">
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="${escapeHtml(form.email)}"${described}${focusEmail}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256"${described}${focusPassword}>
<button type="submit">Log in</button>
</form>`,
  );
}

/** Asks for a one-time code, an address and a password. @param failed as on the log-in page */
export function codePage(form: { title: string; button: string; email: string; failed?: string | undefined }): string {
  const failed =
    form.failed === undefined ? '' : `<p class="failed" id="failed" role="alert">${escapeHtml(form.failed)}</p>`;
  const described = form.failed === undefined ? '' : ' aria-describedby="failed" aria-invalid="true"';
  return page(
    form.title,
    `<h1>${escapeHtml(form.title)}</h1>
${failed}
<form method="post">
<label for="code">One-time code</label>
<input id="code" name="code" autocomplete="one-time-code" required maxlength="100" autofocus${described}>
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="${escapeHtml(form.email)}"${described}>
<label for="password">Password, at least 12 characters</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="256"${described}>
<button type="submit">${escapeHtml(form.button)}</button>
</form>`,
  );
}

export function madePage(title: string, made: string): string {
  return page(title, `<h1>${escapeHtml(made)}</h1>\n<p><a href="/">Log in</a></p>`);
}

/** @param form oidc-provider's own form (id `op.logoutForm`), made of its values only. */
export function logoutPage(form: string): string {
  return page(
    'Log out',
    `<h1>Log out?</h1>
${form}
<button type="submit" form="op.logoutForm" value="yes" name="logout">Log out</button>
<p><a href="/">Stay logged in</a></p>`,
  );
}

export function errorPage(error: string, description: string | undefined): string {
  return page(
    'Log-in failed',
    `<h1>That did not work</h1>
<p>${escapeHtml(description ?? 'The log-in could not go on.')}</p>
<p class="code">${escapeHtml(error)}</p>
<p><a href="/">Back to the dashboard</a></p>`,
  );
}

export const styleSheet = `:root{color-scheme:light dark;--bg:#f6f8fa;--card:#fff;--ink:#1a2029;--muted:#5a6572;--line:#8b95a1;--accent:#1458c4;--accent-ink:#fff;--bad:#a40e26;--bad-bg:#ffebe9}
@media (prefers-color-scheme:dark){:root{--bg:#0e1217;--card:#171c23;--ink:#e4e9ef;--muted:#9aa6b3;--line:#66717f;--accent:#6aa5ff;--accent-ink:#08101c;--bad:#ff9d94;--bad-bg:#3d1417}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--bg);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:23rem;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}
.brand{display:flex;align-items:center;gap:.6rem;margin:0 0 1.25rem;font-weight:600}
.brand svg{fill:none;stroke:var(--accent);stroke-width:2;stroke-linecap:round}
h1{margin:0 0 1rem;font-size:1.4rem}
label{display:block;margin:1rem 0 .3rem;font-weight:500}
input{width:100%;padding:.65rem .75rem;font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:.4rem}
button{width:100%;margin-top:1.5rem;padding:.7rem;font:inherit;font-weight:600;color:var(--accent-ink);background:var(--accent);border:0;border-radius:.4rem;cursor:pointer}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
a{color:var(--accent)}
.failed{margin:0;padding:.6rem .75rem;color:var(--bad);background:var(--bad-bg);border-radius:.4rem}
.code{color:var(--muted);font-family:ui-monospace,monospace;font-size:.85rem}
`;
