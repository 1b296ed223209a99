import { z } from 'zod';
import { reasonOf } from '../runtime/client/client.ts';
import { CommandError } from './errors.ts';

export type Token = { accessToken: string /** Epoch milliseconds. */; expiresAt: number };

const TokenAnswer = z.object({ access_token: z.string(), expires_in: z.number().positive() });

/** OAuth 2.0 client credentials (RFC 6749 section 4.4); id and secret go in the header, form-encoded first (2.3.1). */
export async function requestToken(api: string, client: { id: string; secret: string }): Promise<Token> {
  const basic = Buffer.from(`${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`).toString('base64');
  let response: Response;
  try {
    response = await fetch(new URL('/oauth/token', api), {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials',
      signal: AbortSignal.timeout(15_000),
    });
  } catch (cause) {
    throw new CommandError(`the platform at ${api} did not answer (${reasonOf(cause)})`, { cause });
  }
  const text = await response.text();
  if (response.status !== 200)
    throw new CommandError(`${api} refused the log-in of client '${client.id}': ${response.status} ${errorOf(text)}`);
  const answer = TokenAnswer.parse(JSON.parse(text));
  return { accessToken: answer.access_token, expiresAt: Date.now() + answer.expires_in * 1_000 };
}

/** The server's own words (RFC 6749 section 5.2), bounded; an answer in another form is shown by its beginning. */
function errorOf(text: string): string {
  const parts = /"error"\s*:\s*"([^"]{1,100})"(?:.*?"error_description"\s*:\s*"([^"]{1,300})")?/s.exec(text);
  return parts === null ? text.slice(0, 100) : [parts[1], parts[2]].filter(Boolean).join(': ');
}
