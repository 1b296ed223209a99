import { invalid } from '../../platform/http/validate.ts';

const mostParameters = 32;

/**
 * Query parameters by name. A name given twice is refused, not silently the first or last: the gateway and a service
 * behind it must never read the same request differently.
 * @param url path and query as received.
 * @throws ProblemError 400
 */
export function parseQuery(url: string): Record<string, string> {
  const at = url.indexOf('?');
  if (at < 0) return {};
  const parameters = [...new URLSearchParams(url.slice(at + 1))];
  if (parameters.length > mostParameters)
    throw invalid([{ field: 'query', message: `has ${parameters.length} parameters; allowed are ${mostParameters}` }]);
  const found: Record<string, string> = Object.create(null);
  for (const [name, value] of parameters) {
    if (name in found)
      throw invalid([{ field: `query.${name.slice(0, 64)}`, message: 'is given more than once; once is allowed' }]);
    found[name] = value;
  }
  return found;
}

/**
 * Whether a client takes an answer of this media type (RFC 9110, section 12.5.1). A missing header takes anything.
 */
export function isAcceptable(accept: string | undefined, type: string): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  const [major] = type.split('/');
  const ranges = accept.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
    const q = parameters.find((word) => word.startsWith('q='));
    return { range, q: q === undefined ? 1 : Number(q.slice(2)) };
  });
  const best = [type, `${major}/*`, '*/*'].map((range) => ranges.find((one) => one.range === range));
  const match = best.find((one) => one !== undefined);
  return match !== undefined && match.q > 0;
}
