import type { ServiceCaller } from '../../runtime/contracts/callers.ts';
import { apiToEveryService, bearer } from './identity.ts';

/** An answer of a service: status, media type and parsed body. */
export type Answer = { status: number; type: string; body: never; text: string };
export type Ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

/** Calls a service's internal routes as the API gateway does, over a real socket. Text bodies are sent as they are. */
export function askAs(port: number, tenant = 'main', subject = 'tester@example.com'): Ask {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: {
        authorization: apiToEveryService,
        'x-iot-tenant': tenant,
        'x-iot-subject': subject,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, type, text, body: (type.includes('json') ? JSON.parse(text) : text) as never };
  };
}

/** Calls the devices service's internal routes as another service does. */
export function askDevicesAs(caller: ServiceCaller, port: number, tenant = 'main'): Ask {
  const ask = askAs(port, tenant);
  const authorization = bearer(caller, 'devices');
  return (method, path, body, headers = {}) => ask(method, path, body, { authorization, ...headers });
}
