/**
 * Waits until each metric of IOT_METRICS (`name/kind,…`) of Managed Prometheus exists in project IOT_PROJECT: Google takes
 * no service level on a metric that was never written. Idempotent; ends with 1 and the names of those that are missing.
 * Credentials: GOOGLE_OAUTH_ACCESS_TOKEN as for the provider, else application default credentials.
 */
import { GoogleAuth } from 'google-auth-library';

const project = required('IOT_PROJECT');
const metrics = required('IOT_METRICS').split(',');
const waitSeconds = Number(process.env.IOT_WAIT_SECONDS ?? 900);
const pauseSeconds = Number(process.env.IOT_PAUSE_SECONDS ?? 10);
const endpoint = endpointOf(process.env.IOT_GOOGLE_ENDPOINT);
const auth = new GoogleAuth({ scopes: ['https://www.googleapis.com/auth/monitoring.read'], projectId: project });

const until = Date.now() + waitSeconds * 1_000;
let missing = metrics;
let trouble = '';
for (;;) {
  missing = await stillMissing(missing);
  if (missing.length === 0) break;
  if (Date.now() >= until) {
    console.error(
      `after ${waitSeconds} s these metrics have not arrived in project ${project}: ${missing.join(', ')}${trouble}.\n` +
        'Look whether gateway and processor run and are scraped (docs/runbooks/gateway-absent.md), then run `pulumi up` again: all else is up.',
    );
    process.exit(1);
  }
  await new Promise((resolve) => setTimeout(resolve, pauseSeconds * 1_000));
}
console.log(`${metrics.length} metrics have arrived`);

async function stillMissing(names) {
  const found = await Promise.all(names.map(async (name) => ((await exists(name)) ? [] : [name])));
  return found.flat();
}

/** False while there is none, and when Google cannot say; a refusal ends the wait. */
async function exists(name) {
  const url = `${endpoint}/v3/projects/${project}/metricDescriptors/prometheus.googleapis.com/${name}`;
  const token = process.env.GOOGLE_OAUTH_ACCESS_TOKEN || (await auth.getAccessToken());
  try {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(20_000),
    });
    if (response.status === 200) return true;
    if (response.status === 401 || response.status === 403) {
      console.error(
        `Cloud Monitoring answers ${response.status} for project ${project}: the one who deploys needs roles/monitoring.viewer there (docs/how-to/ci.md)`,
      );
      process.exit(1);
    }
    trouble = response.status === 404 ? '' : ` (Cloud Monitoring answers ${response.status})`;
  } catch (error) {
    // Not reachable for a moment is as good as not yet there; the last cause is in the message at the end.
    trouble = ` (${error instanceof Error ? error.message : String(error)})`;
  }
  return false;
}

function required(name) {
  const value = process.env[name];
  if (value) return value;
  console.error(`${name} is not set: this program is run by the stack, with IOT_PROJECT and IOT_METRICS`);
  process.exit(1);
}

/** A test server on this machine gets the token instead of Google; no other host may. */
function endpointOf(text) {
  if (!text) return 'https://monitoring.googleapis.com';
  const { origin, protocol, hostname } = new URL(text);
  if (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return origin;
  console.error(`IOT_GOOGLE_ENDPOINT is '${text}': allowed is http://127.0.0.1:PORT`);
  process.exit(1);
}
