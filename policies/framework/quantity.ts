const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * A quantity of Kubernetes as a number: `1536Mi`, `1.5Gi`, `250m`, `1e3`, `2`. Null: not one.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function quantity(given: unknown): number | null {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(String(given));
  if (match === null || (typeof given !== 'string' && typeof given !== 'number')) return null;
  const [, digits = '', exponent, suffix = ''] = match;
  return Number(exponent === undefined ? digits : `${digits}e${exponent}`) * (suffixes[suffix] ?? 1);
}
